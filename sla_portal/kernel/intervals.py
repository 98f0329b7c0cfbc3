"""Sets of instants as sorted spans that neither overlap nor meet.

Time is whole seconds since the Unix epoch. A clock minute starts at a multiple of 60: that holds in
every zone whose offset is whole minutes, and the settings refuse any other for the SLA time zone.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

Span = tuple[int, int]
"""Half-open: from the first second up to, not including, the second."""

MINUTE = 60
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def epoch(at: datetime) -> int:
    """Count the seconds from the Unix epoch to an aware `at`; a fraction of a second is cut.

    A naive datetime raises TypeError.
    """
    return (at - EPOCH) // SECOND


def instant(seconds: int) -> datetime:
    """Return the UTC datetime of so many `seconds` since the Unix epoch."""
    return EPOCH + seconds * SECOND


def merged(spans: Iterable[Span]) -> list[Span]:
    """Sort `spans` given in any order and join those that overlap or meet; empty spans are dropped."""
    in_order = sorted(spans)
    if not in_order:
        return []
    joined = []
    start, end = in_order[0]
    for next_start, next_end in in_order:
        if next_start > end:
            if start < end:
                joined.append((start, end))
            start, end = next_start, next_end
        elif next_end > end:
            end = next_end
    if start < end:
        joined.append((start, end))
    return joined


def intersection(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the instants that lie in both."""
    both: list[Span] = []
    i = j = 0
    while i < len(some) and j < len(others):
        (start, end), (other_start, other_end) = some[i], others[j]
        if start < other_end and other_start < end:
            both.append((max(start, other_start), min(end, other_end)))
        if end <= other_end:
            i += 1
        else:
            j += 1
    return both


def difference(some: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """Return the instants that lie in `some` and not in `others`."""
    left: list[Span] = []
    j = 0
    for start, end in some:
        while j < len(others) and others[j][1] <= start:
            j += 1
        rest = start
        k = j
        while k < len(others) and others[k][0] < end:
            if rest < others[k][0]:
                left.append((rest, others[k][0]))
            rest = others[k][1]
            k += 1
        if rest < end:
            left.append((rest, end))
    return left


def touching(spans: Sequence[Span], span: Span) -> Sequence[Span]:
    """Return those of `spans` that share an instant with `span`, whole."""
    start, end = span
    if start >= end:
        return []
    first = bisect_right(spans, (start, start))
    if first and spans[first - 1][1] > start:
        first -= 1
    return spans[first : bisect_left(spans, (end, end), first)]


def clipped(spans: Sequence[Span], span: Span) -> list[Span]:
    """Return the parts of `spans` that lie in one `span`."""
    parts = list(touching(spans, span))
    if parts:
        parts[0] = max(parts[0][0], span[0]), parts[0][1]
        parts[-1] = parts[-1][0], min(parts[-1][1], span[1])
    return parts


def seconds(spans: Iterable[Span]) -> int:
    """Add up the lengths of `spans`."""
    return sum(end - start for start, end in spans)


def minutes_wholly_in(spans: Iterable[Span]) -> list[Span]:
    """Return the clock minutes of which every second lies in `spans`."""
    whole = ((-(-start // MINUTE) * MINUTE, end // MINUTE * MINUTE) for start, end in spans)
    return [(start, end) for start, end in whole if start < end]


def minutes_touching(spans: Iterable[Span]) -> list[Span]:
    """Return the clock minutes of which some second lies in `spans`."""
    return merged((start // MINUTE * MINUTE, -(-end // MINUTE) * MINUTE) for start, end in spans)


class Minutes:
    """A set of clock minutes, indexed to count those between two instants in O(log n)."""

    def __init__(self, spans: Sequence[Span]) -> None:
        """Take sorted disjoint `spans` whose edges are minute edges."""
        self.spans = spans
        self._starts = [start for start, _ in spans]
        self._before = list(accumulate(((end - start) // MINUTE for start, end in spans), initial=0))

    def __contains__(self, minute: int) -> bool:
        """Say whether the clock minute that starts at `minute` is in the set."""
        return self._up_to(minute + MINUTE) > self._up_to(minute)

    def within(self, spans: Iterable[Span]) -> int:
        """Count the minutes in disjoint `spans` whose edges are minute edges."""
        return sum(self._up_to(end) - self._up_to(start) for start, end in spans)

    def _up_to(self, edge: int) -> int:
        i = bisect_right(self._starts, edge) - 1
        if i < 0:
            return 0
        start, end = self.spans[i]
        return self._before[i] + (min(edge, end) - start) // MINUTE
