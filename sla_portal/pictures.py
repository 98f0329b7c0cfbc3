"""Bars on a strip, as the desk and the website draw them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sla_portal.availability.rules import Shade
from sla_portal.kernel.intervals import Span

KINDS = {
    Shade.COUNTED: "counted",
    Shade.EXCLUDED: "excluded",
    Shade.NOT_IN_SERVICE: "outside",
    Shade.UNKNOWN: "unknown",
}
"""What each shade is drawn as; the names are the stylesheet's."""


@dataclass(frozen=True)
class Bar:
    """A stretch on a strip: where it begins and how wide it is, in percent; what it is drawn as."""

    x: str
    width: str
    kind: str
    start: int
    end: int


def percent(part: int, whole: int) -> str:
    """Write a share in percent of the strip's width, to a thousandth."""
    return f"{100 * part / whole:.3f}%"


def bars(runs: Iterable[tuple[int, int, str]], span: Span) -> list[Bar]:
    """Place `runs` (from, until, kind) on a strip that shows `span`; what lies outside is cut off."""
    start, end = span
    cut = ((max(a, start), min(b, end), kind) for a, b, kind in runs)
    return [
        Bar(percent(a - start, end - start), percent(b - a, end - start), kind, a, b) for a, b, kind in cut if a < b
    ]
