"""Contracts that customers ended because of a version that was withdrawn (5.2)."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery

from sla_portal.customers.models import Customer

from ..models import AgreementVersion, Answer, Reinstatement
from ..rules import AnswerKind

Ended = Answer.ended.through
"""An `answer` with a `contract` that it ended."""


def ended_because_of(version: AgreementVersion) -> QuerySet[Any]:
    """Return the contracts that terminations because of a version ended, with the `outcome` of each that was decided on."""
    decided = Reinstatement.objects.filter(answer=OuterRef("answer"), contract=OuterRef("contract"))
    return (
        Ended.objects.filter(answer__version=version, answer__withdrawn_at__isnull=True)
        .filter(answer__kind=AnswerKind.TERMINATION.value)
        .annotate(outcome=Subquery(decided.values("outcome")[:1]))
        .select_related("answer", "contract__customer")
        .order_by("contract__customer__code", "contract__reference")
    )


def to_reinstate(*customers: Customer) -> QuerySet[Any]:
    """Return what ended because of versions that were withdrawn since and is not decided on; of `customers`, or of all."""
    decided = Reinstatement.objects.filter(answer=OuterRef("answer"), contract=OuterRef("contract"))
    ended = Ended.objects.filter(
        answer__version__withdrawn_at__isnull=False,
        answer__withdrawn_at__isnull=True,
        answer__kind=AnswerKind.TERMINATION.value,
        # Staff may have let it go on, or ended it anew, for reasons of its own.
        contract__terminated_on=F("answer__last_day"),
    ).filter(~Exists(decided))
    if customers:
        ended = ended.filter(contract__customer__in=[one.pk for one in customers])
    return ended.select_related("answer__version", "contract__customer").order_by(
        "answer__version__withdrawn_at", "contract__customer__code", "contract__reference"
    )
