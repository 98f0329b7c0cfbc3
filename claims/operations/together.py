"""Recommend one outcome for several claims of one outage; each claim is checked separately."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from claims.emails import draft
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, require
from sla_portal.kernel.errors import Refused

from ..models import Claim, Outcome, Recommendation
from ..queries import assess
from .reviewing import recommend


@dataclass(frozen=True)
class Recommended:
    """Result for one of several claims: the recommendation, or why there is none."""

    claim: Claim
    recommendation: Recommendation | None
    why_not: str = ""


def recommend_together(
    *, actor: Actor, claims: Iterable[Claim], outcome: str, clause: str, reason: str, as_voucher: bool, now: datetime
) -> list[Recommended]:
    """Recommend one outcome for several claims, each in its own transaction and with its own e-mail.

    `as_voucher` grants the minutes with charge as voucher; otherwise all become service extension. A refusal for one
    claim does not affect the others. Nothing is recommended if one of them has changed since `actor` saw it.
    """
    require(actor, "claims.review_claim")
    claims = list(claims)
    check_unchanged(actor, *claims)
    return [_recommended(actor, claim, outcome, clause, reason, as_voucher, now) for claim in claims]


def _recommended(
    actor: Actor, claim: Claim, outcome: str, clause: str, reason: str, as_voucher: bool, now: datetime
) -> Recommended:
    try:
        assessment = assess(claim, now)
        subject, text = draft(assessment, outcome, clause)
        recommendation = recommend(
            actor=actor,
            claim=claim,
            outcome=outcome,
            clause=clause,
            reason=reason,
            voucher_minutes=assessment.entitlement.paid if as_voucher and outcome == Outcome.GRANT else 0,
            letter_subject=subject,
            letter_text=text,
            now=now,
        )
    except Refused as refused:
        return Recommended(claim, None, str(refused))
    return Recommended(claim, recommendation)
