"""3.3.1: when claims for a month open and close."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

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
