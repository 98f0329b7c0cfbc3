"""Who may decide a claim that was refused and appealed (3)."""

from __future__ import annotations

from django.contrib.auth.models import User

from ..models import Claim, Decision, Outcome

MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"


def refusal_of(claim: Claim) -> Decision | None:
    """Return the decision to refuse a claim, against which it may be appealed."""
    return (
        Decision.objects.filter(recommendation__claim=claim, agreed=True, recommendation__outcome=Outcome.REFUSE)
        .select_related("recommendation")
        .first()
    )


def deciders_of_appeal(claim: Claim) -> list[User]:
    """Return who may decide the appeal of a claim: everyone with the right who took no part in the refusal."""
    refusal = refusal_of(claim)
    took_part = [refusal.decided_by_id, refusal.recommended_by_id] if refusal else []
    able = User.objects.with_perm("claims.decide_claim", backend=MODEL_BACKEND)
    return list(able.exclude(pk__in=took_part).order_by("first_name", "last_name", "username"))
