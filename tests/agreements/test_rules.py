"""Terms in force, and when an amendment can take effect."""

from datetime import date

import pytest

from sla_portal.agreements.rules import Terms, TermsPeriod, earliest_effective_on, terms_at

OLD, NEW = Terms("1.0", date(2024, 1, 1)), Terms("2.0", date(2026, 7, 2))
PERIODS = [TermsPeriod(None, 1000, OLD), TermsPeriod(1000, None, NEW)]


@pytest.mark.parametrize(("at", "terms"), [(-(10**12), OLD), (999, OLD), (1000, NEW), (10**12, NEW)])
def test_a_version_governs_up_to_the_second_in_which_the_next_takes_effect(at, terms):
    assert terms_at(PERIODS, at) is terms


def test_without_a_version_there_are_no_terms():
    with pytest.raises(LookupError, match="No agreement version"):
        terms_at([], 0)


@pytest.mark.parametrize(("published", "earliest"), [((1, 10), (2, 10)), ((6, 1), (7, 2))])
def test_thirty_full_days_lie_between_notice_and_effect(published, earliest):
    assert earliest_effective_on(date(2026, *published)) == date(2026, *earliest)
