"""The customer account in a real browser: signing in, the press at a breached month, and how its pages look."""

import pytest
from django.urls import reverse
from django.utils import timezone

from sla_portal.website.account.operations import mail_codes
from tests.support.accounts import code_in_mail
from tests.support.claimants import a_claim, a_claimant, a_missed_september, close_september, granted
from tests.support.screen import faults, fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = ("account_customer", "account_months", "account_claims", "account_messages", "account_agreement")


@pytest.mark.parametrize(("scheme", "width", "language"), [("light", 1440, "en"), ("dark", 390, "zh-hans")])
def test_a_contact_signs_in_and_reads_all_pages(browser, live_server, scheme, width, language):
    of = a_claimant()
    a_missed_september()
    close_september()
    granted(a_claim(of), voucher_minutes=10)
    of.customer.contacts.create(email="a-person-with-a-rather-long-address@customers.example.com", name="Bo")
    code = of.customer.code
    context = browser.new_context(
        base_url=live_server.url, color_scheme=scheme, viewport={"width": width, "height": 900}, locale=language
    )
    page = context.new_page()
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "Content Security" in message.text else None)
    page.goto("/account/")
    broken = faults(page)
    page.fill("input[name=email]", of.contact.email)
    page.click("main button.primary")
    broken |= faults(page)
    mail_codes(now=timezone.now())
    page.fill("input[name=code]", code_in_mail(of.contact.email))
    page.click("main button.primary")
    page.wait_for_url(f"**/customers/{code}/")
    for name in PAGES:
        page.goto(reverse(name, args=[code]))
        broken |= faults(page)
        for at in (320, width):
            page.set_viewport_size({"width": at, "height": 900})
            assert fits(page), (name, at)
    page.click(".account-head button")
    page.wait_for_url("**/account/")
    assert page.locator("input[name=email]").is_visible()
    context.close()
    assert broken == {}
    assert refused == []
