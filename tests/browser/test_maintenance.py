"""A window in a real browser: planned on a desktop, announced, and extended on a phone."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from django.core import mail
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from maintenance.models import MaintenanceWindow
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery, Status
from sla_portal.notices.operations import deliver_chunk
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_outage, at
from tests.support.desk import PASSWORD, a_member, signed_in
from tests.support.screen import faults, fits

pytestmark = pytest.mark.browser
PHONE = {"width": 390, "height": 844}


def test_a_window_is_planned_announced_started_and_extended(page, live_server, transactional_db):
    customer = a_customer(a_region("eu", name="Europe"))
    a_contract(customer, "2020-01-01", "2040-12-31")
    Contact.objects.create(customer=customer, email="ops@example.com")
    complaints: list[str] = []
    page.on("console", lambda line: complaints.append(line.text) if line.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    page.goto(live_server.url + reverse("admin:login"))
    page.get_by_label("Username").fill(a_member("NOC").username)
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{reverse('admin:index')}")

    page.goto(live_server.url + reverse("admin:maintenance_calendar"))
    page.get_by_role("link", name="Plan a window").click()
    page.get_by_label("Reference").fill("MW-7")
    page.get_by_label("Title").fill("Database upgrade")
    starts_at = (datetime.now(UTC) + timedelta(hours=8, minutes=30)).replace(second=0)
    for name, moment in (("starts_at", starts_at), ("ends_at", starts_at + timedelta(hours=1))):
        page.locator(f"[name={name}_0]").fill(f"{moment:%Y-%m-%d}")
        page.locator(f"[name={name}_1]").fill(f"{moment:%H:%M:%S}")
    for group in ("regions", "functions", "clients"):
        page.locator(f"[name={group}][value='all']").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Draft")
    expect(page.get_by_text("Lead time below the recommended 72 h.")).to_be_visible()

    page.get_by_role("link", name="Announce", exact=True).click()
    expect(page.get_by_text("1 address", exact=True)).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("Scheduled maintenance MW-7,")).first).to_be_visible()
    page.get_by_role("button", name="Send notice to customers (1 address)").dblclick()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Starts in")
    assert Delivery.objects.get().status == Status.PENDING
    deliver_chunk(ids=[Delivery.objects.get().pk], clock=timezone.now)
    assert [message.to for message in mail.outbox] == [["ops@example.com"]]

    page.set_viewport_size(PHONE)
    page.reload()
    expect(page.get_by_text("1 sent")).to_be_visible()
    start = page.get_by_role("button", name="Start", exact=True)
    assert start.bounding_box()["height"] >= 60
    start.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("In progress: announced end in")
    countdown = page.locator("time[data-until]")
    before = countdown.text_content()
    expect(countdown).not_to_have_text(before)

    page.get_by_role("link", name="+30 min").click()
    expect(page.get_by_text("extended until").first).to_be_visible()
    assert fits(page)
    page.get_by_role("button", name="Send notice to customers").click()
    expect(page.get_by_role("cell", name="extended")).to_be_visible()
    # Only the announced time is excluded, not the work before it.
    expect(page.get_by_role("term").filter(has_text="Excluded under 4.1")).to_have_text("Excluded under 4.1 1 h 30 min")
    expect(page.get_by_role("term").filter(has_text="Counts as downtime")).to_have_text(
        re.compile(r"Counts as downtime \d+ s")
    )
    assert fits(page)
    assert MaintenanceWindow.objects.get().notices.count() == 2
    assert Delivery.objects.count() == 2
    assert complaints == []


@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 390)])
def test_pages_of_maintenance_break_no_rule(browser, live_server, transactional_db, scheme, width):
    europe = a_region("eu", name="Europe", time_zone="Europe/Berlin")
    now = datetime.now(UTC).replace(microsecond=0)
    sent, start, end = (f"{now + timedelta(minutes=n):%Y-%m-%d %H:%M:%S}" for n in (-9000, -75, -15))
    window = a_window(start, end, (sent, start, end), started_at=at(start))
    window.regions.set([europe])
    a_window(start, end)
    an_outage(europe, start, None)
    page = browser.new_context(
        base_url=live_server.url, color_scheme=scheme, viewport={"width": width, "height": 900}
    ).new_page()
    cookie = signed_in(a_member("NOC")).cookies[settings.SESSION_COOKIE_NAME]
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, "url": live_server.url}])
    broken = {}
    for name in ("maintenance_window", "extend_window", "announce_window", "cancel_window", "maintenance_calendar"):
        address = reverse(f"admin:{name}", args=[] if name == "maintenance_calendar" else [window.pk])
        page.goto(address + ("?by=30" if name == "extend_window" else ""))
        broken |= faults(page)
    page.context.close()
    assert broken == {}
