"""A region's month under all three readings and the one in force, against a NumPy per-second mask under one reading.

The reference marks every second of the month for each function and client, once with and once without what is
excluded, finds the runs of seconds in which all are down, and forms the minutes. Both run in turn in one process,
and of each the shortest time stands: the one least disturbed.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import numpy as np

from sla_portal.agreements.rules import Terms, TermsPeriod
from sla_portal.availability.rules import ExcludedTime, ScopedOutage, cells, figures, judge
from sla_portal.kernel.months import ServiceDays, ServiceMonth
from tests.support.parts import Figure

NEEDS = ()


@dataclass(frozen=True)
class Size:
    most_outages: int
    rounds: int
    rounds_of_most: int
    fewer_outages: tuple[int, ...] = (10, 1_000)


FULL = Size(100_000, rounds=30, rounds_of_most=7)
SMALL = Size(2_000, rounds=2, rounds_of_most=1)
AIMS = {1_000: 0.5, 100_000: 4.0}

FUNCTIONS, CLIENTS = 4, 3
MONTH, ZONE = ServiceMonth(2026, 9), ZoneInfo("Asia/Shanghai")
SPAN = MONTH.span(ZONE)
DAYS = ServiceDays.of(MONTH.days, ZONE)
TERMS = Terms("1.0", date(2024, 1, 1))

# The rows of the mask that a scope names, and its cells: everything, one function, one client, one pair.
SCOPES = [
    (slice(0, FUNCTIONS * CLIENTS), cells([], [], functions=FUNCTIONS, clients=CLIENTS)),
    *(
        (slice(f * CLIENTS, (f + 1) * CLIENTS), cells([f], [], functions=FUNCTIONS, clients=CLIENTS))
        for f in range(FUNCTIONS)
    ),
    *((slice(c, None, CLIENTS), cells([], [c], functions=FUNCTIONS, clients=CLIENTS)) for c in range(CLIENTS)),
    *((slice(c, c + 1), cells([0], [c], functions=FUNCTIONS, clients=CLIENTS)) for c in range(CLIENTS)),
]


def history(count: int) -> tuple[list[ScopedOutage], list[ExcludedTime], list[slice]]:
    """Outages of 20 s to 5 min all over the month, half of them of everything; one in ten is excluded for a part."""
    chance = random.Random(count)
    outages, excluded_times, rows = [], [], []
    for number in range(count):
        start = chance.randrange(SPAN[0], SPAN[1] - 300)
        end = start + chance.randrange(20, 300)
        scope, named = SCOPES[0] if chance.random() < 0.5 else chance.choice(SCOPES)
        outages.append(ScopedOutage(f"INC-{number}", start, end, named))
        rows.append(scope)
        if number % 10 == 0:
            excluded_times.append(ExcludedTime(f"INC-{number}", "4.11", start + 10, end))
    return outages, excluded_times, rows


def ours(
    outages: list[ScopedOutage], excluded_times: list[ExcludedTime]
) -> tuple[int, int, list[tuple[int, int, int, int]]]:
    judgement = judge(
        outages, excluded_times, [TermsPeriod(None, None, TERMS)], functions=FUNCTIONS, clients=CLIENTS, span=SPAN
    )
    found = figures(judgement, DAYS, TERMS)
    events = [(event.start, event.end, event.minutes, event.excluded_minutes) for event in found.events]
    return found.unavailable_minutes, found.excluded_minutes, events


def reference(
    outages: list[ScopedOutage], excluded_times: list[ExcludedTime], rows: list[slice]
) -> tuple[int, int, list[tuple[int, int, int, int]]]:
    month, end = SPAN
    excluded = {off.incident: (off.start - month, off.end - month) for off in excluded_times}
    down = np.zeros((FUNCTIONS * CLIENTS, end - month), dtype=bool)
    left = np.zeros_like(down)
    for outage, scope in zip(outages, rows, strict=True):
        first, last = outage.start - month, outage.end - month
        down[scope, first:last] = True
        if outage.incident in excluded:
            off_from, off_to = excluded[outage.incident]
            left[scope, first:off_from] = True
            left[scope, off_to:last] = True
        else:
            left[scope, first:last] = True
    stretches = down.all(axis=0)
    edges = np.flatnonzero(np.diff(stretches, prepend=False, append=False))
    starts, ends = edges[::2], edges[1::2]
    long = ends - starts > 60
    starts, ends = starts[long], ends[long]
    turns = np.zeros(end - month + 1, dtype=np.int8)
    turns[starts] = 1
    turns[ends] -= 1
    in_event = np.cumsum(turns[:-1], dtype=np.int8).astype(bool)
    would_count = in_event.reshape(-1, 60).all(axis=1)
    counted = (in_event & left.all(axis=0)).reshape(-1, 60).all(axis=1)
    counted_before = np.concatenate([[0], np.cumsum(counted)])
    excluded_before = np.concatenate([[0], np.cumsum(would_count & ~counted)])
    first, last = starts // 60, -(-ends // 60)
    events = zip(
        (starts + month).tolist(),
        (ends + month).tolist(),
        (counted_before[last] - counted_before[first]).tolist(),
        (excluded_before[last] - excluded_before[first]).tolist(),
        strict=True,
    )
    return int(counted_before[-1]), int(excluded_before[-1]), list(events)


def seconds(work, *arguments) -> float:
    begun = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - begun


def run(size: Size) -> Iterator[Figure]:
    for count in (*size.fewer_outages, size.most_outages):
        outages, excluded_times, rows = history(count)
        assert ours(outages, excluded_times) == reference(outages, excluded_times, rows), "The two do not say the same."
        rounds = size.rounds_of_most if count == size.most_outages else size.rounds
        times = [
            (seconds(ours, outages, excluded_times), seconds(reference, outages, excluded_times, rows))
            for _ in range(rounds)
        ]
        engine, mask = map(min, zip(*times, strict=True))
        yield Figure(f"{count} outages, judged", engine / mask, "× the mask", most=AIMS.get(count))
        yield Figure(f"{count} outages, judged", engine * 1000, "ms")
