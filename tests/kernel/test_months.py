"""Service months and days in the SLA time zone."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_portal.kernel.intervals import instant
from sla_portal.kernel.months import ServiceDays, ServiceMonth, day_span, days_span, local_date

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "America/Havana"]


def test_a_month_is_parsed_and_formatted():
    assert str(ServiceMonth.parse("2026-09")) == "2026-09"


@pytest.mark.parametrize(
    "text", ["", "2026", "2026-9", "2026-13", "2026-00", "0000-01", "9999-12", "2026-09-01", "٢٠٢٦-٠٩"]
)
def test_an_invalid_month_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"\.$"):
        ServiceMonth.parse(text)


def test_months_add_up_over_the_turn_of_the_year():
    december = ServiceMonth(2026, 12)
    assert december.next == ServiceMonth(2027, 1)
    assert december + 3 == ServiceMonth(2027, 3)
    assert ServiceMonth(2027, 1).previous == december
    assert december < december.next


def test_the_days_of_a_month():
    february = ServiceMonth.of(date(2028, 2, 17))
    assert (february.first_day, february.last_day) == (date(2028, 2, 1), date(2028, 2, 29))
    assert len(february.days) == 29
    assert february.total_minutes == 29 * 1440


def test_the_last_month_that_can_be_named_has_an_end():
    start, end = ServiceMonth(9998, 12).span(BERLIN)
    assert end - start == 31 * 86_400


def test_a_month_with_a_change_of_clocks_is_an_hour_longer_and_has_no_more_minutes():
    october = ServiceMonth(2026, 10)
    start, end = october.span(BERLIN)
    assert end - start == 31 * 86_400 + 3600
    assert october.total_minutes == 44_640
    assert ServiceDays.of(october.days, BERLIN).total_minutes == 44_640


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Berlin", date(2026, 3, 29), 23),
        ("Europe/Berlin", date(2026, 10, 25), 25),
        ("Australia/Lord_Howe", date(2026, 4, 5), 24.5),
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("America/Havana", date(2025, 11, 2), 25),
        ("Asia/Shanghai", date(2026, 9, 10), 24),
    ],
)
def test_the_length_of_a_day_follows_clock_changes(zone, day, hours):
    start, end = day_span(day, ZoneInfo(zone))
    assert (end - start) / 3600 == hours


@given(st.sampled_from(ZONES), st.dates(date(2020, 1, 1), date(2030, 12, 31)))
def test_a_day_holds_exactly_the_seconds_of_its_date(zone, day):
    start, end = day_span(day, ZoneInfo(zone))
    assert local_date(start, ZoneInfo(zone)) == local_date(end - 1, ZoneInfo(zone)) == day
    assert local_date(start - 1, ZoneInfo(zone)) < day < local_date(end, ZoneInfo(zone))


def test_service_days_in_a_row_are_one_span_and_a_day_named_twice_is_one():
    days = ServiceDays.of([date(2026, 9, 2), date(2026, 9, 1), date(2026, 9, 2), date(2026, 9, 9)], BERLIN)
    assert days.count == 3
    assert days.spans == (days_span(date(2026, 9, 1), date(2026, 9, 2), BERLIN), day_span(date(2026, 9, 9), BERLIN))


def test_midnight_is_that_of_the_zone():
    start, _ = day_span(date(2026, 9, 10), ZoneInfo("Asia/Shanghai"))
    assert instant(start) == datetime.fromisoformat("2026-09-09T16:00Z")
