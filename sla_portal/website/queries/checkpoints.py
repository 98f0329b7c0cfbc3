"""Checkpoints of the audit log."""

from __future__ import annotations

from sla_portal.audit.models import Checkpoint, Kind, Seal
from sla_portal.operator.models import Rehearsal
from sla_portal.operator.queries import was_rehearsed

from ..rules import PublicCheckpoint
from .shared import MANY


def checkpoints(page: int) -> tuple[tuple[PublicCheckpoint, ...], bool]:
    """A page of checkpoints, newest first, and whether there are more."""
    found = Checkpoint.objects.order_by("-number")[(page - 1) * MANY : page * MANY + 1]
    numbers = [str(one.number) for one in found]
    documents = Seal.objects.filter(document__kind=Kind.CHECKPOINT, document__about__in=numbers)
    sealed = set(documents.filter(sealed_at__isnull=False).values_list("document__about", flat=True))
    rehearsals = list(Rehearsal.objects.all())
    public = tuple(
        PublicCheckpoint(
            one.number, one.made_at, one.entries, one.entry, one.hash, str(one.number) in sealed,
            was_rehearsed(one.made_at, rehearsals),
        )
        for one in found
    )  # fmt: skip
    return public[:MANY], len(public) > MANY
