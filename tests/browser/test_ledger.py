"""The ledger pages in a browser: no accessibility violations, usable by keyboard alone."""

import pytest
from django.conf import settings
from django.urls import reverse

from claims.models import Voucher
from claims.operations import mark_exported
from incidents.models import Outage
from sla_portal.audit.actors import Actor
from sla_portal.availability.operations import correct_month
from tests.support.builders import at
from tests.support.claimants import OPEN, PORTAL, SEPTEMBER, a_claim, a_claimant, a_missed_september, granted, support
from tests.support.desk import a_member, signed_in
from tests.support.screen import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def given():
    a_missed_september()
    other = a_claimant()
    made = granted(a_claim(a_claimant(monthly_charge="43200")), voucher_minutes=12)
    mark_exported(actor=Actor.staff(support()), now=OPEN)
    a_claim(other)
    Outage.objects.update(ended_at=at("2026-09-10 01:20"))
    correct_month(actor=PORTAL, month=SEPTEMBER, reason="The logs say otherwise", now=OPEN)
    return made


def opened(browser, live_server, scheme: str = "light", width: int = 1440):
    context = browser.new_context(
        base_url=live_server.url, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    cookie = signed_in(a_member("Support", f"at-{width}")).cookies[settings.SESSION_COOKIE_NAME]
    context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    return context.new_page()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_the_ledger_pages_have_no_accessibility_violations(browser, live_server, given, scheme, width):
    page = opened(browser, live_server, scheme, width)
    broken = {}
    for address in (
        reverse("admin:ledger") + "?month=",
        reverse("admin:ledger") + "?month=abc",
        reverse("admin:balances"),
        reverse("admin:billing"),
        reverse("admin:voucher", args=[Voucher.objects.get().pk]),
        reverse("admin:extension", args=[given.pk]),
        reverse("admin:entitled_contracts_in", args=["2026-09"]),
        reverse("admin:affected_claims", args=["2026-09"]),
        reverse("admin:claims_ownday_changelist"),
    ):
        page.goto(address)
        broken |= faults(page)
    page.context.close()
    assert broken == {}


def test_a_voucher_is_redeemed_by_keyboard_alone(browser, live_server, given):
    voucher = Voucher.objects.get()
    page = opened(browser, live_server)
    page.goto(reverse("admin:voucher", args=[voucher.pk]))
    page.get_by_label("Order or invoice").focus()
    page.keyboard.type("R-2026-17")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.get_by_text("Redeemed.").wait_for()
    assert list(voucher.entries.order_by("id").values_list("step", flat=True)) == ["issued", "redeemed"]
    page.context.close()


def test_the_csv_export_has_the_filtered_entries(browser, live_server, given):
    page = opened(browser, live_server)
    page.goto(reverse("admin:ledger") + "?month=2026-10&step=issued")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Export CSV", exact=True).click()
    lines = waiting.value.path().read_text("utf-8-sig").splitlines()
    assert waiting.value.suggested_filename == "ledger-2026-10.csv"
    assert len(lines) == 2 and Voucher.objects.get().code in lines[1]
    page.context.close()
