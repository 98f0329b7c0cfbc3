"""An amendment in a real browser: typed with its redline beside it, asked for, and published by a second person."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect

from sla_portal.agreements.models import AgreementVersion
from sla_portal.notices.models import Delivery
from sla_portal.reports.operations import print_for_mail
from tests.support.amendments import worded
from tests.support.builders import a_contract, a_customer, a_region
from tests.support.desk import a_member
from tests.support.screen import faults

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 390, "height": 844}


def sound(page: Page) -> None:
    """It fits its screen, and breaks none of the rules that axe knows."""
    assert faults(page) == {}


def test_an_amendment_is_typed_asked_for_published_and_answered(desks):
    who = a_customer(a_region("eu", name="Europe"), "C-1")
    who.contacts.create(email="ops@example.com")
    a_contract(who, "2026-01-01", "2036-12-31")
    worded()

    lea = desks(a_member("Legal", "lea"))
    lea.goto(reverse("admin:index"))
    lea.get_by_role("link", name="All versions").click()
    lea.get_by_label("Name of the new version").fill("1.1")
    lea.get_by_role("button", name="Start a draft based on version 1.0").click()
    sound(lea)
    lea.get_by_text("3.2 Service credits").click()
    clause = lea.locator(".clause-row", has=lea.get_by_text("3.2 Service credits"))
    clause.get_by_label("Summary", exact=True).fill("The unavailable time is compensated twice.")
    expect(lea.locator(".unsaved-mark")).to_be_visible()
    expect(clause.locator("ins")).to_contain_text("twice")
    lea.get_by_label("Compensation per minute").fill("2")
    expect(
        lea.get_by_text("For 10 unavailable minutes, 20 minutes of service are granted, previously 10.")
    ).to_be_visible()
    lea.get_by_label("What changes", exact=True).fill("Lost time is given back twice.")
    lea.get_by_label("What changes (Chinese)").fill("损失的时间双倍补偿。")
    lea.get_by_role("button", name="Save").click()
    expect(lea.get_by_text("1 clause and 1 term differ from version 1.0.")).to_be_visible()
    lea.get_by_role("link", name="Submit for approval").click()
    sound(lea)
    lea.get_by_role("button", name="Submit for approval").click()
    expect(lea.get_by_text("Another person must check and publish it.")).to_be_visible()
    sound(lea)

    # As a worker does meanwhile.
    print_for_mail(version=AgreementVersion.objects.get(version="1.1"), now=timezone.now())
    luo = desks(a_member("Legal", "luo"), viewport=PHONE, color_scheme="dark")
    luo.goto(reverse("admin:index"))
    luo.get_by_role("link", name=re.compile("Version 1.1 effective")).click()
    sound(luo)
    luo.get_by_role("button", name="Publish version 1.1").dblclick()
    expect(luo.get_by_text("0 of 1 e-mail sent")).to_be_visible()
    sound(luo)
    assert Delivery.objects.count() == 1
    luo.get_by_role("link", name="List of customers").click()
    sound(luo)
    luo.get_by_role("link", name=re.compile("C-1")).first.click()
    expect(luo.get_by_label("Last service day")).to_be_hidden()
    luo.get_by_text("Terminates the contract").click()
    luo.get_by_text("By telephone").click()
    luo.get_by_label("Person responding for the customer").fill("Li Wei")
    luo.get_by_role("button", name="Show the consequences").click()
    version = AgreementVersion.objects.get(version="1.1")
    expect(luo.get_by_role("heading", name="Consequences")).to_be_visible()
    sound(luo)
    luo.get_by_role("button", name="Register the response").click()
    expect(luo.get_by_text("The response was registered.")).to_be_visible()
    assert version.answers.get().kind == "termination"


def test_a_draft_is_previewed_and_saved_without_a_script(desks):
    lea = desks(a_member("Legal", "lea"), viewport=PHONE, java_script_enabled=False)
    lea.goto(reverse("admin:amendments"))
    lea.get_by_label("Name of the new version").fill("1.1")
    lea.get_by_role("button", name="Start a draft").click()
    lea.get_by_text("5.2 Amendments").click()
    clause = lea.locator(".clause-row", has=lea.get_by_text("5.2 Amendments"))
    clause.get_by_role("button", name="Add a clause below").click()
    expect(lea.get_by_text("This is a preview. It is not saved yet.")).to_be_visible()
    added = lea.locator(".clause-row", has=lea.get_by_text("5.3 without a heading"))
    added.get_by_label("Heading", exact=True).fill("Law")
    lea.get_by_role("button", name="Save").click()
    expect(lea.get_by_text("1 clause and 0 terms differ from version 1.0.")).to_be_visible()
    expect(lea.get_by_text("New clause")).to_be_visible()


def test_the_register_breaks_no_rule(desks):
    for screen in ({"viewport": PHONE, "color_scheme": "dark"}, {}):
        page = desks(a_member("Legal", f"legal-{len(screen)}"), **screen)
        page.goto(reverse("admin:register"))
        sound(page)
        page.get_by_role("link", name="2.1").click()
        sound(page)
        page.get_by_role("link", name="Change", exact=True).click()
        sound(page)
