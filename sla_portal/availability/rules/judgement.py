"""Service unavailability (1.4), failure events (1.5) and the unavailable minutes (1.6)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from operator import attrgetter

from sla_portal.agreements.rules import Reading, TermsPeriod
from sla_portal.availability.clauses import PRECEDENCE
from sla_portal.kernel.intervals import (
    MINUTE,
    Minutes,
    Span,
    clipped,
    difference,
    intersection,
    merged,
    minutes_touching,
    minutes_wholly_in,
    touching,
)

from .exclusions import NON_PAYMENT, Down, ExcludedTime, ScopedOutage, but_for


@dataclass(frozen=True, eq=False)
class Unavailability:
    """The service unavailability of a region (1.4 to 1.6) under one counting rule, or under each rule in its time."""

    readings: Sequence[tuple[Span, Reading]]
    """The counting rule of each span; spans meet on midnights in the SLA time zone."""
    stretches: list[Span]
    """S: the time in which the counting rule holds."""
    events: list[Span]
    """The failure events (1.5)."""
    counted_seconds: list[Span]

    @cached_property
    def event_minutes(self) -> Minutes:
        """The minutes that would count if nothing were excluded."""
        return self._minutes(self.events)

    @cached_property
    def counted(self) -> Minutes:
        """The unavailable minutes (U)."""
        return self._minutes(self.counted_seconds)

    @cached_property
    def excluded(self) -> Minutes:
        """The minutes that would have counted but for the exclusions."""
        return Minutes(difference(self.event_minutes.spans, self.counted.spans))

    def without(self, spans: list[Span]) -> "Unavailability":
        """Exclude `spans` from the counted seconds."""
        return replace(self, counted_seconds=difference(self.counted_seconds, spans))

    def _minutes(self, spans: list[Span]) -> Minutes:
        minutes = []
        for span, reading in self.readings:
            formed = minutes_touching if reading is Reading.ANY else minutes_wholly_in
            minutes += formed(clipped(spans, span))
        return Minutes(merged(minutes))

    @cached_property
    def shares(self) -> list[Span]:
        """Assign every minute to one event, so that the minutes of the events add up; return the span of minutes of each event.

        Two events may touch one minute, which counts under `any`: it is assigned to the first whose seconds make it count.
        """
        shares: list[Span] = []
        for start, end in self.events:
            first, last = start // MINUTE * MINUTE, -(-end // MINUTE) * MINUTE
            if shares and first < shares[-1][1]:
                before = shares[-1]
                if first not in self.counted or touching(self.counted_seconds, (first, start)):
                    first = before[1]
                else:
                    shares[-1] = before[0], first
            shares.append((first, last))
        return shares


@dataclass(frozen=True, eq=False)
class Judgement:
    """The service unavailability of a region under every counting rule; or of one of its customers (`for_customer`)."""

    span: Span
    """The seconds judged."""
    known_until: int
    """The present moment: a minute that is not over by then can still change."""
    functions: int
    clients: int
    periods: Sequence[TermsPeriod]
    outages: Sequence[ScopedOutage]
    """By start."""
    excluded_times: Sequence[ExcludedTime]
    """The time excluded under section 4, cut to the outages that it was excluded from."""
    under: Mapping[Reading, Unavailability]
    in_force: Unavailability

    @cached_property
    def incidents(self) -> dict[Span, tuple[str, ...]]:
        """The incidents that had an outage during each failure event."""
        events = self.in_force.events
        found: list[set[str]] = [set() for _ in events]
        first = 0
        for outage in self.outages:
            start, end = outage.start, outage.end
            while first < len(events) and events[first][1] <= start:
                first += 1
            reached = first
            while reached < len(events) and events[reached][0] < end:
                found[reached].add(outage.incident)
                reached += 1
        return {event: tuple(sorted(incidents)) for event, incidents in zip(events, found, strict=True)}

    @cached_property
    def excluded_under(self) -> dict[str, Minutes]:
        """The excluded minutes by clause; a minute that several cover is listed under the first of `PRECEDENCE`."""
        covering: dict[str, list[Span]] = defaultdict(list)
        for excluded in self.excluded_times:
            covering[excluded.clause].append((excluded.start, excluded.end))
        shown = {}
        left = self.in_force.excluded.spans
        for clause in PRECEDENCE:
            if covering[clause]:
                reached = minutes_touching(intersection(merged(covering[clause]), self.in_force.events))
                shown[clause] = Minutes(intersection(left, reached))
                left = difference(left, reached)
        return shown


def judge(
    outages: Iterable[ScopedOutage],
    excluded_times: Iterable[ExcludedTime],
    periods: Sequence[TermsPeriod],
    *,
    functions: int,
    clients: int,
    span: Span,
    known_until: int | None = None,
) -> Judgement:
    """Compute which minutes of a region in `span` count, by 1.4, 1.5, 1.6 and section 4.

    `outages` are all outages of the region that touch `span`, or are connected with one that does, in any order:
    failure events are found before anything is cut at an edge. `excluded_times` are those of confirmed exclusions.
    `known_until` is the present moment; without it all of `span` lies in the past.
    """
    if functions < 1 or clients < 1:
        raise ValueError("At least one core function and one client are needed.")
    # In order, of which all that follows makes use.
    outages = sorted((outage for outage in outages if outage.start < outage.end), key=attrgetter("start"))
    all_down, without_excluded, applied = but_for(outages, excluded_times)
    down = _stretches(all_down, functions, clients)
    still_down = _stretches(without_excluded, functions, clients) if applied else down
    spans = [span for of_cells in all_down.values() for span in (of_cells[0], of_cells[-1])]
    always = min((start for start, _ in spans), default=0), max((end for _, end in spans), default=0)

    def read(readings: Sequence[tuple[Span, Reading]]) -> Unavailability:
        stretches, without = (
            merged(part for span, reading in readings for part in clipped(source[reading], span))
            for source in (down, still_down)
        )
        # 1.5: more than sixty seconds, found before any exclusion is applied.
        events = [(start, end) for start, end in stretches if end - start > MINUTE]
        return Unavailability(readings, stretches, events, intersection(without, events))

    under = {reading: read([(always, reading)]) for reading in Reading}
    by_period = [(period.cut(always), period.terms.unavailability_reading) for period in periods]
    by_period = [((start, end), reading) for (start, end), reading in by_period if start < end]
    agreed = {reading for _, reading in by_period} or {Reading.ALL}
    return Judgement(
        span=span,
        known_until=span[1] if known_until is None else known_until,
        functions=functions,
        clients=clients,
        periods=periods,
        outages=outages,
        excluded_times=applied,
        under=under,
        in_force=under[agreed.pop()] if len(agreed) == 1 else read(by_period),
    )


def for_customer(judgement: Judgement, own: Iterable[ExcludedTime] = (), suspended: Iterable[Span] = ()) -> Judgement:
    """Exclude from one customer's month the time caused by that customer (4.2 to 4.9).

    `own` are the customer's own confirmed exclusions, `suspended` the spans of days suspended for non-payment (4.7).
    """
    own = [*own, *(ExcludedTime(None, NON_PAYMENT, start, end) for start, end in suspended)]
    if not own:
        return judgement
    spans = merged((excluded.start, excluded.end) for excluded in own)
    without = {id(read): read.without(spans) for read in (judgement.in_force, *judgement.under.values())}
    return replace(
        judgement,
        excluded_times=[*judgement.excluded_times, *own],
        under={reading: without[id(read)] for reading, read in judgement.under.items()},
        in_force=without[id(judgement.in_force)],
    )


def _stretches(down: Down, functions: int, clients: int) -> dict[Reading, list[Span]]:
    """Find the time in which each counting rule of 1.4 holds, to the second."""
    # The number of outages of each cell is one counter in a packed integer, so that a change is one addition.
    # Adding `full` carries into the highest bit of every counter that is not 0.
    width = len(down).bit_length() + 1
    counters = [1 << width * cell for cell in range(functions * clients)]
    highest = sum(counters) << width - 1
    full = highest - sum(counters)
    changes: list[tuple[int, int]] = []
    for cells, spans in down.items():
        scope = sum(counter for cell, counter in enumerate(counters) if cells >> cell & 1)
        for start, end in spans:
            changes += (start, scope), (end, -scope)
    changes.sort()

    edges: dict[Reading, list[int]] = {reading: [] for reading in Reading}
    met_with: dict[int, frozenset[Reading]] = {0: frozenset()}
    counts, now, met = 0, 0, met_with[0]
    # Of several changes at one instant only the state after the last counts, so that stretches that meet are joined.
    over = changes[-1][0] + 1 if changes else 0
    for at, change in [*changes, (over, 0)]:
        if at != now and (becomes := met_with.get(counts)) is not met:
            if becomes is None:
                state = counts + full & highest
                becomes = _readings_met(tuple(bool(state & counter << width - 1) for counter in counters), clients)
                met_with[counts] = becomes
            for reading in becomes ^ met:
                edges[reading].append(now)
            met = becomes
        now = at
        counts += change
    return {reading: list(zip(found[::2], found[1::2], strict=True)) for reading, found in edges.items()}


@cache
def _readings_met(down: tuple[bool, ...], clients: int) -> frozenset[Reading]:
    """Return the counting rules of 1.4 that hold while these cells are unavailable."""
    on_every_client = [all(down[cell : cell + clients]) for cell in range(0, len(down), clients)]
    met = set()
    if all(on_every_client):
        met.add(Reading.ALL)
    if any(on_every_client):
        met.add(Reading.FUNCTION)
    if any(down):
        met.add(Reading.ANY)
    return frozenset(met)
