"""Freeze what a version changes, as it is shown: a wording that is loaded later alters none of it (5.2)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction

from ..models import AgreementVersion, PublishedChanges
from ..queries import changes_between


def freeze_changes(*, version: AgreementVersion, now: datetime) -> None:
    """Keep the redline and the changed terms of an announced version in every language, in the caller's transaction."""
    before = version.based_on
    if before is None:
        return
    for language, _name in settings.LANGUAGES:
        shown = changes_between(before, version, language)
        PublishedChanges.objects.create(
            version=version, before=before, language=language, content=shown.stored(), frozen_at=now
        )


def freeze_earlier_changes(*, now: datetime) -> int:
    """Freeze the changes of versions that an earlier build announced, as they are shown now; return the number of versions."""
    announced = AgreementVersion.objects.filter(notice__isnull=False, based_on__isnull=False)
    missing = announced.filter(published_changes__isnull=True).order_by("pk")
    return sum(_freeze_earlier(pk, now) for pk in missing.values_list("pk", flat=True))


def _freeze_earlier(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        version = AgreementVersion.objects.select_for_update().get(pk=pk)
        # Somebody may have been faster.
        if version.published_changes.exists():
            return False
        freeze_changes(version=version, now=now)
    return True
