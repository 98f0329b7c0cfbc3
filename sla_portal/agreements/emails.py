"""The e-mails about an amendment in each language."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import Enum

from django.conf import settings

from sla_portal.notices.private import private_link
from sla_portal.notices.wording import Words, worded

from .changes import TermChange, term_changes
from .models import AgreementVersion, Answer, Contract, Withdrawal


class Step(Enum):
    """The occasion on which customers are notified."""

    ANNOUNCEMENT = "announcement"
    SIGNING = "signing"
    REMINDER = "reminder"
    WITHDRAWAL = "withdrawal"


class Event(Enum):
    """What a letter about the response of a customer confirms."""

    ACCEPTANCE = "acceptance"
    OBJECTION = "objection"
    TERMINATION = "termination"
    ENDING = "ending"
    """A termination, to those who may undo it."""
    WITHDRAWN = "withdrawn"
    """The response was withdrawn."""
    REINSTATED = "reinstated"
    """Contracts continue, because the version was withdrawn."""
    REPLY = "reply"
    """What we reply to an objection."""


def response(
    version: AgreementVersion,
    event: Event,
    *,
    by_name: str,
    at: datetime,
    contracts: Sequence[Contract] = (),
    answer: Answer | None = None,
) -> list[Words]:
    """Return the letter about a response in every language of the portal; `contracts` are those of a single customer."""
    return worded(
        "agreements/emails/response",
        {
            "version": version,
            "event": event.value,
            "by_name": by_name,
            # A template would show it in the time zone of whoever acts.
            "at": f"{at.astimezone(settings.SLA_ZONE):%Y-%m-%d %H:%M}",
            "contracts": contracts,
            "answer": answer,
            "zone": settings.SLA_TIME_ZONE,
            "link": private_link("/agreement/answer/"),
        },
    )


def words(
    version: AgreementVersion,
    step: Step,
    contract: Contract | None = None,
    *,
    withdrawal: Withdrawal | None = None,
    attached: bool = False,
) -> list[Words]:
    """Return the notice in every language of the portal.

    `contract` is the one just signed, `withdrawal` tells the reason, `attached` says whether PDFs are.
    """
    return worded(
        "agreements/emails/amendment",
        {
            "version": version,
            "step": step.value,
            "contract": contract,
            "withdrawal": withdrawal,
            "attached": attached,
            "zone": settings.SLA_TIME_ZONE,
            # Called in each language.
            "terms": lambda: _changed_terms(version),
            "answer": private_link("/agreement/answer/"),
        },
    )


def _changed_terms(version: AgreementVersion) -> Sequence[TermChange]:
    return term_changes(version.based_on.terms, version.terms) if version.based_on else ()
