"""The audit log of a record, and the integrity check."""

from __future__ import annotations

from django.db import models

from .models import Entry
from .rules import GENESIS


def entries_about(*subjects: models.Model) -> models.QuerySet[Entry]:
    """Return the entries about any of `subjects`, the newest first."""
    about = models.Q(pk__in=[])
    for subject in subjects:
        about |= models.Q(subject_type=subject._meta.label_lower, subject_id=str(subject.pk))
    return Entry.objects.filter(about).order_by("-id")


def first_broken_link() -> Entry | None:
    """Return the first entry whose hash does not match its content and the entry before it; None if the audit log is intact."""
    previous = GENESIS
    for entry in Entry.objects.order_by("id").iterator(chunk_size=2000):
        if entry.previous_hash != previous or entry.hash != entry.expected_hash():
            return entry
        previous = entry.hash
    return None
