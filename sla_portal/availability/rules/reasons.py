"""Why a minute counts or does not, and the data of a month's chart."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from sla_portal.agreements.rules import Reading, terms_at
from sla_portal.availability.clauses import PRECEDENCE
from sla_portal.kernel.intervals import MINUTE, Span, clipped, difference, intersection, merged, touching
from sla_portal.kernel.months import ServiceDays

from .exclusions import NON_PAYMENT, ExcludedTime
from .judgement import Judgement, Unavailability


class Why(Enum):
    """What decides about one clock minute, in the order of evaluation."""

    NOT_IN_SERVICE = "not_in_service"
    COUNTED = "counted"
    EXCLUDED = "excluded"
    """Excluded on the incident (4)."""
    OWN_EXCLUSION = "own_exclusion"
    """Excluded from this customer's month only: caused by the customer (4.2 to 4.9)."""
    SUSPENDED = "suspended"
    """The service was suspended for this customer (4.7)."""
    UNKNOWN = "unknown"
    """The minute is not over."""
    NOT_WHOLLY_DOWN = "not_wholly_down"
    """In a failure event, but the service was available for a part of the minute (1.4)."""
    NOT_A_FAILURE_EVENT = "not_a_failure_event"
    """Down for sixty seconds or less (1.5)."""
    UP = "up"


@dataclass(frozen=True)
class Reason:
    """Why a minute counts or does not."""

    minute: int
    """The instant at which it starts."""
    why: Why
    reading: Reading
    """The counting rule in force at that minute."""
    under: Mapping[Reading, Why]
    available: tuple[tuple[int, int], ...]
    """The (function, client) pairs that were available at some moment of the minute."""
    stretches: tuple[Span, ...]
    """The stretches of unavailability that reach into the minute; one longer than 60 s is a failure event (1.5)."""
    incidents: tuple[str, ...]
    """Incidents with an outage in the minute."""
    excluded_times: tuple[ExcludedTime, ...]
    """What excludes the minute under section 4, in order of precedence."""


def explain(judgement: Judgement, days: ServiceDays, minute: int) -> Reason:
    """Say why the clock minute that starts at the instant `minute` counts on `days`, or does not."""
    span = minute, minute + MINUTE
    outages = [outage for outage in judgement.outages if outage.start < span[1] and outage.end > span[0]]
    excluded = _excluded_times(judgement, judgement.in_force, span)
    return Reason(
        minute=minute,
        why=why(judgement, judgement.in_force, days, span, excluded),
        reading=terms_at(judgement.periods, minute).unavailability_reading,
        under={
            reading: why(judgement, read, days, span, _excluded_times(judgement, read, span))
            for reading, read in judgement.under.items()
        },
        available=tuple(
            divmod(cell, judgement.clients)
            for cell in range(judgement.functions * judgement.clients)
            if difference([span], merged((outage.start, outage.end) for outage in outages if outage.cells >> cell & 1))
        ),
        stretches=tuple(touching(judgement.in_force.stretches, span)),
        incidents=tuple(sorted({outage.incident for outage in outages})),
        excluded_times=excluded,
    )


def why(
    judgement: Judgement, read: Unavailability, days: ServiceDays, span: Span, excluded_times: Sequence[ExcludedTime]
) -> Why:
    """Say what decides about one clock minute; `excluded_times` are what excludes it, in order of precedence."""
    minute, over = span
    if not touching(days.spans, span):
        return Why.NOT_IN_SERVICE
    if minute in read.counted:
        return Why.COUNTED
    if minute in read.excluded:
        first = excluded_times[0]
        if first.incident is not None:
            return Why.EXCLUDED
        return Why.SUSPENDED if first.clause == NON_PAYMENT else Why.OWN_EXCLUSION
    if over > judgement.known_until:
        return Why.UNKNOWN
    if touching(read.events, span):
        return Why.NOT_WHOLLY_DOWN
    if touching(read.stretches, span):
        return Why.NOT_A_FAILURE_EVENT
    return Why.UP


def _excluded_times(judgement: Judgement, read: Unavailability, span: Span) -> tuple[ExcludedTime, ...]:
    in_events = clipped(read.events, span)
    covering = (one for one in judgement.excluded_times if touching(in_events, (one.start, one.end)))
    return tuple(in_precedence(covering))


def in_precedence(excluded_times: Iterable[ExcludedTime]) -> list[ExcludedTime]:
    """Sort by clause, in the order in which a minute that several cover is listed under one of them."""
    return sorted(excluded_times, key=lambda one: PRECEDENCE.index(one.clause))


class Shade(Enum):
    """The kinds of minutes in the chart of a month; all others were operational."""

    COUNTED = "counted"
    EXCLUDED = "excluded"
    NOT_IN_SERVICE = "not_in_service"
    UNKNOWN = "unknown"


def picture(judgement: Judgement, days: ServiceDays, span: Span) -> list[tuple[int, int, Shade]]:
    """Return the runs to draw in `span` (minute edges) as start, end and shade, by time; the rest was operational."""
    in_service = clipped(days.spans, span)
    not_over = (judgement.known_until // MINUTE * MINUTE, span[1])
    counted = intersection(judgement.in_force.counted.spans, in_service)
    excluded = intersection(judgement.in_force.excluded.spans, in_service)
    unknown = difference(difference(clipped(in_service, not_over), counted), excluded)
    shades = {
        Shade.COUNTED: counted,
        Shade.EXCLUDED: excluded,
        Shade.NOT_IN_SERVICE: difference([span], in_service),
        Shade.UNKNOWN: unknown,
    }
    return sorted(
        ((start, end, shade) for shade, spans in shades.items() for start, end in spans), key=lambda run: run[:2]
    )
