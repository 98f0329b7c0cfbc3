"""The audit log of a record, and the integrity check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import models

from .actors import Seen
from .models import CONTENT, Chain, Check, Checkpoint, Document, Entry, Kind, Occasion, Seal, content_of
from .rules import GENESIS, Fault, Finding, Head, Mark, Row, Start, inspect, missing_checkpoints
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


def changes_of_closed_months(since: datetime, most: int = MOST_SINCE) -> list[Entry]:
    """Return the writes since then that changed the record of closed months, newest first, at most `most`."""
    return list(Entry.objects.filter(at__gte=since, changes__has_key="closed_months").order_by("-id")[:most])


# What was issued


def documents() -> models.QuerySet[Document]:
    """Return what was issued, with the seals of what is sealed, but not their bytes."""
    return Document.objects.select_related("seal__certificate").defer("seal__content", "seal__certificate__pem")


def document(kind: Kind, about: str, revision: int = 1) -> Document | None:
    """Return an issued document, the last where one of a rehearsal had its number; None where the register knows none."""
    return documents().filter(kind=kind, about=about, revision=revision).last()


def document_of_file(sha256: str) -> Document | None:
    """Return the document whose file has this SHA-256, before or after it was sealed within; the newest of several."""
    sealed = Seal.objects.filter(sha256=sha256, sealed_at__isnull=False).exclude(document__pdf="").values("pk")
    return documents().filter(models.Q(sha256=sha256) | models.Q(pk__in=sealed)).order_by("-pk").first()


def seal_of(kind: Kind, about: str, revision: int = 1) -> bytes | None:
    """Return the bytes of a document's seal, as they stand beside it or follow it; None while it is unsealed."""
    sealed = Seal.objects.filter(sealed_at__isnull=False)
    named = sealed.filter(document__kind=kind, document__about=about, document__revision=revision)
    content = named.values_list("content", flat=True).last()
    return None if content is None else bytes(content)


def failed_seals() -> models.QuerySet[Seal]:
    """Return the seals that could not be made yet; the row says why."""
    return Seal.objects.filter(sealed_at__isnull=True).exclude(error="")


# Integrity


@dataclass(frozen=True)
class Inspected:
    """How many entries were checked, and what was found."""

    entries: int
    findings: list[Finding]


def inspect_log(outside: Sequence[Mark] = ()) -> Inspected:
    """Verify every entry in one pass, and compare the log with its head, all checkpoints and marks from `outside`."""
    # Checkpoints before the head: what is written meanwhile is later than both.
    checkpoints = list(Checkpoint.objects.order_by("number"))
    head = head_of_log()
    upgraded = [one.entry for one in checkpoints if one.occasion == Occasion.UPGRADE]
    found = inspect(
        rows_of_log(1, head.number),
        head,
        [*(one.mark for one in checkpoints), *outside],
        # Of an earlier build's log, the database's sequence may have left numbers out.
        numbered_after=max(upgraded, default=0),
    )
    return Inspected(found.entries, [*found.findings, *missing_checkpoints([one.number for one in checkpoints])])


def inspect_tail() -> Inspected:
    """Verify the log from the entry of its newest checkpoint on; without a checkpoint, from the first."""
    newest = Checkpoint.objects.order_by("number").last()
    if newest is None:
        return inspect_log()
    head = head_of_log()
    start = Start(number=newest.entry - 1, hash=None, entries=newest.entries - 1)
    found = inspect(rows_of_log(newest.entry, head.number), head, [newest.mark], start=start)
    return Inspected(found.entries - start.entries, found.findings)


def head_of_log() -> Head:
    """Return what the head row says, and the number of the newest entry at the same moment: one statement reads both."""
    newest = models.Subquery(Entry.objects.order_by("-pk").values("pk")[:1])
    row = Chain.objects.annotate(newest=newest).values_list("last_number", "last_hash", "entries", "newest").first()
    number, last_hash, entries, last = row or (0, GENESIS, 0, newest_entry())
    return Head(number, last_hash, entries, last or 0)


def rows_of_log(first: int, last: int) -> Iterator[Row]:
    """Read the entries from number `first` to `last` in their order, some at a time."""
    entries = Entry.objects.filter(pk__gte=first, pk__lte=last).order_by("pk")
    for number, previous_hash, own, *content in entries.values_list("pk", "previous_hash", "hash", *CONTENT).iterator(
        chunk_size=2000
    ):
        yield Row(number, previous_hash, own, content_of(content))


def first_broken_link() -> Entry | None:
    """Return the first entry whose hash does not match its content or the entry before it; None if the audit log is intact."""
    return first_entry(inspect_log().findings)


def first_entry(findings: Sequence[Finding]) -> Entry | None:
    """Return the first entry of the log at which a hash is wrong."""
    faults = (Fault.ALTERED, Fault.UNLINKED, Fault.MISSING)
    broken = next((one for one in findings if one.fault in faults), None)
    return Entry.objects.filter(pk__gte=broken.entry).order_by("pk").first() if broken else None


def present_findings() -> list[Finding]:
    """Return what the newest check of the whole log found, what one of its tail has found since, and what one of documents found."""
    of_log = Check.objects.filter(documents=None)
    whole = of_log.filter(whole=True).first()
    tail = of_log.filter(whole=False, pk__gt=whole.pk if whole else 0).first()
    issued = Check.objects.filter(documents__isnull=False).first()
    return list(dict.fromkeys(finding for check in (whole, tail, issued) if check for finding in check.findings))
