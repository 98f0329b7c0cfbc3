"""Whether a rehearsal runs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from ..models import Rehearsal


def running_rehearsal() -> Rehearsal | None:
    """Return the rehearsal that runs."""
    return Rehearsal.objects.filter(ended_at__isnull=True).first()


def rehearsal_number() -> int:
    """Return the number of the rehearsal that runs, 0 where none does: what is issued now is registered with it."""
    return Rehearsal.objects.filter(ended_at__isnull=True).values_list("pk", flat=True).first() or 0


def was_rehearsed(at: datetime, rehearsals: Iterable[Rehearsal]) -> bool:
    """Whether an instant lies in one of these rehearsals."""
    return any(one.begun_at <= at and (one.ended_at is None or at <= one.ended_at) for one in rehearsals)
