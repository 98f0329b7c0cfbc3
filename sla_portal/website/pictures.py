"""Geometry of the public pictures, drawn by templates and coloured by the stylesheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt

from django.conf import settings

from sla_portal.kernel.intervals import MINUTE
from sla_portal.kernel.months import day_span
from sla_portal.pictures import Bar, bars

from .rules import ClosedMonth, MonthMap

BAR_WIDTH, BAR_HEIGHT, BAR_STEP = 8, 28, 11
DAY_WIDTH, DAY_HEIGHT, DAY_STEP = 9, 22, 10
TALLEST_MINUTES = 240
"""A bar of this many minutes or more is full; the square root keeps five minutes visible."""


@dataclass(frozen=True)
class Shape:
    """One path for all that is of one kind."""

    kind: str
    path: str


def _paths(boxes: Sequence[tuple[str, int, int, int, int]]) -> list[Shape]:
    """Join boxes (kind, x, y, width, height) of one kind into one path each."""
    paths: dict[str, str] = {}
    for kind, x, y, width, height in boxes:
        paths[kind] = f"{paths.get(kind, '')}M{x} {y}h{width}v{height}h-{width}z"
    return [Shape(kind, path) for kind, path in paths.items()]


def year_bars(months: Sequence[ClosedMonth | None]) -> list[Shape]:
    """A bar a month, oldest first: how much of it was counted, from the ground up; a missed one is underlined."""
    boxes = []
    for number, month in enumerate(reversed(months)):
        x = number * BAR_STEP
        if month is None or month.met is None:
            boxes.append(("outside", x, 0, BAR_WIDTH, BAR_HEIGHT))
            continue
        tall = counted_height(month.unavailable_minutes, BAR_HEIGHT)
        if tall < BAR_HEIGHT:
            boxes.append(("up", x, 0, BAR_WIDTH, BAR_HEIGHT - tall))
        if tall:
            boxes.append(("counted", x, BAR_HEIGHT - tall, BAR_WIDTH, tall))
        if not month.met:
            boxes.append(("missed", x, BAR_HEIGHT + 2, BAR_WIDTH, 2))
    return _paths(boxes)


def counted_height(minutes: int, height: int) -> int:
    """The height of a number of minutes; at least three, so that one minute is visible."""
    return max(3, min(height, round(height * sqrt(minutes / TALLEST_MINUTES)))) if minutes else 0


@dataclass(frozen=True)
class Day:
    """A day of a month: minutes counted and excluded, and its runs on a strip from midnight to midnight."""

    day: date
    counted: int
    excluded: int
    strip: list[Bar]


def days(month: MonthMap) -> list[Day]:
    """The days of a month in the SLA time zone."""
    found = []
    for day in month.month.days:
        span = day_span(day, settings.SLA_ZONE)
        strip = bars((run for run in month.runs if run[0] < span[1] and run[1] > span[0]), span)
        found.append(Day(day, _minutes(strip, "counted"), _minutes(strip, "excluded"), strip))
    return found


def _minutes(strip: Sequence[Bar], kind: str) -> int:
    return sum(bar.end - bar.start for bar in strip if bar.kind == kind) // MINUTE


def day_map(days: Sequence[Day]) -> list[Shape]:
    """A box a day: up, or excluded, and counted from the ground up."""
    boxes = []
    for number, day in enumerate(days):
        x = number * DAY_STEP
        ground = "excluded" if day.excluded else "outside" if _is_outside(day) else "up"
        tall = counted_height(day.counted, DAY_HEIGHT)
        if tall < DAY_HEIGHT:
            boxes.append((ground, x, 0, DAY_WIDTH, DAY_HEIGHT - tall))
        if tall:
            boxes.append(("counted", x, DAY_HEIGHT - tall, DAY_WIDTH, tall))
    return _paths(boxes)


def _is_outside(day: Day) -> bool:
    return any(bar.kind == "outside" for bar in day.strip)
