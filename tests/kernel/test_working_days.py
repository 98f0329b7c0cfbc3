"""Working days: China's make-up weekends, the operator's own days, years without a published calendar."""

from datetime import date, timedelta

import pytest

from sla_portal.kernel.months import ServiceMonth
from sla_portal.kernel.working_days import WorkingDays

CHINA = WorkingDays("CN")


@pytest.mark.parametrize(
    ("month", "fifth"),
    [("2026-01", 8), ("2026-02", 6), ("2026-05", 11), ("2026-10", 13), ("2025-02", 10), ("2025-10", 14)],
)
def test_the_fifth_working_day_in_china(month, fifth):
    assert CHINA.nth(5, ServiceMonth.parse(month)).day == fifth


@pytest.mark.parametrize("year", [2025, 2026])
def test_every_day_is_as_an_independent_calendar_has_it(year):
    chinese_calendar = pytest.importorskip("chinese_calendar", reason="stands in requirements-dev.txt")
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    assert {day for day in days if CHINA.is_working_day(day)} == {
        day for day in days if chinese_calendar.is_workday(day)
    }


def test_a_make_up_saturday_is_a_working_day():
    assert CHINA.is_working_day(date(2026, 10, 10))


def test_the_operators_own_days_override_the_calendar():
    days = WorkingDays("CN", own={date(2026, 1, 5): False, date(2026, 1, 3): True})
    assert not days.is_working_day(date(2026, 1, 5))
    assert days.is_working_day(date(2026, 1, 3))
    assert days.nth(1, ServiceMonth(2026, 1)) == date(2026, 1, 3)


def test_a_first_of_the_month_that_is_a_working_day_is_the_first():
    assert CHINA.nth(1, ServiceMonth(2026, 9)) == date(2026, 9, 1)


@pytest.mark.parametrize(("country", "year", "known"), [("CN", 2026, True), ("CN", 2027, False), ("DE", 2040, True)])
def test_a_year_is_known_once_its_moved_working_days_are_published(country, year, known):
    assert WorkingDays(country).is_known(year) is known
