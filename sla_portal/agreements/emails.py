"""The e-mails about an amendment in each language."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from django.conf import settings

from sla_portal.notices.private import private_link
from sla_portal.notices.wording import Words, worded

from .changes import TermChange, term_changes
from .models import AgreementVersion, Contract


class Step(Enum):
    """The occasion on which customers are notified."""

    ANNOUNCEMENT = "announcement"
    SIGNING = "signing"
    REMINDER = "reminder"
    WITHDRAWAL = "withdrawal"


def words(
    version: AgreementVersion, step: Step, contract: Contract | None = None, *, attached: bool = False
) -> list[Words]:
    """Return the notice in every language of the portal; `contract` is the one just signed, `attached` whether PDFs are."""
    return worded(
        "agreements/emails/amendment",
        {
            "version": version,
            "step": step.value,
            "contract": contract,
            "attached": attached,
            "zone": settings.SLA_TIME_ZONE,
            # Called in each language.
            "terms": lambda: _changed_terms(version),
            "answer": private_link("/agreement/answer/"),
        },
    )


def _changed_terms(version: AgreementVersion) -> Sequence[TermChange]:
    return term_changes(version.based_on.terms, version.terms) if version.based_on else ()
