"""Shortcuts, the first field, and pages that renew themselves, in a real browser."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from incidents.models import IncidentTemplate, Outage
from tests.support.builders import a_region, a_window, an_incident
from tests.support.desk import a_member, page_of
from tests.support.screen import fits

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LONG = "x" * 200
NARROW = ({"width": 390, "height": 844}, {"width": 320, "height": 700})


def ongoing(title: str = "Gateway lost", reference: str = "INC-1"):
    incident = an_incident(reference, title=title, detected_at=timezone.now())
    Outage.objects.create(incident=incident, region=a_region(), started_at=timezone.now())
    return incident


def test_shortcuts_are_listed_and_do_nothing_while_typing_or_when_turned_off(desks):
    page = desks(a_member("NOC"))
    page.goto("/admin/")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_contain_text("Log an outage")
    page.keyboard.press("l")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox").first).to_be_focused()
    page.keyboard.type("l?")
    expect(page.get_by_role("searchbox").first).to_have_value("l?")
    expect(dialog).to_be_hidden()
    page.get_by_role("searchbox").first.blur()
    page.keyboard.press("l")
    page.wait_for_url(re.compile("log-an-outage"))
    page.keyboard.press("?")
    page.get_by_label("Shortcuts are active").uncheck()
    page.get_by_role("button", name="Close").click()
    page.keyboard.press("h")
    page.wait_for_timeout(300)
    assert "log-an-outage" in page.url


def test_the_first_field_is_focused_and_three_minutes_ago_takes_two_taps(desks):
    a_region("eu")
    page = desks(a_member("NOC"))
    page.goto(reverse("admin:log_outage"))
    expect(page.locator('input[name="regions"]')).to_be_focused()
    page.get_by_text("3 minutes ago").click()
    page.get_by_role("button", name="Log outage").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("for 3 min")


def test_home_renews_itself_and_its_title_counts(desks):
    page = desks(a_member("NOC"))
    page.clock.install()
    page.goto("/admin/")
    expect(page).to_have_title(re.compile("^Home"))
    ongoing()
    page.clock.run_for(16_000)
    expect(page.get_by_text("Gateway lost")).to_be_visible()
    expect(page).to_have_title(re.compile(r"^\(1\) Home"))


def test_an_incident_renews_its_updates_and_keeps_what_is_typed(desks):
    incident = ongoing()
    page = desks(a_member("NOC"))
    page.clock.install()
    page.goto(page_of(incident))
    page.keyboard.press("u")
    page.keyboard.type("We are looking")
    incident.updates.create(at=timezone.now(), text="From a colleague", author_name="Otto")
    page.clock.run_for(16_000)
    expect(page.get_by_text("From a colleague")).to_be_visible()
    expect(page.get_by_role("textbox", name="Update")).to_have_value("We are looking")
    expect(page.get_by_role("textbox", name="Update")).to_be_focused()


@pytest.mark.parametrize("viewport", NARROW, ids=lambda size: str(size["width"]))
def test_a_long_title_without_spaces_makes_no_page_grow_sideways(desks, viewport):
    incident = ongoing(LONG)
    window = a_window("2026-11-20 01:00", "2026-11-20 02:00", title=LONG, reference="MW-1")
    IncidentTemplate.objects.create(title=LONG)
    page = desks(a_member("NOC"), viewport=viewport)
    for address in (
        "/admin/",
        "/admin/incidents/incident/",
        "/admin/maintenance/maintenancewindow/",
        "/admin/availability/queue/",
        "/admin/hand-over/",
        "/admin/wallboard/",
        "/admin/search/?q=x",
        "/admin/incidents/incidenttemplate/",
        reverse("admin:log_outage"),
        page_of(incident),
        reverse("admin:incident_review", args=[incident.pk]),
        reverse("admin:maintenance_window", args=[window.pk]),
        reverse("admin:maintenance_calendar"),
        "/incidents/INC-1/",
    ):
        page.goto(address)
        assert fits(page), address
