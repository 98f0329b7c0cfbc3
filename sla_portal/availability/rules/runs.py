"""The minutes behind a figure, as runs of which the same holds."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

from sla_portal.kernel.intervals import MINUTE, Span, clipped, intersection, minutes_touching, seconds, touching
from sla_portal.kernel.months import ServiceDays

from .exclusions import ExcludedTime, ScopedOutage
from .judgement import Judgement, Unavailability
from .reasons import Why, in_precedence, why


@dataclass(frozen=True)
class MinuteRun:
    """Consecutive clock minutes with an outage, of all of which the same holds."""

    start: int
    end: int
    why: Why
    outages: tuple[ScopedOutage, ...]
    """The outages that reach into each minute, by start."""
    stretches: tuple[Span, ...]
    """The stretches of unavailability that reach into each minute; one longer than 60 s is a failure event (1.5)."""
    excluded_times: tuple[ExcludedTime, ...]
    """What excludes each minute under section 4, in order of precedence."""

    @property
    def minutes(self) -> int:
        return (self.end - self.start) // MINUTE

    def continues(self, before: "MinuteRun") -> bool:
        """Say whether the minutes before are of the same run."""
        return before.end == self.start and (before.why, before.outages, before.stretches, before.excluded_times) == (
            self.why,
            self.outages,
            self.stretches,
            self.excluded_times,
        )


def minute_runs(judgement: Judgement, read: Unavailability, days: ServiceDays) -> list[MinuteRun]:
    """Return the runs of minutes into which an outage reaches, by time.

    `read` is `judgement` under the counting rules in force, or under one of the three.
    """
    runs: list[MinuteRun] = []
    for part in _between_changes(judgement, read, days):
        continued = bool(runs) and part.continues(runs[-1])
        runs.append(replace(part, start=runs.pop().start) if continued else part)
    return runs


@dataclass(frozen=True)
class MinuteSums:
    """The clock minutes of the service days by what decides about them; T counts 1440 a day even where the clock changes."""

    with_outage: dict[Why, int]
    without_outage: int
    not_over: int
    """Without an outage so far."""

    @property
    def all(self) -> int:
        return sum(self.with_outage.values()) + self.without_outage + self.not_over


def minute_sums(judgement: Judgement, days: ServiceDays, runs: Iterable[MinuteRun]) -> MinuteSums:
    """Add up every clock minute of `days`: those of `runs`, and those into which no outage reaches."""
    in_service = [run for run in runs if run.why is not Why.NOT_IN_SERVICE]
    found: Counter[Why] = Counter()
    for run in in_service:
        found[run.why] += run.minutes
    ahead = [(judgement.known_until // MINUTE * MINUTE, max(judgement.known_until, judgement.span[1]))]
    not_over = intersection(days.spans, ahead)
    down_ahead = intersection([(run.start, run.end) for run in in_service], ahead)
    not_over_yet = (seconds(not_over) - seconds(down_ahead)) // MINUTE
    without = seconds(days.spans) // MINUTE - found.total() - not_over_yet
    return MinuteSums({one: found[one] for one in Why if found[one]}, without, not_over_yet)


def _between_changes(judgement: Judgement, read: Unavailability, days: ServiceDays) -> Iterator[MinuteRun]:
    """Yield the minutes with an outage between any two at which something changes."""
    outages = sorted(judgement.outages, key=lambda one: (one.start, one.end, one.incident))
    excluding = in_precedence(judgement.excluded_times)
    reach = [((0, n), [(one.start, one.end)]) for n, one in enumerate(outages)]
    reach += [((1, n), clipped(read.events, (one.start, one.end))) for n, one in enumerate(excluding)]
    begin, cease = defaultdict(set), defaultdict(set)
    for key, spans in reach:
        for start, end in clipped(minutes_touching(spans), judgement.span):
            begin[start].add(key)
            cease[end].add(key)

    edges = {*begin, *cease, judgement.known_until // MINUTE * MINUTE}
    edges |= {
        edge for spans in (days.spans, read.counted.spans, read.excluded.spans) for span in spans for edge in span
    }
    edges |= {
        minute
        for span in read.stretches
        for at in span
        for minute in (at // MINUTE * MINUTE, -(-at // MINUTE) * MINUTE)
    }
    reaching: set[tuple[int, int]] = set()
    for start, end in pairwise(sorted(edges)):
        reaching = reaching - cease[start] | begin[start]
        down = tuple(outages[n] for kind, n in sorted(reaching) if kind == 0)
        if down:
            minute = start, start + MINUTE
            excluded = tuple(excluding[n] for kind, n in sorted(reaching) if kind == 1)
            stretches = tuple(touching(read.stretches, minute))
            yield MinuteRun(start, end, why(judgement, read, days, minute, excluded), down, stretches, excluded)
