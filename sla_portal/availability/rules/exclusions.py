"""The outages of a region, and the time that section 4 excludes from them."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from maintenance.rules import Conduct, NoticeGiven, covered
from sla_portal.agreements.rules import TermsPeriod
from sla_portal.kernel.intervals import Span, merged

NON_PAYMENT = "4.7"
EVERYTHING = -1
"""The cells of an outage or exclusion that concerns every core function on every client."""


def cells(down_functions: Collection[int], down_clients: Collection[int], *, functions: int, clients: int) -> int:
    """Return the bitmask of pairs (core function, client), bit `function * clients + client`.

    The positions count from 0; none named means all of the `functions` or `clients` that there are.
    """
    return sum(
        1 << function * clients + client
        for function in set(down_functions) or range(functions)
        for client in set(down_clients) or range(clients)
    )


@dataclass(frozen=True)
class ScopedOutage:
    """One outage in the region judged: an incident made `cells` unavailable. An `ongoing` outage ends at the present moment."""

    incident: str
    start: int
    end: int
    cells: int = EVERYTHING
    ongoing: bool = False
    key: object = None


@dataclass(frozen=True)
class ExcludedTime:
    """Time that a confirmed exclusion covers: of one incident or, where `incident` is None, of one customer's month.

    Under 4.1 it is what the notices cover (`covered_by_notice`), for the cells that were announced.
    """

    incident: str | None
    clause: str
    start: int
    end: int
    cells: int = EVERYTHING
    key: object = None


def covered_by_notice(notices: Collection[NoticeGiven], conduct: Conduct, periods: Iterable[TermsPeriod]) -> list[Span]:
    """Find the time that one window's notices cover (4.1), each instant under the terms in force at it.

    `conduct` is what the record says of the work: only maintenance that was conducted is excluded.
    """
    return merged(
        period.cut(span)
        for period in periods
        for span in covered(notices, period.terms.maintenance_notice_hours, conduct)
    )


Part = tuple[int, int, int]
"""Unavailable cells, start, end."""
Down = dict[int, list[Span]]
"""When which cells were unavailable, by one outage or more."""


def but_for(
    outages: Iterable[ScopedOutage], excluded_times: Iterable[ExcludedTime]
) -> tuple[Down, Down, list[ExcludedTime]]:
    """Return what the outages made unavailable; the same without each incident's own excluded time (4); and that time."""
    exclusions = defaultdict(list)
    for excluded in excluded_times:
        exclusions[excluded.incident].append(excluded)
    untouched: Down = defaultdict(list)
    touched: Down = defaultdict(list)
    remaining: Down = defaultdict(list)
    applied: list[ExcludedTime] = []
    for outage in outages:
        whole = outage.start, outage.end
        if outage.incident not in exclusions:
            untouched[outage.cells].append(whole)
            continue
        touched[outage.cells].append(whole)
        parts = [(outage.cells, *whole)]
        for excluded in exclusions[outage.incident]:
            start, end = max(outage.start, excluded.start), min(outage.end, excluded.end)
            if start < end and outage.cells & excluded.cells:
                cut = (start, end) != (excluded.start, excluded.end)
                applied.append(replace(excluded, start=start, end=end) if cut else excluded)
                parts = [piece for part in parts for piece in _without(part, excluded)]
        for down, start, end in parts:
            remaining[down].append((start, end))
    # Most outages have no exclusion: they are joined once for both.
    joined = {down: merged(spans) for down, spans in untouched.items()}
    return _with(joined, touched), _with(joined, remaining), applied


def _with(joined: Down, more: Down) -> Down:
    return joined | {down: merged([*joined.get(down, ()), *spans]) for down, spans in more.items()}


def _without(part: Part, excluded: ExcludedTime) -> list[Part]:
    down, start, end = part
    if start >= excluded.end or excluded.start >= end:
        return [part]
    pieces = []
    if start < excluded.start:
        pieces.append((down, start, excluded.start))
        start = excluded.start
    if left := down & ~excluded.cells:
        pieces.append((left, start, min(end, excluded.end)))
    if excluded.end < end:
        pieces.append((down, excluded.end, end))
    return pieces
