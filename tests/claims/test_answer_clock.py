"""The answer clock: the dates that the customer is told, in working days on the SLA clock, and how they move."""

from datetime import date
from uuid import uuid4

import pytest

from claims.models import OwnDay, Status
from claims.operations import (
    appeal_refusal,
    ask_customer,
    customer_answered,
    decide,
    notify_moved_openings,
    withdraw_claim,
)
from sla_portal.audit.actors import Actor
from sla_portal.kernel.working_days import WorkingDays
from sla_portal.notices.models import Notice
from tests.support.builders import at, on
from tests.support.claimants import OPEN, PORTAL, a_claim, a_claimant, a_missed_september, recommended, support


@pytest.mark.parametrize(
    ("day", "n", "after"),
    [
        ("2026-10-20", 0, "2026-10-20"),
        ("2026-10-20", 1, "2026-10-21"),
        ("2026-10-23", 1, "2026-10-26"),
        # 10 October is a make-up working Saturday, and the first week is the national holiday
        ("2026-09-30", 3, "2026-10-10"),
    ],
)
def test_a_date_is_so_many_working_days_later(day, n, after):
    days = WorkingDays("CN")
    assert days.after(date.fromisoformat(day), n) == date.fromisoformat(after)
    assert days.between(date.fromisoformat(day), date.fromisoformat(after)) == n


def dates(claim) -> tuple[str, str, str]:
    claim.refresh_from_db()
    return tuple(str(day) for day in (claim.answer_due_on, claim.decision_due_on, claim.due_on))


def letter(claim) -> str:
    return Notice.objects.filter(about=claim.number).order_by("-id").first().wording("en").text


@pytest.mark.django_db
def test_the_customer_is_told_both_dates_and_the_clock_stops_while_we_wait_for_the_customer():
    claim, agent = a_claim(a_claimant()), Actor.staff(support())
    assert dates(claim) == ("2026-10-27", "2026-11-17", "2026-10-27")
    assert "a first answer by 2026-10-27 and our decision by 2026-11-17" in letter(claim)
    ask_customer(actor=agent, claim=claim, question="Which door?", now=at("2026-10-21 08:00"))
    assert dates(claim)[2] == "2026-11-17" and claim.first_answered_at == at("2026-10-21 08:00")
    # From Wednesday to the next Monday three working days pass.
    customer_answered(actor=PORTAL, claim=claim, text="The garage", now=at("2026-10-26 08:00"))
    assert dates(claim) == ("2026-10-27", "2026-11-20", "2026-11-20")
    assert "our decision by 2026-11-20" in letter(claim)
    # Asked twice, the customer is waited for from Tuesday to Thursday.
    for day in ("2026-10-27 08:00", "2026-10-28 08:00"):
        ask_customer(actor=agent, claim=claim, question="Which garage?", now=at(day))
    customer_answered(actor=PORTAL, claim=claim, text="Both", now=at("2026-10-29 08:00"))
    assert dates(claim)[1:] == ("2026-11-24", "2026-11-24") and claim.first_answered_at == at("2026-10-21 08:00")


@pytest.mark.django_db
def test_the_clock_of_an_early_claim_starts_at_the_opening_and_moves_with_it(settings):
    settings.CLAIM_FIRST_ANSWER_WORKING_DAYS, settings.CLAIM_DECISION_WORKING_DAYS = 1, 2
    claim = a_claim(a_claimant(), now=at("2026-10-12 08:00"))
    assert dates(claim) == ("2026-10-15", "2026-10-16", "2026-10-15")
    OwnDay.objects.create(day=on("2026-10-13"), working=False)
    notify_moved_openings(now=at("2026-10-12 09:00"))
    assert dates(claim)[:2] == ("2026-10-16", "2026-10-19")


@pytest.mark.django_db
def test_nothing_is_due_after_a_decision_until_an_appeal():
    a_missed_september()
    claim = a_claim(a_claimant())
    wanted = recommended(claim, outcome="refuse")
    decide(actor=Actor.staff(support()), claim=claim, recommendation=wanted.pk, key=uuid4(), now=OPEN)
    claim.refresh_from_db()
    assert (claim.status, claim.due_on, claim.first_answered_at) == (Status.REFUSED, None, OPEN)
    appeal_refusal(actor=PORTAL, claim=claim, text="Look again", now=at("2026-11-02 08:00"))
    assert dates(claim)[1:] == ("2026-11-30", "2026-11-30")
    withdraw_claim(actor=PORTAL, claim=claim, reason="", now=at("2026-11-02 09:00"))
    claim.refresh_from_db()
    assert claim.due_on is None
