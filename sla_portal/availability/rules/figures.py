"""The figures of a month (1.6, 1.7, 2, 2.1)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from sla_portal.agreements.rules import Reading, Terms
from sla_portal.kernel.intervals import Span, clipped, touching
from sla_portal.kernel.months import ServiceDays

from .judgement import Judgement, Unavailability


@dataclass(frozen=True)
class FailureEvent:
    """A stretch of unavailability longer than a minute (1.5), with the minutes of its part in the days judged."""

    start: int
    end: int
    minutes: int
    excluded_minutes: int
    incidents: tuple[str, ...]


@dataclass(frozen=True)
class ReadingFigures:
    """The figures under one counting rule of 1.4."""

    unavailable_minutes: int
    excluded_minutes: int
    availability: Fraction | None
    met: bool | None


@dataclass(frozen=True)
class TermsInTurn:
    """The part of the days judged in which one agreement version was in force, and its minutes."""

    terms: Terms
    span: Span
    """From the first of its seconds judged to the last."""
    unavailable_minutes: int
    excluded_minutes: int


@dataclass(frozen=True)
class MonthFigures:
    """The figures of a region's or a customer's service days; under the counting rules in force unless stated otherwise."""

    terms: Terms
    service_days: int
    total_minutes: int
    unavailable_minutes: int
    excluded_minutes: int
    availability: Fraction | None
    """None: not in service."""
    met: bool | None
    budget_minutes: int
    under: Mapping[Reading, ReadingFigures]
    """Under each counting rule throughout."""
    in_turn: tuple[TermsInTurn, ...]
    """The versions in force on the days judged, by time; their minutes add up to the month's."""
    rule: Reading | None
    """The counting rule in force that gives these figures; None: no single rule does, because several were in force in turn."""
    reading_sensitive: bool
    """The outcome depends on the counting rule: SLA met under one and breached under another."""
    provisional: bool
    """An ongoing outage reaches into the days judged."""
    excluded_under: Mapping[str, int]
    """The excluded minutes by clause."""
    events: tuple[FailureEvent, ...]

    @property
    def left_minutes(self) -> int:
        """Remaining downtime allowance (error budget) in minutes; negative where it is exceeded."""
        return self.budget_minutes - self.unavailable_minutes

    @property
    def in_force(self) -> ReadingFigures:
        """The figures under the counting rules in force."""
        return ReadingFigures(self.unavailable_minutes, self.excluded_minutes, self.availability, self.met)

    @property
    def compared(self) -> Iterator[tuple[Reading | None, ReadingFigures]]:
        """The rows of a comparison: the rules in force in turn (None) where no single rule gives the figures, then each rule."""
        if self.rule is None:
            yield None, self.in_force
        yield from self.under.items()


def compared(
    before: MonthFigures, after: MonthFigures
) -> Iterator[tuple[Reading | None, bool, ReadingFigures, ReadingFigures]]:
    """Set figures of the same days side by side by counting rule, as `MonthFigures.compared`; say of each whether it is in force."""
    in_turn = None in (before.rule, after.rule)
    if in_turn:
        yield None, True, before.in_force, after.in_force
    for reading in Reading:
        yield reading, not in_turn and reading is before.rule, before.under[reading], after.under[reading]


def availability(unavailable_minutes: int, total_minutes: int) -> Fraction | None:
    """Return 1 − U/T (2.1, of which the printed formula is a misprint); None where T = 0."""
    return 1 - Fraction(unavailable_minutes, total_minutes) if total_minutes else None


def error_budget(target: Fraction, total_minutes: int) -> int:
    """Return the downtime allowance: the largest whole number of minutes U with 1 − U/T ≥ target."""
    return int((1 - target) * total_minutes)


def cut(availability: Fraction) -> str:
    """Print a percentage cut to five decimals: never rounded up, so that 99.98999 % does not read as meeting 99.99 %."""
    hundred_thousandths = availability * 100 * 10**5 // 1
    units, decimals = divmod(abs(hundred_thousandths), 10**5)
    sign = "-" if hundred_thousandths < 0 else ""
    return f"{sign}{units}.{decimals:05}"


def figures(judgement: Judgement, days: ServiceDays, terms: Terms) -> MonthFigures:
    """Count the minutes of `days` (1.6, 1.7, 2.1) and compare with the target of `terms`.

    `terms` are those in force on the month's first service day. Days outside the judgement raise ValueError.
    """
    if days.spans and not (judgement.span[0] <= days.spans[0][0] and days.spans[-1][1] <= judgement.span[1]):
        raise ValueError("Some of these days were not judged.")
    under = {reading: _reading_figures(read, days, terms) for reading, read in judgement.under.items()}
    in_force = _reading_figures(judgement.in_force, days, terms)
    in_turn = _in_turn(judgement, days)
    return MonthFigures(
        terms=terms,
        service_days=days.count,
        total_minutes=days.total_minutes,
        unavailable_minutes=in_force.unavailable_minutes,
        excluded_minutes=in_force.excluded_minutes,
        availability=in_force.availability,
        met=in_force.met,
        budget_minutes=error_budget(terms.availability_target, days.total_minutes),
        under=under,
        in_turn=in_turn,
        rule=_rule(
            {one.terms.unavailability_reading for one in in_turn} or {terms.unavailability_reading}, under, in_force
        ),
        reading_sensitive=any(other.met != in_force.met for other in under.values()),
        provisional=any(one.ongoing and touching(days.spans, (one.start, one.end)) for one in judgement.outages),
        excluded_under={
            clause: count
            for clause, minutes in judgement.excluded_under.items()
            if (count := minutes.within(days.spans))
        },
        events=_failure_events(judgement, days),
    )


def _reading_figures(read: Unavailability, days: ServiceDays, terms: Terms) -> ReadingFigures:
    unavailable = read.counted.within(days.spans)
    reached = availability(unavailable, days.total_minutes)
    return ReadingFigures(
        unavailable_minutes=unavailable,
        excluded_minutes=read.excluded.within(days.spans),
        availability=reached,
        met=None if reached is None else reached >= terms.availability_target,
    )


def _in_turn(judgement: Judgement, days: ServiceDays) -> tuple[TermsInTurn, ...]:
    read = judgement.in_force
    found = []
    for period in judgement.periods:
        spans = [(start, end) for start, end in map(period.cut, days.spans) if start < end]
        if spans:
            found.append(
                TermsInTurn(
                    period.terms, (spans[0][0], spans[-1][1]), read.counted.within(spans), read.excluded.within(spans)
                )
            )
    return tuple(found)


def _rule(rules: set[Reading], under: Mapping[Reading, ReadingFigures], in_force: ReadingFigures) -> Reading | None:
    """Return the counting rule in force if it is one, and gives the figures in force.

    It does not where a stretch of unavailability began before the days judged, under another rule.
    """
    rule, *others = rules
    return None if others or under[rule] != in_force else rule


def _failure_events(judgement: Judgement, days: ServiceDays) -> tuple[FailureEvent, ...]:
    read = judgement.in_force
    events = []
    for event, share in zip(read.events, read.shares, strict=True):
        if touching(days.spans, event):
            part = clipped(days.spans, share)
            events.append(
                FailureEvent(*event, read.counted.within(part), read.excluded.within(part), judgement.incidents[event])
            )
    return tuple(events)
