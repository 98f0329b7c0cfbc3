"""Tampering with the audit log of which the integrity check must find each, and the twins that find nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random

from django.db import transaction

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Chain, Entry
from sla_portal.audit.operations import make_daily_checkpoint, record
from sla_portal.audit.queries import head_of_log, inspect_log, rows_of_log
from sla_portal.audit.rules import GENESIS, Finding, Head, Row, inspect, link

from .builders import a_region, at
from .unguarded import unguarded

# Kinds of tampering with a log of entries 1 to `last`, the newest checkpoint's; each is found, whatever `chance` chooses


def altered(chance: Random, last: int) -> None:
    """Change one entry, and leave its hash."""
    Entry.objects.filter(pk=chance.randint(1, last)).update(actor_name="Mallory")


def removed(chance: Random, last: int) -> None:
    """Take entries out, and leave the hashes of those after them."""
    first, end = _some(chance, last)
    Entry.objects.filter(pk__range=(first, end)).delete()


def gap(chance: Random, last: int) -> None:
    """Take entries out, hash all after them anew and set the head."""
    first, end = _some(chance, last)
    Entry.objects.filter(pk__range=(first, end)).delete()
    hash_anew(first)


def renumbered(chance: Random, last: int) -> None:
    """Take entries out, give those after them their numbers, hash all anew and set the head."""
    first, end = _some(chance, last)
    Entry.objects.filter(pk__range=(first, end)).delete()
    # Not one statement: a number must be free when it is given.
    for number in Entry.objects.filter(pk__gt=end).order_by("pk").values_list("pk", flat=True):
        Entry.objects.filter(pk=number).update(id=number - (end - first + 1))
    hash_anew(first)


def cut(chance: Random, last: int) -> None:
    """Cut the tail off, and leave the head."""
    Entry.objects.filter(pk__gte=chance.randint(1, last)).delete()


def cut_with_head(chance: Random, last: int) -> None:
    """Cut the tail off and set the head back."""
    cut(chance, last)
    set_head()


def hashed_anew(chance: Random, last: int) -> None:
    """Change one entry, hash it and all after it anew and set the head."""
    number = chance.randint(1, last)
    Entry.objects.filter(pk=number).update(actor_name="Mallory")
    hash_anew(number)


KINDS = (altered, removed, gap, renumbered, cut, cut_with_head, hashed_anew)


def _some(chance: Random, last: int) -> tuple[int, int]:
    first = chance.randint(1, last)
    return first, min(last, first + chance.randint(0, 5))


def hash_anew(first: int) -> None:
    """Let the hashes from entry `first` on follow from what the entries say now, and the head with them."""
    before = Entry.objects.filter(pk__lt=first).order_by("pk").last()
    previous = before.hash if before else GENESIS
    for entry in Entry.objects.filter(pk__gte=first).order_by("pk"):
        entry.previous_hash = previous
        entry.hash = previous = entry.expected_hash()
        entry.save(update_fields=["previous_hash", "hash"])
    set_head()


def set_head() -> None:
    last = Entry.objects.order_by("pk").last()
    Chain.objects.update(
        last_hash=last.hash if last else GENESIS,
        last_number=last.pk if last else 0,
        entries=Entry.objects.count(),
    )


# The twins: what is found of it where the check that is for it is missing


def found_without(kind: Callable[[Random, int], None]) -> list[Finding]:
    """Inspect the log without checkpoints, and without the one other check that finds this kind of tampering."""
    rows = list(rows_of_log(1, 10**9))
    head = head_of_log()
    numbered_after = 0
    if kind in (altered, removed):  # as if entries had no hashes
        previous = GENESIS
        for index, row in enumerate(rows):
            rows[index] = Row(row.number, previous, link(previous, row.content), row.content)
            previous = rows[index].hash
    if kind in (removed, gap):  # as if numbers might have gaps
        numbered_after = 10**9
    if kind in (altered, removed, cut):  # as if the head were just the last entry
        last = rows[-1] if rows else Row(0, "", GENESIS, {})
        head = Head(last.number, last.hash, len(rows), last.number)
    return inspect(rows, head, (), numbered_after=numbered_after).findings


def a_log(entries: int, *checkpoints: int) -> None:
    """A log of so many entries, with checkpoints after some of them."""
    region = a_region()
    for number in range(1, entries + 1):
        now = at("2026-01-01 00:00") + timedelta(days=number)
        with transaction.atomic():
            record(actor=Actor.system("test"), action="changed", subject=region, now=now, changes={"n": [None, number]})
        if number in checkpoints:
            make_daily_checkpoint(now=now)


class Undone(Exception):
    """What was tampered with is as it was."""


def findings_after(
    kind: Callable[[Random, int], None], chance: Random, last: int
) -> tuple[list[Finding], list[Finding]]:
    """Tamper, inspect the log as the portal does and without the checks that are for it, and undo the tampering."""
    found = twin = None
    try:
        with transaction.atomic():
            with unguarded():
                kind(chance, last)
                found, twin = inspect_log().findings, found_without(kind)
            raise Undone
    except Undone:
        return found, twin
