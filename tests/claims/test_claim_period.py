"""3.3.1: when claims for a month open and close."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claims.rules import claim_window
from sla_portal.agreements.rules import Terms
from sla_portal.kernel.months import ServiceMonth
from sla_portal.kernel.working_days import WorkingDays

SHANGHAI = ZoneInfo("Asia/Shanghai")
TERMS = Terms("1.0", date(2024, 1, 1))


def window(month, terms=TERMS, zone=SHANGHAI, country="CN", own=None):
    return claim_window(ServiceMonth.parse(month), terms, WorkingDays(country, own), zone)


@pytest.mark.parametrize(
    ("month", "opens", "closes"),
    [
        ("2025-12", "2026-01-09 00:00", "2026-03-01 00:00"),
        ("2026-01", "2026-02-07 00:00", "2026-04-01 00:00"),
        ("2026-04", "2026-05-12 00:00", "2026-07-01 00:00"),
        ("2026-06", "2026-07-08 00:00", "2026-09-01 00:00"),
        ("2026-09", "2026-10-14 00:00", "2026-12-01 00:00"),
        ("2023-12", "2024-01-09 00:00", "2024-03-01 00:00"),
    ],
)
def test_claims_open_after_the_fifth_working_day_and_close_two_months_after_the_months_end(month, opens, closes):
    found = window(month)
    assert f"{found.opens_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" == opens
    assert f"{found.closes_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" == closes


def test_the_window_names_the_working_day_after_which_it_opens():
    assert window("2026-09").last_day_to_wait == date(2026, 10, 13)


def test_midnight_is_in_the_sla_time_zone():
    assert f"{window('2026-09', zone=ZoneInfo('Europe/Berlin')).closes_at:%Y-%m-%d %H:%M %Z}" == "2026-11-30 23:00 UTC"


def test_the_opening_is_provisional_while_the_years_calendar_is_not_known():
    assert not window("2026-11").provisional
    assert window("2026-12").provisional
    assert not window("2026-12", country="DE").provisional


def test_the_terms_set_the_claim_period():
    terms = Terms("2.0", date(2024, 1, 1), claim_opens_after_working_day=1, claim_closes_after_months=3)
    found = window("2026-06", terms)
    assert f"{found.opens_at:%Y-%m-%d %H:%M}" == "2026-07-01 16:00"
    assert f"{found.closes_at:%Y-%m-%d %H:%M}" == "2026-09-30 16:00"


def test_the_operators_own_closed_day_moves_the_opening():
    assert window("2026-06", own={date(2026, 7, 1): False}).last_day_to_wait == date(2026, 7, 8)


MONTHS = [ServiceMonth(year, month) for year in range(2015, 2036) for month in range(1, 13)]


@pytest.mark.parametrize("country", ["CN", "DE", "US", "TW"])
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin", "America/New_York"])
def test_a_window_opens_after_the_fifth_working_day_and_before_it_closes(country, zone):
    terms, days, clock = Terms("1.0", date(2000, 1, 1)), WorkingDays(country), ZoneInfo(zone)
    for month in MONTHS:
        window = claim_window(month, terms, days, clock)
        opens, closes = window.opens_at.astimezone(clock), window.closes_at.astimezone(clock)
        assert window.opens_at < window.closes_at
        assert (opens.hour, opens.minute, closes.hour, closes.day) == (0, 0, 0, 1)
        first = month.next.first_day
        passed = [first + timedelta(days=n) for n in range((opens.date() - first).days)]
        assert sum(map(days.is_working_day, passed)) == 5
        assert days.is_working_day(passed[-1])
        assert ServiceMonth.of(closes.date()) == month + 3


@given(
    st.sampled_from(MONTHS),
    st.dictionaries(st.dates(date(2015, 1, 1), date(2036, 6, 30)), st.booleans(), max_size=40),
    st.integers(1, 15),
    st.integers(1, 12),
)
def test_no_calendar_of_the_operators_opens_a_window_in_its_own_month(month, own, opens_after, closes_after):
    terms = Terms(
        "1.0", date(2000, 1, 1), claim_opens_after_working_day=opens_after, claim_closes_after_months=closes_after
    )
    window = claim_window(month, terms, WorkingDays("CN", own), ZoneInfo("Asia/Shanghai"))
    assert window.last_day_to_wait >= month.next.first_day
    assert ServiceMonth.of(window.closes_at.astimezone(ZoneInfo("Asia/Shanghai")).date()) == month.next + closes_after
