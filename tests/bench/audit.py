"""The integrity check of a long audit log, beside reading the rows and hashing them with nothing else."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from tests.support.parts import Figure
from tests.support.servers import set_up

NEEDS = ("postgresql",)


@dataclass(frozen=True)
class Size:
    entries: int
    rounds: int = 3


FULL, SMALL = Size(1_000_000), Size(500, 1)
AT_ONCE = 5_000
CHECKPOINT_EVERY = 1_000


def fill(count: int) -> None:
    """A log of so many entries, with a checkpoint after every thousandth and after the last."""
    from sla_portal.audit.models import Chain, Checkpoint, Entry
    from sla_portal.audit.rules import GENESIS

    first, previous, marks = datetime(2026, 1, 1, tzinfo=UTC), GENESIS, []

    def entries() -> Iterator[Entry]:
        nonlocal previous
        for number in range(1, count + 1):
            entry = Entry(
                pk=number, at=first + timedelta(seconds=number), actor_name="bench", action="changed",
                subject_type="customers.customer", subject_id=str(number), subject=f"C-{number}",
                changes={"name": ["before", "after"], "language": ["en", "zh-hans"]}, reason="As the customer asked",
                previous_hash=previous,
            )  # fmt: skip
            entry.hash = previous = entry.expected_hash()
            if number % CHECKPOINT_EVERY == 0 or number == count:
                marks.append((number, entry.hash))
            yield entry

    made = entries()
    while chunk := list(islice(made, AT_ONCE)):
        Entry.objects.bulk_create(chunk)
    Chain.objects.create(pk=1, last_hash=previous, last_number=count, entries=count)
    Checkpoint.objects.bulk_create(
        Checkpoint(
            number=number, made_at=first, occasion="daily", about=str(number), entries=entry, entry=entry, hash=own
        )
        for number, (entry, own) in enumerate(marks, 1)
    )


def reference() -> None:
    """Read the rows and hash each, with nothing else."""
    from sla_portal.audit.models import CONTENT, Entry, content_of
    from sla_portal.audit.rules import link

    for previous, *content in Entry.objects.order_by("pk").values_list("previous_hash", *CONTENT).iterator(2000):
        link(previous, content_of(content))


def run(size: Size) -> Iterator[Figure]:
    set_up()
    from sla_portal.audit.queries import inspect_log

    fill(size.entries)
    plain, checked = [], []
    for _ in range(size.rounds):
        begun = time.perf_counter()
        reference()
        plain.append(time.perf_counter() - begun)
        begun = time.perf_counter()
        assert inspect_log().findings == []
        checked.append(time.perf_counter() - begun)
    yield Figure(f"reading and hashing {size.entries} entries", min(plain), "s")
    yield Figure("integrity check of them", min(checked), "s")
    yield Figure("ratio", min(checked) / min(plain), most=1.5)
    tracemalloc.start()
    inspect_log()
    yield Figure("most memory held at once by the check", tracemalloc.get_traced_memory()[1] / 2**20, "MB", most=32)
    tracemalloc.stop()
