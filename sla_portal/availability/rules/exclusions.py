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


def but_for(
    outages: Iterable[ScopedOutage], excluded_times: Iterable[ExcludedTime]
) -> tuple[list[Part], list[ExcludedTime]]:
    """Subtract each incident's excluded time from its own outages (4); return the remaining parts and the excluded ones."""
    exclusions = defaultdict(list)
    for excluded in excluded_times:
        exclusions[excluded.incident].append(excluded)
    remaining: list[Part] = []
    applied: list[ExcludedTime] = []
    for outage in outages:
        parts = [(outage.cells, outage.start, outage.end)]
        for excluded in exclusions.get(outage.incident, ()):
            start, end = max(outage.start, excluded.start), min(outage.end, excluded.end)
            if start < end and outage.cells & excluded.cells:
                applied.append(replace(excluded, start=start, end=end))
                parts = [piece for part in parts for piece in _without(part, excluded)]
        remaining += parts
    return remaining, applied


def _without(part: Part, excluded: ExcludedTime) -> Iterable[Part]:
    down, start, end = part
    pieces = (
        (down, start, min(end, excluded.start)),
        (down & ~excluded.cells, max(start, excluded.start), min(end, excluded.end)),
        (down, max(start, excluded.end), end),
    )
    return (piece for piece in pieces if piece[0] and piece[1] < piece[2])
