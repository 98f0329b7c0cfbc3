"""The charts of a report as vector paths, one for each colour.

Lengths are millimetres, the origin is the top left corner. Texts are left-aligned: for other alignments WeasyPrint adds
a group, one more PDF object for each text.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from math import ceil
from zoneinfo import ZoneInfo

from sla_portal.kernel.intervals import MINUTE, Span, difference, epoch, intersection, merged
from sla_portal.kernel.months import ServiceMonth, day_span
from sla_portal.reports.rules import MonthMap, PastMonth, Stretch

LEFT, WIDTH, TOP, ROW, BAR, LEGEND = 16.0, 132.0, 3.6, 2.65, 2.05, 3.2
NARROWEST = 0.5
"""A minute is 0.09 mm wide; shorter bars are drawn this wide, to be visible in print."""
SWATCH, SWATCH_EVERY = 5.0, 28.0
HATCH = 0.9


@dataclass(frozen=True)
class Rect:
    """A rectangle of the height `BAR`."""

    x: float
    y: float
    width: float

    @property
    def box(self) -> str:
        """The outline."""
        return f"M{self.x:.2f} {self.y:.2f}h{self.width:.2f}v{BAR}h{-self.width:.2f}z"

    @property
    def hatching(self) -> str:
        """Slanted lines across the rectangle."""
        drawn = []
        for step in range(ceil((self.x - BAR) / HATCH), ceil((self.x + self.width) / HATCH)):
            foot = step * HATCH
            left, right = max(foot, self.x), min(foot + BAR, self.x + self.width)
            bottom = self.y + BAR
            drawn.append(f"M{left:.2f} {bottom - (left - foot):.2f}L{right:.2f} {bottom - (right - foot):.2f}")
        return "".join(drawn)

    @property
    def middle(self) -> str:
        """A horizontal line through the middle."""
        return f"M{self.x:.2f} {self.y + BAR / 2:.2f}h{self.width:.2f}"

    @property
    def word_x(self) -> float:
        """The start of a text beside the rectangle."""
        return round(self.x + self.width + 1, 2)


@dataclass(frozen=True)
class DayRow:
    """A day of the chart: the baseline of its texts, and its unavailable and excluded minutes."""

    day: date
    baseline: float
    counted: int
    excluded: int


@dataclass(frozen=True)
class MonthPicture:
    """Days down, hours across, in the SLA time zone; the path of each kind of minutes."""

    height: float
    days: list[DayRow]
    hours: list[tuple[int, float]]
    grid: str
    up: str
    counted: str
    excluded: str
    hatching: str
    unknown: str
    swatches: list[Rect]
    swatch_baseline: float


@dataclass(frozen=True)
class Piece:
    """A stretch within one day: its row, its seconds since midnight, and the length of the day in seconds."""

    row: int
    start: int
    end: int
    day: int

    @property
    def rect(self) -> Rect:
        width = WIDTH * (self.end - self.start) / self.day
        return Rect(LEFT + WIDTH * self.start / self.day, self.row * ROW, width)

    @property
    def mark(self) -> Rect:
        """The rectangle, at least `NARROWEST` wide."""
        rect = self.rect
        width = max(rect.width, NARROWEST)
        return Rect(min(rect.x, LEFT + WIDTH - width), rect.y, width)


def month_picture(month: str, zone_name: str, runs: MonthMap) -> MonthPicture:
    """Draw the month, one row a day; days of 23 or 25 hours are as wide as others."""
    zone = ZoneInfo(zone_name)
    dates = ServiceMonth.parse(month).days
    days = [day_span(day, zone) for day in dates]
    unknown, not_in_service = _spans(runs["unknown"]), _spans(runs["not_in_service"])
    up = difference([(days[0][0], days[-1][1])], merged([*unknown, *not_in_service]))
    counted, excluded = _pieces(_spans(runs["counted"]), days), _pieces(_spans(runs["excluded"]), days)
    counted_minutes, excluded_minutes = _minutes_by_row(counted), _minutes_by_row(excluded)
    bottom = len(days) * ROW
    hours = [(hour, round(LEFT + WIDTH * hour / 24, 2)) for hour in range(0, 24, 3)]
    return MonthPicture(
        height=round(TOP + bottom + LEGEND, 2),
        days=[
            DayRow(day, round(row * ROW + BAR - 0.2, 2), counted_minutes[row], excluded_minutes[row])
            for row, day in enumerate(dates)
        ],
        hours=hours,
        grid="".join(f"M{x} 0V{bottom:g}" for _hour, x in [*hours, (24, LEFT + WIDTH)]),
        up="".join(piece.rect.box for piece in _pieces(up, days)),
        counted="".join(piece.mark.box for piece in counted),
        excluded="".join(piece.mark.box for piece in excluded),
        hatching="".join(piece.mark.hatching for piece in excluded),
        unknown="".join(piece.rect.middle for piece in _pieces(unknown, days)),
        swatches=[Rect(LEFT + SWATCH_EVERY * column, bottom + 0.8, SWATCH) for column in range(5)],
        swatch_baseline=round(bottom + 0.8 + BAR - 0.2, 2),
    )


def _spans(stretches: Iterable[Stretch]) -> list[Span]:
    return [(epoch(datetime.fromisoformat(start)), epoch(datetime.fromisoformat(end))) for start, end in stretches]


def _pieces(spans: Sequence[Span], days: Sequence[Span]) -> list[Piece]:
    midnights = [midnight for midnight, _ in days]
    pieces = []
    for start, end in intersection(spans, days):
        row = bisect_right(midnights, start) - 1
        midnight, next_midnight = days[row]
        pieces.append(Piece(row, start - midnight, end - midnight, next_midnight - midnight))
    return pieces


def _minutes_by_row(pieces: Iterable[Piece]) -> Counter[int]:
    minutes: Counter[int] = Counter()
    for piece in pieces:
        minutes[piece.row] += (piece.end - piece.start) // MINUTE
    return minutes


BUDGET_WIDTH = 166.7
COLUMN, BAR_WIDTH, BASE, TALLEST = 14.0, 9.0, 20.0, 15.0


@dataclass(frozen=True)
class MonthBar:
    """The bar of a month, as tall as its unavailable minutes."""

    past: PastMonth
    left: float
    top: float
    label: float


@dataclass(frozen=True)
class MonthBars:
    """The last twelve months; `allowed` is the height of the line of the downtime allowance."""

    bars: list[MonthBar]
    allowed: float
    met: str
    breached: str


def month_bars(months: Sequence[PastMonth], budget_minutes: int) -> MonthBars:
    """Draw the unavailable minutes of `months`, and the downtime allowance of the report's month."""
    most = max([budget_minutes * 2, 1, *(past["unavailable_minutes"] or 0 for past in months)])
    bars = [
        MonthBar(
            past=past,
            left=column * COLUMN,
            top=_top(past["unavailable_minutes"] or 0, most),
            # Above the dashed line, which would cross it.
            label=round(_top(max(past["unavailable_minutes"] or 0, budget_minutes), most) - 0.8, 2),
        )
        for column, past in enumerate(months)
    ]
    return MonthBars(
        bars=bars,
        allowed=_top(budget_minutes, most),
        met="".join(_bar(bar) for bar in bars if bar.past["met"] and bar.past["unavailable_minutes"]),
        breached="".join(_bar(bar) for bar in bars if bar.past["met"] is False),
    )


def _top(minutes: int, most: int) -> float:
    return round(BASE - TALLEST * minutes / most, 2)


def _bar(bar: MonthBar) -> str:
    return f"M{bar.left:.2f} {BASE}V{bar.top}h{BAR_WIDTH}V{BASE}z"


def budget_bar(used: int, budget: int) -> tuple[float, float]:
    """Return the ends of the used part and of the allowance in a bar as long as the larger of both."""
    whole = max(used, budget, 1)
    return round(BUDGET_WIDTH * used / whole, 2), round(BUDGET_WIDTH * budget / whole, 2)
