"""The e-mails about an amendment in each language."""

from __future__ import annotations

from enum import Enum

from django.conf import settings

from sla_portal.notices.private import private_link
from sla_portal.notices.wording import Words, worded

from .models import AgreementVersion, Contract


class Step(Enum):
    """The occasion on which customers are notified."""

    ANNOUNCEMENT = "announcement"
    SIGNING = "signing"
    REMINDER = "reminder"
    WITHDRAWAL = "withdrawal"


def words(version: AgreementVersion, step: Step, contract: Contract | None = None) -> list[Words]:
    """Return the notice in every language of the portal; `contract` is the one just signed."""
    return worded(
        "agreements/emails/amendment",
        {
            "version": version,
            "step": step.value,
            "contract": contract,
            "zone": settings.SLA_TIME_ZONE,
            "answer": private_link("/agreement/answer/"),
        },
    )
