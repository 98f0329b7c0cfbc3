"""1.4 and 1.5: when the service was down, the failure events, and the minutes that count."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

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

from .exclusions import NON_PAYMENT, ExcludedTime, Part, ScopedOutage, but_for


@dataclass(frozen=True, eq=False)
class Unavailability:
    """What 1.4 to 1.6 make of a region's outages when they are read in one way."""

    readings: Sequence[tuple[Span, Reading]]
    """Which reading holds when: spans that meet on midnights of the SLA clock."""
    stretches: list[Span]
    """S: when the service was down."""
    events: list[Span]
    """The failure events (1.5)."""
    counted_seconds: list[Span]

    @cached_property
    def event_minutes(self) -> Minutes:
        """The minutes that would count if nothing were excluded."""
        return self._minutes(self.events)

    @cached_property
    def counted(self) -> Minutes:
        """The minutes of service unavailability."""
        return self._minutes(self.counted_seconds)

    @cached_property
    def excluded(self) -> Minutes:
        """The minutes that would have counted but for the exclusions."""
        return Minutes(difference(self.event_minutes.spans, self.counted.spans))

    def less(self, spans: list[Span]) -> "Unavailability":
        """Take `spans` off what counts."""
        return replace(self, counted_seconds=difference(self.counted_seconds, spans))

    def _minutes(self, spans: list[Span]) -> Minutes:
        minutes = []
        for span, reading in self.readings:
            formed = minutes_touching if reading is Reading.ANY else minutes_wholly_in
            minutes += formed(clipped(spans, span))
        return Minutes(merged(minutes))

    @cached_property
    def shares(self) -> list[Span]:
        """Give every minute to one event, so that the events' minutes add up: the span of minutes of each event.

        Two events may touch one minute, which counts under `any`: the first whose seconds make it count has it.
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
    """What counts in a region, under every reading; or for one of its customers (`for_customer`)."""

    span: Span
    """The seconds judged."""
    known_until: int
    """The present moment: a minute that is not over by then can still change."""
    functions: int
    clients: int
    periods: Sequence[TermsPeriod]
    downs: Sequence[ScopedOutage]
    taken_off: Sequence[ExcludedTime]
    """What section 4 took off, cut to the outages that it was taken off."""
    under: Mapping[Reading, Unavailability]
    in_force: Unavailability

    @cached_property
    def incidents(self) -> dict[Span, tuple[str, ...]]:
        """The incidents that had an outage during each failure event."""
        events = self.in_force.events
        ends = [end for _, end in events]
        found: list[set[str]] = [set() for _ in events]
        for down in self.downs:
            reached = bisect_right(ends, down.start)
            while reached < len(events) and events[reached][0] < down.end:
                found[reached].add(down.incident)
                reached += 1
        return {event: tuple(sorted(incidents)) for event, incidents in zip(events, found, strict=True)}

    @cached_property
    def excluded_under(self) -> dict[str, Minutes]:
        """The excluded minutes by the clause under which each is shown: the first of those that cover it."""
        covering: dict[str, list[Span]] = defaultdict(list)
        for off in self.taken_off:
            covering[off.clause].append((off.start, off.end))
        shown = {}
        left = self.in_force.excluded.spans
        for clause in PRECEDENCE:
            if covering[clause]:
                reached = minutes_touching(intersection(merged(covering[clause]), self.in_force.events))
                shown[clause] = Minutes(intersection(left, reached))
                left = difference(left, reached)
        return shown


def judge(
    downs: Iterable[ScopedOutage],
    taken_off: Iterable[ExcludedTime],
    periods: Sequence[TermsPeriod],
    *,
    functions: int,
    clients: int,
    span: Span,
    known_until: int | None = None,
) -> Judgement:
    """Judge a region's minutes in `span` by 1.4, 1.5, 1.6 and section 4.

    `downs` are all outages of the region that touch `span` or hang together with one that does, in any order:
    a failure event is found whole before anything is cut at an edge. `taken_off` are the confirmed exclusions.
    `known_until` is the present moment; without it all of `span` lies in the past.
    """
    if functions < 1 or clients < 1:
        raise ValueError("Without a core function and a client there is nothing to judge.")
    downs = [outage for outage in downs if outage.start < outage.end]
    left, taken = but_for(downs, taken_off)
    down = _stretches(((outage.cells, outage.start, outage.end) for outage in downs), functions, clients)
    still_down = _stretches(left, functions, clients) if taken else down
    always = min((outage.start for outage in downs), default=0), max((outage.end for outage in downs), default=0)

    def read(readings: Sequence[tuple[Span, Reading]]) -> Unavailability:
        stretches, but_for = (
            merged(part for span, reading in readings for part in clipped(source[reading], span))
            for source in (down, still_down)
        )
        # 1.5: more than sixty seconds, found before any exclusion is taken off.
        events = [(start, end) for start, end in stretches if end - start > MINUTE]
        return Unavailability(readings, stretches, events, intersection(but_for, events))

    under = {reading: read([(always, reading)]) for reading in Reading}
    in_turn = [(period.cut(always), period.terms.unavailability_reading) for period in periods]
    in_turn = [((start, end), reading) for (start, end), reading in in_turn if start < end]
    agreed = {reading for _, reading in in_turn} or {Reading.ALL}
    return Judgement(
        span=span,
        known_until=span[1] if known_until is None else known_until,
        functions=functions,
        clients=clients,
        periods=periods,
        downs=downs,
        taken_off=taken,
        under=under,
        in_force=under[agreed.pop()] if len(agreed) == 1 else read(in_turn),
    )


def for_customer(judgement: Judgement, own: Iterable[ExcludedTime] = (), suspended: Iterable[Span] = ()) -> Judgement:
    """Take off one customer's month what lies with that customer alone (4.2 to 4.9).

    `own` are its own confirmed exclusions, `suspended` the spans of days suspended for non-payment (4.7).
    """
    own = [*own, *(ExcludedTime(None, NON_PAYMENT, start, end) for start, end in suspended)]
    if not own:
        return judgement
    spans = merged((off.start, off.end) for off in own)
    less = {id(read): read.less(spans) for read in (judgement.in_force, *judgement.under.values())}
    return replace(
        judgement,
        taken_off=[*judgement.taken_off, *own],
        under={reading: less[id(read)] for reading, read in judgement.under.items()},
        in_force=less[id(judgement.in_force)],
    )


def _stretches(parts: Iterable[Part], functions: int, clients: int) -> dict[Reading, list[Span]]:
    """Find when each reading of 1.4 holds, to the second."""
    # Outages of the same cells are joined first: what they say together takes few turns.
    of_scope: dict[int, list[Span]] = defaultdict(list)
    for cells, start, end in parts:
        of_scope[cells].append((start, end))

    # How many scopes keep each cell down is counted side by side in one number, so that a turn is one addition.
    # Adding `full` carries into the highest bit of every counter that is not 0.
    width = len(of_scope).bit_length() + 1
    counters = [1 << width * cell for cell in range(functions * clients)]
    highest = sum(counters) << width - 1
    full = highest - sum(counters)
    turns: list[tuple[int, int]] = []
    for cells, spans in of_scope.items():
        scope = sum(counter for cell, counter in enumerate(counters) if cells >> cell & 1)
        for start, end in merged(spans):
            turns += (start, scope), (end, -scope)

    # Of several turns at one instant the state after the last one stands, so that stretches that meet are one.
    counts = 0
    course: dict[int, int] = {}
    for at, change in sorted(turns):
        counts += change
        course[at] = counts + full & highest

    holding = {
        state: _holding([bool(state & counter << width - 1) for counter in counters], clients)
        for state in set(course.values())
    }
    return {
        reading: _spans_of({state for state, readings in holding.items() if reading in readings}, course)
        for reading in Reading
    }


def _spans_of(states: set[int], course: Mapping[int, int]) -> list[Span]:
    """Find the spans of a `course` (instant to the state that begins there) in which it is in one of `states`."""
    edges = []
    within = False
    for at, state in course.items():
        if (state in states) is not within:
            within = not within
            edges.append(at)
    return list(zip(edges[::2], edges[1::2], strict=True))


def _holding(down: Sequence[bool], clients: int) -> set[Reading]:
    """Say under which readings of 1.4 the service is down while these cells are."""
    on_every_client = [all(down[cell : cell + clients]) for cell in range(0, len(down), clients)]
    holding = set()
    if all(on_every_client):
        holding.add(Reading.ALL)
    if any(on_every_client):
        holding.add(Reading.FUNCTION)
    if any(down):
        holding.add(Reading.ANY)
    return holding
