"""The answer clock: by when a claim is answered first and decided, in working days, as the customer is told."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings

from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date

from ..models import Claim
from ..queries import working_days


def start_clock(claim: Claim, since: datetime) -> None:
    """Set both dates, counted from `since`: the receipt, or the opening of the claim period where that is later."""
    day, days = _day(since), working_days()
    claim.answer_due_on = claim.due_on = days.after(day, settings.CLAIM_FIRST_ANSWER_WORKING_DAYS)
    claim.decision_due_on = days.after(day, settings.CLAIM_DECISION_WORKING_DAYS)


def restart_decision(claim: Claim, since: datetime) -> None:
    """Set another date of the decision, of a claim that was decided and is under review again."""
    claim.first_answered_at = claim.first_answered_at or since
    claim.decision_due_on = claim.due_on = working_days().after(_day(since), settings.CLAIM_DECISION_WORKING_DAYS)


def note_answer(claim: Claim, now: datetime) -> None:
    """Note a question to the customer, or a decision; the first of them is the first answer."""
    claim.first_answered_at = claim.first_answered_at or now
    claim.due_on = claim.decision_due_on


def go_on(claim: Claim, now: datetime) -> None:
    """Move the date of the decision by the working days for which the claim waited on the customer."""
    if claim.asked_at and claim.decision_due_on:
        days = working_days()
        waited = days.between(_day(claim.asked_at), _day(now))
        claim.decision_due_on = claim.due_on = days.after(claim.decision_due_on, waited)


def stop_clock(claim: Claim) -> None:
    """Note that nothing is due any more."""
    claim.due_on = None


def _day(at: datetime) -> date:
    return local_date(epoch(at), settings.SLA_ZONE)
