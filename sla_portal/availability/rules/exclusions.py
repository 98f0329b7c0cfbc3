"""What happened in a region, and what section 4 takes off it."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from maintenance.rules import NoticeGiven, covered
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
    """One outage in the region judged: an incident kept `cells` down; one that is `ongoing` ends now."""

    incident: str
    start: int
    end: int
    cells: int = EVERYTHING
    ongoing: bool = False


@dataclass(frozen=True)
class ExcludedTime:
    """A stretch that a confirmed exclusion covers: off one incident's outages or, without one, off a customer's month.

    Of 4.1 it is what the notices cover (`covered_by_notice`), of the cells that were announced.
    """

    incident: str | None
    clause: str
    start: int
    end: int
    cells: int = EVERYTHING
    key: object = None


def covered_by_notice(notices: Collection[NoticeGiven], periods: Iterable[TermsPeriod]) -> list[Span]:
    """Find the time that one window's notices cover (4.1), each instant under the terms in force at it."""
    return merged(
        period.cut(span) for period in periods for span in covered(notices, period.terms.maintenance_notice_hours)
    )


Part = tuple[int, int, int]
"""Cells that were down, from, until."""


def but_for(downs: Iterable[ScopedOutage], taken_off: Iterable[ExcludedTime]) -> tuple[list[Part], list[ExcludedTime]]:
    """Take each incident's excluded time off its own outages (4): what is left, and what was taken."""
    exclusions = defaultdict(list)
    for off in taken_off:
        exclusions[off.incident].append(off)
    left: list[Part] = []
    taken: list[ExcludedTime] = []
    for down in downs:
        parts = [(down.cells, down.start, down.end)]
        for off in exclusions.get(down.incident, ()):
            start, end = max(down.start, off.start), min(down.end, off.end)
            if start < end and down.cells & off.cells:
                taken.append(replace(off, start=start, end=end))
                parts = [piece for part in parts for piece in _without(part, off)]
        left += parts
    return left, taken


def _without(part: Part, off: ExcludedTime) -> Iterable[Part]:
    down, start, end = part
    pieces = (
        (down, start, min(end, off.start)),
        (down & ~off.cells, max(start, off.start), min(end, off.end)),
        (down, max(start, off.end), end),
    )
    return (piece for piece in pieces if piece[0] and piece[1] < piece[2])
