"""What marks this installation as not the real one."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings

from ..models import StagingCopy
from ..rules import STAGING, Mark, role_refusal
from .rehearsal import rehearsal_number


def present_mark() -> Mark:
    """Return how everything is marked that this installation shows, prints and mails."""
    if settings.SITE_ROLE == STAGING:
        return Mark.STAGING
    return Mark.REHEARSAL if rehearsal_number() else Mark.NONE


def staged_at() -> datetime | None:
    """Return when this database was made a staging copy, the last time; None where it is the original."""
    return StagingCopy.objects.values_list("made_at", flat=True).first()


def refusal_of_role() -> str:
    """Return why this installation must not serve its database; empty where it may."""
    return role_refusal(settings.SITE_ROLE, staged=staged_at() is not None)
