"""The audit log of a record, and the integrity check."""

from __future__ import annotations

from django.db import models

from .actors import Seen
from .models import Entry
from .rules import GENESIS
from .verbs import LOOKING

MOST_SINCE = 50


def entries_about(*subjects: models.Model) -> models.QuerySet[Entry]:
    """Return the entries about any of `subjects`, the newest first."""
    of_kind: dict[str, list[str]] = {}
    for subject in subjects:
        of_kind.setdefault(subject._meta.label_lower, []).append(str(subject.pk))
    about = models.Q(pk__in=[])
    for kind, keys in of_kind.items():
        about |= models.Q(subject_type=kind, subject_id__in=keys)
    return Entry.objects.filter(about).order_by("-id")


def newest_entry() -> int:
    """Return the number of the newest entry: the version of everything that is read after this."""
    newest: int = Entry.objects.aggregate(newest=models.Max("pk"))["newest"] or 0
    return newest


def entries_since(seen: Seen, *subjects: models.Model, most: int | None = MOST_SINCE) -> list[Entry]:
    """Return what a page did not show of any of `subjects`, oldest first, at most the newest `most`.

    Every audited write holds the lock of the audit log until it commits, so numbers follow the order of commits.
    """
    if not subjects:
        return []
    later = entries_about(*subjects).filter(pk__gt=seen.number).exclude(pk__in=seen.shown)
    since = later.exclude(action__in=LOOKING)
    return [entry for entry in reversed(since[:most]) if entry.hash not in seen.own]


def first_broken_link() -> Entry | None:
    """Return the first entry whose hash does not match its content and the entry before it; None if the audit log is intact."""
    previous = GENESIS
    for entry in Entry.objects.order_by("id").iterator(chunk_size=2000):
        if entry.previous_hash != previous or entry.hash != entry.expected_hash():
            return entry
        previous = entry.hash
    return None
