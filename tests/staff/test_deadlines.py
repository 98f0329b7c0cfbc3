"""Legal's calendar: what comes due, as a page and as a private feed (icalendar reads it)."""

from datetime import date

import pytest
import time_machine
from django.urls import reverse
from icalendar import Calendar

from sla_portal.agreements.operations import register_answer
from sla_portal.agreements.rules import AnswerKind
from sla_portal.audit.actors import Actor
from tests.support.amendments import announced
from tests.support.builders import a_contract, a_customer, a_region, at
from tests.support.claimants import DUE, OPEN, a_claim, a_claimant, a_missed_september, recommended
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-06-10 04:00")


@pytest.fixture(autouse=True)
def the_present():
    with time_machine.travel(NOW, tick=False):
        yield


def test_the_deadlines_of_legal_stand_on_their_days_on_the_page_and_in_a_private_feed_until_it_is_revoked(client):
    customer = a_customer(a_region(), "C-1", name="Harbour, Homes")
    a_contract(customer, "2026-01-01", "2027-12-31")
    register_answer(
        actor=Actor.system("test"), version=announced(), customer=customer, kind=AnswerKind.OBJECTION, by_name="Ada", now=NOW
    )  # fmt: skip
    user = a_member("Legal", "lea")
    lea, page = signed_in(user), reverse("admin:legal_calendar")
    assert "Reply to the objection of Harbour, Homes" in text_of(lea.get(page))
    shown = lea.post(page, {"do": "make"}, follow=True).context
    due = [(one.title, one.on) for one, _days in shown["deadlines"]]
    assert due == [
        ("Reply to the objection of Harbour, Homes", date(2026, 6, 17)),
        ("Customers are reminded of version 2.0", date(2026, 6, 25)),
        ("Customers are reminded of version 2.0", date(2026, 7, 1)),
        ("Version 2.0 takes effect", date(2026, 7, 2)),
    ]
    address = shown["address"].removeprefix("http://testserver")
    address = address[address.index("/calendars/") :]
    answered = client.get(address)
    assert (answered.status_code, answered["Cache-Control"]) == (200, "no-store")
    events = [(str(one["summary"]), one["dtstart"].dt) for one in Calendar.from_ical(answered.content).events]
    assert events == due
    assert client.get(address.replace("-", "-x")[:-5] + ".ics").status_code == 404
    user.groups.clear()
    assert client.get(address).status_code == 404
    user.groups.add(a_member("Legal", "other").groups.get())
    assert client.get(address).status_code == 200
    lea.post(page, {"do": "make"})
    assert client.get(address).status_code == 404
    renewed = lea.get(page).context["address"]
    renewed = renewed[renewed.index("/calendars/") :]
    assert client.get(renewed).status_code == 200
    lea.post(page, {"do": "revoke"})
    assert client.get(renewed).status_code == 404


def test_the_calendar_is_of_legal():
    assert signed_in(a_member("NOC", "ned")).get(reverse("admin:legal_calendar")).status_code == 403


def test_a_claim_pending_approval_is_due_on_the_day_that_the_customer_was_told():
    a_missed_september()
    claim = recommended(a_claim(a_claimant())).claim
    with time_machine.travel(OPEN, tick=False):
        shown = signed_in(a_member("Legal", "lea")).get(reverse("admin:legal_calendar")).context["deadlines"]
    assert (f"Decide claim {claim.number}", DUE["due_on"]) in [(one.title, one.on) for one, _days in shown]
