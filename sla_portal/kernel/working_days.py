"""Working days by a country's official calendar and the operator's own days."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sla_portal.kernel.months import ServiceMonth

if TYPE_CHECKING:
    from holidays import HolidayBase


@cache
def _official(country: str) -> HolidayBase:
    # 26 MB, for the processes that ask for working days.
    from holidays import country_holidays

    return country_holidays(country)


class WorkingDays:
    """The public calendar of `country` (ISO code): holidays, weekends and make-up working weekends.

    `own` are the operator's own days, True for a working day: they override the calendar. `known_years` are those
    that the operator has checked. An unknown country raises NotImplementedError, as the settings have refused it before.
    """

    def __init__(self, country: str, own: Mapping[date, bool] | None = None, known_years: Collection[int] = ()) -> None:
        self._official = _official(country)
        self._own = own or {}
        self._known_years = known_years

    def is_working_day(self, day: date) -> bool:
        """Say whether `day` is a working day."""
        return self._own.get(day, self._official.is_working_day(day))

    def nth(self, n: int, month: ServiceMonth) -> date:
        """Return the `n`-th working day from the first of `month` on."""
        return self.after(month.first_day - timedelta(days=1), n)

    def after(self, day: date, n: int) -> date:
        """Return the `n`-th working day after `day`; `day` itself where `n` is 0."""
        while n:
            day += timedelta(days=1)
            n -= self.is_working_day(day)
        return day

    def between(self, first: date, last: date) -> int:
        """Count the working days after `first` up to `last`."""
        return sum(self.is_working_day(first + timedelta(days=n)) for n in range(1, (last - first).days + 1))

    def is_known(self, year: int) -> bool:
        """Say whether the official calendar of `year` has been published, as far as the library knows, or was checked.

        Where a country moves working days to weekends, that is decided for each year anew, and the library
        lists those moves by year; for a year after the last one listed it only estimates.
        """
        if year in self._known_years or not self._official.has_substituted_holidays:
            return True
        return year <= max(self._official.special_public_holidays)
