"""What months of a contract are worth (1.3), and what a change of it touches; which period renews which (1.2)."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_portal.agreements.rules import (
    ContractRecord,
    Period,
    as_long,
    days_changed,
    month_costs,
    period_ends_on,
    renewals_by_days,
)
from sla_portal.kernel.months import ServiceMonth

YEAR = ContractRecord(date(2026, 1, 1), date(2026, 12, 31), Decimal("49.00"), "EUR", trial_days=31)
DECEMBER = date(2026, 12, 1)


def on(text: str) -> date:
    return date.fromisoformat(text)


def dearer(from_month: date, charge: str = "490.00") -> ContractRecord:
    return replace(YEAR, charges=((from_month, Decimal(charge)),))


def test_a_charge_from_december_leaves_october_as_it_was():
    charged = [dearer(DECEMBER).charge_in(ServiceMonth(2026, month)) for month in (10, 11, 12)]
    assert charged == [Decimal("49.00"), Decimal("49.00"), Decimal("490.00")]


@pytest.mark.parametrize(
    ("becomes", "touched"),
    [
        (YEAR, []),
        (dearer(DECEMBER), [(DECEMBER, on("2026-12-31"))]),
        (dearer(on("2027-01-01")), []),
        (dearer(on("2026-11-01"), "49.00"), []),
        (replace(YEAR, monthly_charge=Decimal(50)), [(YEAR.starts_on, YEAR.last_day)]),
        (replace(YEAR, currency="USD"), [(YEAR.starts_on, YEAR.last_day)]),
        (replace(YEAR, trial_days=10), [(on("2026-01-11"), on("2026-01-31"))]),
        (replace(YEAR, last_day=on("2026-09-10")), [(on("2026-09-11"), on("2026-12-31"))]),
        (replace(YEAR, last_day=on("2027-01-31")), [(on("2027-01-01"), on("2027-01-31"))]),
        (replace(YEAR, suspended=((on("2026-12-30"), on("2027-01-05")),)), [(on("2026-12-30"), on("2026-12-31"))]),
        (None, [(YEAR.starts_on, YEAR.last_day)]),
    ],
)
def test_a_change_touches_the_days_whose_service_or_worth_differs(becomes, touched):
    assert days_changed(YEAR, becomes) == touched
    assert days_changed(becomes, YEAR) == touched


days = st.dates(on("2026-01-01"), on("2026-04-30"))
charges = st.lists(
    st.tuples(st.sampled_from([date(2026, month, 1) for month in (1, 2, 3, 4)]), st.sampled_from([1, 2]).map(Decimal)),
    max_size=3, unique_by=lambda pair: pair[0],
).map(lambda pairs: tuple(sorted(pairs)))  # fmt: skip


@st.composite
def records(draw) -> ContractRecord:
    starts_on, last_day = sorted([draw(days), draw(days)])
    return ContractRecord(
        starts_on, last_day, Decimal(draw(st.sampled_from([1, 2]))), draw(st.sampled_from(["EUR", "CNY"])),
        draw(st.sampled_from([0, 31])), draw(charges), tuple(tuple(sorted(draw(st.tuples(days, days)))) for _n in range(1)),
    )  # fmt: skip


def day_by_day(record: ContractRecord, day: date) -> tuple:
    """The plainest statement of one day: in service or not; if so, its charge, and whether it is suspended."""
    if not record.starts_on <= day <= record.last_day:
        return (False,)
    trial = day < record.starts_on + timedelta(days=record.trial_days)
    suspended = any(first <= day <= last for first, last in record.suspended)
    return True, record.charge_in(ServiceMonth.of(day)), record.currency, trial, suspended


@given(records(), records())
def test_what_a_change_touches_is_what_differs_day_by_day(was, becomes):
    every = [on("2026-01-01") + timedelta(days=n) for n in range(120)]
    touched = {day for first, last in days_changed(was, becomes) for day in every if first <= day <= last}
    assert touched == {day for day in every if day_by_day(was, day) != day_by_day(becomes, day)}


@given(records(), st.sampled_from([date(2026, month, 1) for month in (1, 2, 3, 4)]), st.sampled_from([1, 2, 3]))
def test_a_new_charge_never_changes_what_an_earlier_month_was_worth(record, from_month, charge):
    others = tuple(pair for pair in record.charges if pair[0] != from_month)
    becomes = replace(record, charges=tuple(sorted([*others, (from_month, Decimal(charge))])))
    for month in (ServiceMonth(2026, number) for number in (1, 2, 3, 4)):
        if month.first_day < from_month:
            assert becomes.charge_in(month) == record.charge_in(month)
    assert all(first >= from_month for first, _last in days_changed(record, becomes))


@pytest.mark.parametrize(
    ("starts_on", "months", "ends_on"),
    [("2026-01-15", 1, "2026-02-14"), ("2026-01-31", 1, "2026-02-28"), ("2026-01-01", 12, "2026-12-31")],
)
def test_a_period_of_months_ends_the_day_before_its_own_day(starts_on, months, ends_on):
    assert period_ends_on(on(starts_on), months) == on(ends_on)


@pytest.mark.parametrize(
    ("starts_on", "ends_on", "again_until"),
    [
        ("2026-01-01", "2026-12-31", "2027-12-31"),
        ("2026-01-15", "2027-01-14", "2028-01-14"),
        ("2026-01-01", "2026-02-14", "2026-03-31"),
    ],
)
def test_a_renewal_is_as_long_as_the_period_before(starts_on, ends_on, again_until):
    begins = on(ends_on) + timedelta(days=1)
    assert as_long(on(starts_on), on(ends_on), begins) == on(again_until)


def a_period(key: int, starts_on: str, until: str, last_day: str = "", customer: int = 1) -> Period:
    return Period(key, customer, on(starts_on), on(until), on(last_day or until))


@pytest.mark.parametrize(
    ("second", "renews"),
    [
        (a_period(2, "2027-01-01", "2027-12-31"), True),
        (a_period(2, "2027-01-03", "2027-12-31"), True),
        (a_period(2, "2027-01-02", "2027-12-31"), False),
        (a_period(2, "2027-01-01", "2027-12-31", customer=2), False),
    ],
)
def test_a_period_that_starts_the_day_after_another_ends_as_agreed_or_in_fact_renews_it(second, renews):
    first = a_period(1, "2026-01-01", "2026-12-31", "2027-01-02")
    assert renewals_by_days([first, second]) == ([(1, 2)] if renews else [])


def test_where_two_contracts_end_on_one_day_nothing_says_which_of_them_is_renewed():
    both = [a_period(key, "2026-01-01", "2026-12-31") for key in (1, 2)]
    assert renewals_by_days([*both, a_period(3, "2027-01-01", "2027-12-31")]) == []


def test_a_month_lists_its_days_charge_and_payments():
    record = replace(
        dearer(on("2026-02-01"), "59.00"), last_day=on("2026-03-10"), suspended=((on("2026-03-09"), on("2026-03-20")),)
    )
    paid = [(on("2026-02-20"), Decimal(59)), (on("2026-04-02"), Decimal(-5))]
    listed = [(str(one.month), one.service_days, one.trial_days, one.suspended_days, one.charge, one.paid)
              for one in month_costs(record, paid)]  # fmt: skip
    assert listed == [
        ("2026-01", 31, 31, 0, None, 0),
        ("2026-02", 28, 0, 0, Decimal("59.00"), 59),
        ("2026-03", 10, 0, 2, Decimal("59.00"), 0),
        ("2026-04", 0, 0, 0, None, -5),
    ]
