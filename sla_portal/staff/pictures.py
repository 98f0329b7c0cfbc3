"""Geometry of the timelines and month charts. Templates draw them.

Widths are percentages of the strip, so that a chart fills the screen without scaling its hatching.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, tzinfo
from zoneinfo import ZoneInfo

from sla_portal.availability.rules import Judgement, Shade, picture
from sla_portal.kernel.intervals import MINUTE, Span, instant, intersection, merged, touching
from sla_portal.kernel.months import ServiceDays, ServiceMonth, day_span
from sla_portal.pictures import KINDS, Bar, bars, percent

HOUR = 3600
UP = "up"
STEPS = (60, 120, 300, 600, 900, 1800, HOUR, 2 * HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR, 24 * HOUR, 48 * HOUR, 168 * HOUR)


@dataclass(frozen=True)
class Tick:
    """A label on the time axis."""

    x: str
    label: str


def ticks(span: Span, zone: tzinfo, at_most: int = 4) -> list[Tick]:
    """Choose round times in `zone` as axis labels; dates where the step is a day or more."""
    start, end = span
    step = next((step for step in STEPS if (end - start) / step <= at_most), None)
    step = step or -(-(end - start) // at_most)
    offset = instant(start).astimezone(zone).utcoffset()
    shift = int(offset.total_seconds()) if offset else 0
    first = -(-(start + shift) // step) * step - shift
    form = "%H:%M" if step < 24 * HOUR else "%m-%d"
    return [
        Tick(percent(at - start, end - start), f"{instant(at).astimezone(zone):{form}}")
        for at in range(first, end + 1, step)
        if (end - start) * 0.03 <= at - start <= (end - start) * 0.97
    ]


def range_of(down: Sequence[Span], now: int | None) -> Span:
    """The span of a timeline: all downtime with a margin; an ongoing outage ends at `now`."""
    start = min(span[0] for span in down)
    end = max(span[1] for span in down) if now is None else now
    margin = max((end - start) // 10, MINUTE)
    return start - margin, end if now is not None and end > start else end + margin


@dataclass(frozen=True)
class CellRow:
    """One row of a timeline: a function on a client; None stands for all."""

    function: int | None
    client: int | None
    down: list[Span]


def cell_rows(downs: Iterable[tuple[int, int, int]], functions: int, clients: int) -> list[CellRow]:
    """Group outages (start, end, cells) into the smallest number of distinct rows.

    `cells` is a bit mask; the bit of a cell is `function * clients + client`.
    """
    downs = list(downs)
    spans = [
        [
            merged((a, b) for a, b, cells in downs if cells >> function * clients + client & 1)
            for client in range(clients)
        ]
        for function in range(functions)
    ]
    if all(row == spans[0] for row in spans) and all(cell == spans[0][0] for cell in spans[0]):
        return [CellRow(None, None, spans[0][0])]
    rows = []
    for function, row in enumerate(spans):
        if all(cell == row[0] for cell in row):
            rows.append(CellRow(function, None, row[0]))
        else:
            rows += [CellRow(function, client, cell) for client, cell in enumerate(row)]
    return rows


@dataclass(frozen=True)
class DayRow:
    """A day of a month chart."""

    day: date
    bars: list[Bar]
    counted: int
    excluded: int
    in_service: bool
    today: bool


def month_rows(judgement: Judgement, days: ServiceDays, month: ServiceMonth, zone: ZoneInfo) -> list[DayRow]:
    """Draw a month, one row per day, from midnight to midnight in the SLA time zone."""
    runs = picture(judgement, days, month.span(zone))
    rows = []
    for day in month.days:
        span = day_span(day, zone)
        of_day = [(start, end, KINDS[shade]) for start, end, shade in _touching(runs, span)]
        drawn = bars(of_day, span)
        rows.append(
            DayRow(
                day=day,
                bars=drawn,
                counted=_minutes(drawn, Shade.COUNTED),
                excluded=_minutes(drawn, Shade.EXCLUDED),
                in_service=bool(touching(days.spans, span)),
                today=span[0] <= judgement.known_until < span[1],
            )
        )
    return rows


def _touching(runs: Sequence[tuple[int, int, Shade]], span: Span) -> Iterable[tuple[int, int, Shade]]:
    return (run for run in runs if run[0] < span[1] and run[1] > span[0])


def _minutes(drawn: Iterable[Bar], shade: Shade) -> int:
    return sum(bar.end - bar.start for bar in drawn if bar.kind == KINDS[shade]) // MINUTE


@dataclass(frozen=True)
class Run:
    """A period of a day whose minutes are all of one kind."""

    start: int
    end: int
    kind: str

    @property
    def minutes(self) -> int:
        return (self.end - self.start) // MINUTE


def day_runs(judgement: Judgement, days: ServiceDays, span: Span) -> list[Run]:
    """Divide a day into runs, available time included."""
    runs: list[Run] = []
    at = span[0]
    for start, end, shade in [*picture(judgement, days, span), (span[1], span[1], None)]:
        if at < start:
            runs.append(Run(at, start, UP))
        if shade:
            runs.append(Run(start, end, KINDS[shade]))
        at = end
    return runs


@dataclass(frozen=True)
class HourRow:
    """An hour of a day: of one kind, or minute by minute."""

    start: int
    end: int
    kind: str | None
    minutes: list[tuple[int, str]]
    """The minutes with their start; empty if all are of one kind."""


def hour_rows(runs: Sequence[Run], span: Span) -> list[HourRow]:
    """Draw a day minute by minute, one row per hour."""
    rows = []
    for start in range(span[0], span[1], HOUR):
        end = min(start + HOUR, span[1])
        here = [run for run in runs if run.start < end and run.end > start]
        minutes = [
            (minute, run.kind) for run in here for minute in range(max(run.start, start), min(run.end, end), MINUTE)
        ]
        same = len({kind for _, kind in minutes}) == 1
        rows.append(HourRow(start, end, minutes[0][1] if same else None, [] if same else minutes))
    return rows


@dataclass(frozen=True)
class TimelineRow:
    """A strip of a timeline with its name and a text alternative."""

    name: str
    words: str
    bars: list[Bar]


def timeline_row(
    name: str, spans: Iterable[Span], kind: str, span: Span, words: Callable[[list[Span]], str]
) -> TimelineRow:
    """Draw `spans` as bars of one kind on a strip."""
    shown = intersection(merged(spans), [span])
    return TimelineRow(name, words(shown), bars(((a, b, kind) for a, b in shown), span))
