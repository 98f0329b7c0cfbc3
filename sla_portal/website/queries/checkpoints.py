"""Checkpoints of the audit log."""

from __future__ import annotations

from sla_portal.audit.models import Checkpoint

from ..rules import PublicCheckpoint
from .shared import MANY


def checkpoints(page: int) -> tuple[tuple[PublicCheckpoint, ...], bool]:
    """A page of checkpoints, newest first, and whether there are more."""
    found = Checkpoint.objects.order_by("-number")[(page - 1) * MANY : page * MANY + 1]
    public = tuple(PublicCheckpoint(one.number, one.made_at, one.entries, one.entry, one.hash) for one in found)
    return public[:MANY], len(public) > MANY
