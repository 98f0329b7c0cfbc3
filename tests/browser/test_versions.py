"""Two people with the same page open, in two browsers: what the first saved is shown to the second, who keeps either."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from incidents.models import Incident
from tests.support.amendments import a_draft
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.desk import a_member, page_of
from tests.support.screen import faults

pytestmark = pytest.mark.browser


@pytest.fixture
def two(desks, transactional_db):
    incident = an_incident("INC-1", title="Gateway lost", detected_at=at("2026-09-10 01:00"))
    an_outage(a_region(), "2026-09-10 01:00", None, incident=incident)
    return desks(a_member("NOC", "anna")), desks(a_member("NOC", "ben"))


def resolve(page) -> None:
    page.get_by_role("button", name="Resolve", exact=True).click()


def test_a_page_shows_who_resolved_the_incident_meanwhile(two):
    anna, ben = two
    for page in two:
        page.goto(page_of(Incident.objects.get()))
    resolve(anna)
    expect(anna.get_by_text("Incident resolved.")).to_be_visible()
    resolve(ben)
    changed = ben.locator("#changed")
    expect(changed).to_contain_text("resolved INC-1 Gateway lost")
    expect(ben.get_by_text("after this page was opened. Nothing was saved.")).to_be_visible()
    changed.get_by_role("link", name="show the page as it is now").click()
    ben.wait_for_url("**" + page_of(Incident.objects.get()))
    expect(ben.locator("#changed")).to_have_count(0)


def test_a_form_of_a_record_keeps_what_either_typed(two):
    anna, ben = two
    form = reverse("admin:incidents_incident_change", args=[Incident.objects.get().pk])
    for page in two:
        page.goto(form)
    for page, title, ticket in ((anna, "Gateway 1 lost", "T-1"), (ben, "Gateway 2 lost", "T-2")):
        page.get_by_label("Title").fill(title)
        page.get_by_label("Ticket number").fill(ticket)
        page.get_by_label("Reason for the change").fill("Which one it was")
        page.get_by_role("button", name="Save").first.click()
    changed = ben.locator("#changed")
    expect(changed).to_contain_text("Gateway 1 lost")
    changed.get_by_role("row", name="title").get_by_label("keep theirs").check()
    changed.get_by_role("button", name="Keep mine").click()
    expect(ben.locator("#changed")).to_have_count(0)
    incident = Incident.objects.get()
    assert (incident.title, incident.ticket_number) == ("Gateway 1 lost", "T-2")


@pytest.mark.parametrize(
    "screen",
    [
        {"viewport": {"width": 1440, "height": 900}},
        {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"},
        {"viewport": {"width": 320, "height": 640}, "java_script_enabled": False},
    ],
    ids=["desk", "phone", "without a script"],
)
def test_two_editors_of_a_draft_choose_at_each_clause_and_term_that_both_changed(desks, transactional_db, screen):
    draft = a_draft()
    anna, ben = desks(a_member("Legal", "anna")), desks(a_member("Legal", "ben"), **screen)
    for page in (anna, ben):
        page.goto(reverse("admin:amendment", args=[draft.pk]))
    for page, name, months in ((anna, "Anna", "24"), (ben, "Ben", "6")):
        for number in ("3.2 Service credits", "5.1 Liability cap" if page is anna else "5.2 Amendments"):
            page.get_by_text(number).first.click()
            clause = page.locator(".clause-row", has=page.get_by_text(number))
            clause.get_by_label("Summary", exact=True).fill(f"As {name} wants it.")
        page.get_by_label("Voucher validity").fill(months)
        page.get_by_role("button", name="Save", exact=True).click()
    changed = ben.locator("#changed")
    expect(changed).to_contain_text("Nothing was saved.")
    expect(changed.get_by_role("link", name="5.1 Liability cap")).to_be_visible()
    clause = ben.locator(".clause-row", has=ben.get_by_text("Saved by"))
    expect(clause).to_contain_text("As Anna wants it.")
    expect(clause.get_by_label("Summary", exact=True)).to_have_value("As Ben wants it.")
    expect(ben.get_by_label("Voucher validity")).to_have_value("6")
    if screen.get("java_script_enabled", True):
        assert faults(ben) == {}
    clause.get_by_label("keep theirs").check()
    changed.get_by_role("button", name="Save as merged and chosen").click()
    expect(ben.locator("#changed")).to_have_count(0)
    expect(ben.get_by_text("Saved.", exact=True)).to_be_visible()
    draft.refresh_from_db()
    said = dict(draft.clauses.values_list("number", "summary"))
    assert (draft.voucher_valid_months, said["3.2"]) == (6, "As Anna wants it.")
    assert (said["5.1"], said["5.2"]) == ("As Anna wants it.", "As Ben wants it.")
