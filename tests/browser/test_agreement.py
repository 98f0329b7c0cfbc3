"""Redline and answer in a real browser: by axe's rules, at both widths, light and dark, and with what a browser really sends."""

import pytest
from django.utils import timezone

from sla_portal.agreements.models import Answer
from sla_portal.agreements.queries import earliest_day
from sla_portal.agreements.rules import last_day_of_stopping
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery
from sla_portal.notices.private import token
from tests.support.amendments import announced
from tests.support.builders import a_contract, a_customer, a_region
from tests.support.screen import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def version():
    customer = a_customer(a_region(), "C-1", name="Riverside Residences")
    Contact.objects.create(customer=customer, email="ann@example.com", name="Ann Lee")
    a_contract(customer, "2026-01-01", "2099-12-31", reference="K-1")
    now = timezone.now().replace(microsecond=0)
    return announced(effective_on=earliest_day(now), now=now)


@pytest.fixture
def address(version) -> str:
    return f"/agreement/answer/{token(Delivery.objects.get(notice=version.notice))}/"


def seen(page) -> str:
    return page.locator("main").inner_text()


def test_a_customer_objects_takes_it_back_and_ends_the_contract(page, live_server, version, address):
    sent: list[dict[str, str]] = []
    page.on("request", lambda request: sent.append(request.headers))
    page.goto(live_server.url + address)
    objecting = page.locator("section", has_text="We record and read your objection.")
    objecting.get_by_label("Your message").fill("Not so.")
    objecting.get_by_role("button", name="Continue").click()
    assert "Check your response" in seen(page)
    assert not Answer.objects.exists()
    page.get_by_role("button", name="Submit the response").click()
    assert "Riverside Residences: objection to the amendment" in seen(page)
    page.get_by_role("button", name="Withdraw").click()
    page.get_by_role("button", name="Submit the response").click()
    assert "withdrawn" in seen(page)
    page.get_by_role("region").or_(page.locator("section", has_text="Terminate the contract")).last.get_by_role(
        "button", name="Continue"
    ).click()
    page.get_by_role("button", name="Submit the response").click()
    assert "termination" in seen(page)
    last_day = last_day_of_stopping(version.effective_on, timezone.now().date())
    assert Answer.objects.get(kind="termination").last_day == last_day
    # Nobody but this page's own address bar knows the key.
    assert not [headers for headers in sent if address in headers.get("referer", "")]


@pytest.mark.parametrize(("scheme", "width", "language"), [("light", 1440, "en"), ("dark", 390, "zh-hans")])
def test_the_pages_break_no_rule_and_fit_their_screen(browser, live_server, address, scheme, width, language):
    context = browser.new_context(
        base_url=live_server.url, color_scheme=scheme, viewport={"width": width, "height": 900}
    )
    context.add_cookies([{"name": "django_language", "value": language, "url": live_server.url}])
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)
    broken = {}

    def look(name: str) -> None:
        broken.update(faults(page, name))

    for name in ("/agreement/", "/agreement/1.0/2.0/", address, "/agreement/answer/1-x/"):
        page.goto(name)
        look(name)
    page.goto(address)
    page.locator("button[value=object]").click()
    look("asked again")
    context.close()
    assert broken == {}
    assert refused == []
