"""Recommend one outcome for several claims, or decide several recommendations; each claim is checked separately."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from django.utils.translation import gettext as _

from claims.emails import draft
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, require
from sla_portal.kernel.errors import Refused

from ..models import Claim, Decision, Outcome, Recommendation
from ..queries import assess
from .reviewing import ChecksNotPassed, decide, recommend


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


@dataclass(frozen=True)
class Decided:
    """Result for one of several claims: the decision, or why there is none."""

    claim: Claim
    decision: Decision | None
    why_not: str = ""


def decide_together(*, actor: Actor, recommendations: Mapping[Claim, int], key: UUID, now: datetime) -> list[Decided]:
    """Grant several claims whose checks all pass, each in its own transaction, by the rule of two persons.

    `recommendations` gives for each claim the primary key of the one that was displayed. The same `key` decides each only
    once. A refusal for one claim does not affect the others. Nothing is decided if one of them has changed since `actor`
    saw it.
    """
    require(actor, "claims.decide_claim")
    check_unchanged(actor, *recommendations)
    return [_decided(actor, claim, shown, key, now) for claim, shown in recommendations.items()]


def _decided(actor: Actor, claim: Claim, recommendation: int, key: UUID, now: datetime) -> Decided:
    try:
        if Recommendation.objects.filter(pk=recommendation).exclude(outcome=Outcome.GRANT).exists():
            # Whether proof suffices is judged for each claim, on its page.
            raise ChecksNotPassed(_("A refusal is decided on the claim's page, with its proof materials in view."))
        decision = decide(
            actor=actor, claim=claim, recommendation=recommendation, key=uuid5(key, claim.number), now=now
        )
    except Refused as refused:
        return Decided(claim, None, str(refused))
    return Decided(claim, decision)


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
