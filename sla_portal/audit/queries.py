"""The trail of a record, and whether the trail is whole."""

from __future__ import annotations

from django.db import models

from .models import Entry
from .rules import GENESIS


def entries_about(*subjects: models.Model) -> models.QuerySet[Entry]:
    """Entries about any of `subjects`, newest first."""
    about = models.Q(pk__in=[])
    for subject in subjects:
        about |= models.Q(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))
    return Entry.objects.filter(about).order_by("-id")


def first_broken_link() -> Entry | None:
    """The first entry whose hash does not follow from its content and the entry before it; None: the trail is whole."""
    previous = GENESIS
    for entry in Entry.objects.order_by("id").iterator(chunk_size=2000):
        if entry.previous_hash != previous or entry.hash != entry.expected_hash():
            return entry
        previous = entry.hash
    return None
