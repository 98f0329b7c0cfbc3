"""Service months and days in the SLA time zone. No other module computes a local midnight."""

import re
from calendar import monthrange
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from sla_portal.kernel.intervals import Span, epoch, instant, merged

MINUTES_A_DAY = 24 * 60


def _midnight(day: date, zone: ZoneInfo) -> int:
    # Where the clocks skip midnight itself, Python reads the missing 00:00 with the offset from before
    # the jump, which is the instant of the jump: the first of the day. Of two midnights it takes the first.
    return epoch(datetime.combine(day, time(), tzinfo=zone))


def day_span(day: date, zone: ZoneInfo) -> Span:
    """Return the seconds of `day` on the clock of `zone`: 23 to 25 hours where the clocks change."""
    return days_span(day, day, zone)


def days_span(first: date, last: date, zone: ZoneInfo) -> Span:
    """Return the seconds from the start of `first` to the end of `last`, both included."""
    return _midnight(first, zone), _midnight(last + timedelta(days=1), zone)


def local_date(seconds: int, zone: ZoneInfo) -> date:
    """Return the date on the clock of `zone` at so many `seconds` since the epoch."""
    return instant(seconds).astimezone(zone).date()


@dataclass(frozen=True, order=True)
class ServiceMonth:
    """A calendar month in the SLA time zone."""

    year: int
    month: int

    def __post_init__(self) -> None:
        # Year 9999 has no following month to end its December.
        if not (1 <= self.month <= 12 and 1900 <= self.year <= 9998):
            raise ValueError(f"There is no service month {self.year}-{self.month:02}.")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2026-09`; anything else raises ValueError with a sentence."""
        found = re.fullmatch(r"([0-9]{4})-([0-9]{2})", text)
        if not found:
            raise ValueError(f"“{text}” is not a month. Write the year and the month, for example 2026-09.")
        return cls(int(found[1]), int(found[2]))

    @classmethod
    def of(cls, day: date) -> Self:
        """Return the month in which `day` lies."""
        return cls(day.year, day.month)

    @classmethod
    def touched(cls, start: datetime, end: datetime, zone: ZoneInfo) -> list[Self]:
        """Return the months of `[start, end)` on the clock of `zone`, in order; an empty interval touches none."""
        if end <= start:
            return []
        month, last = (cls.of(local_date(second, zone)) for second in (epoch(start), epoch(end) - 1))
        months = [month]
        while month < last:
            month = month.next
            months.append(month)
        return months

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    def __add__(self, months: int) -> Self:
        year, month = divmod(self.year * 12 + self.month - 1 + months, 12)
        return type(self)(year, month + 1)

    @property
    def next(self) -> Self:
        return self + 1

    @property
    def previous(self) -> Self:
        return self + -1

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    @property
    def last_day(self) -> date:
        return date(self.year, self.month, monthrange(self.year, self.month)[1])

    @property
    def days(self) -> list[date]:
        return [self.first_day + timedelta(days=n) for n in range(self.last_day.day)]

    def days_between(self, first: date | None, last: date | None) -> list[date]:
        """Return the days of the month from `first` to `last`, both included; None leaves that side open."""
        return [day for day in self.days if (first or day) <= day <= (last or day)]

    @property
    def total_minutes(self) -> int:
        """T of a whole month (1.7): days × 24 × 60, whatever daylight saving does."""
        return self.last_day.day * MINUTES_A_DAY

    def span(self, zone: ZoneInfo) -> Span:
        """Return the seconds of the month on the clock of `zone`."""
        return days_span(self.first_day, self.last_day, zone)


@dataclass(frozen=True)
class ServiceDays:
    """The days on which a service is measured: how many, and the seconds they span in the SLA time zone."""

    count: int
    spans: tuple[Span, ...]

    @classmethod
    def of(cls, days: Iterable[date], zone: ZoneInfo) -> Self:
        """Take `days` in any order; one named twice is one day."""
        distinct = set(days)
        return cls(len(distinct), tuple(merged(day_span(day, zone) for day in distinct)))

    @property
    def total_minutes(self) -> int:
        """T (1.7): service days × 24 × 60, whatever daylight saving does."""
        return self.count * MINUTES_A_DAY
