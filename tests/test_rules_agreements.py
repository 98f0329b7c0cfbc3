"""Terms in force, service days, and when an amendment can take effect."""

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from sla_portal.agreements.rules import Terms, TermsPeriod, earliest_effective_on, service_days, terms_at
from sla_portal.kernel.months import ServiceMonth, days_span

BERLIN = ZoneInfo("Europe/Berlin")
OLD, NEW = Terms("1.0", date(2024, 1, 1)), Terms("2.0", date(2026, 7, 2))
PERIODS = [TermsPeriod(None, 1000, OLD), TermsPeriod(1000, None, NEW)]


@pytest.mark.parametrize(("at", "terms"), [(-(10**12), OLD), (999, OLD), (1000, NEW), (10**12, NEW)])
def test_a_version_governs_up_to_the_second_in_which_the_next_takes_effect(at, terms):
    assert terms_at(PERIODS, at) is terms


def test_without_a_version_there_are_no_terms():
    with pytest.raises(LookupError, match="No agreement version"):
        terms_at([], 0)


OCTOBER = ServiceMonth(2026, 10)


@pytest.mark.parametrize(
    ("contracts", "days"),
    [
        ([], 0),
        ([(date(2026, 1, 1), date(2026, 12, 31))], 31),
        ([(date(2026, 10, 31), date(2027, 10, 30))], 1),
        ([(date(2025, 11, 1), date(2026, 10, 1))], 1),
        ([(date(2025, 10, 1), date(2026, 9, 30))], 0),
        ([(date(2025, 10, 1), date(2026, 10, 10)), (date(2026, 10, 21), date(2027, 10, 20))], 21),
        ([(date(2025, 10, 1), date(2026, 10, 20)), (date(2026, 10, 11), date(2027, 10, 20))], 31),
    ],
)
def test_a_day_is_a_service_day_if_some_contract_is_in_force_on_it(contracts, days):
    found = service_days(contracts, OCTOBER, BERLIN)
    assert (found.count, found.total_minutes) == (days, days * 1440)


def test_days_that_follow_each_other_are_one_span_though_the_clocks_change_between_them():
    found = service_days([(date(2026, 1, 1), date(2026, 12, 31))], OCTOBER, BERLIN)
    assert found.spans == (days_span(date(2026, 10, 1), date(2026, 10, 31), BERLIN),)


@pytest.mark.parametrize(("published", "earliest"), [((1, 10), (2, 10)), ((6, 1), (7, 2))])
def test_thirty_full_days_lie_between_notice_and_effect(published, earliest):
    assert earliest_effective_on(date(2026, *published)) == date(2026, *earliest)
