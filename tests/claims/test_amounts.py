"""3.2, 5.1: what minutes are worth, under many examples: exact, rounded once, never above the liability cap."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from claims.rules import (
    Division,
    Entitlement,
    divide,
    worth,
)
from sla_portal.kernel.money import smallest_unit

currencies = st.sampled_from(["EUR", "CNY", "JPY", "KWD", "CLF"])


@st.composite
def entitlements(draw) -> Entitlement:
    """A contract's minutes of a month of 1 to 31 service days, some of them in the trial."""
    total = draw(st.integers(1, 31)) * 1440
    counted = draw(st.integers(0, total))
    currency = draw(currencies)
    return Entitlement(
        counted_minutes=counted,
        trial_minutes=draw(st.integers(0, counted)),
        minutes_per_minute=draw(st.integers(1, 3)),
        monthly_charge=draw(st.integers(0, 10**9)) * Decimal("0.001"),
        total_minutes=total,
        currency=currency,
    )


@st.composite
def divisions(draw) -> tuple[Entitlement, Decimal, bool, Division]:
    entitlement = draw(entitlements())
    voucher = draw(st.integers(0, entitlement.paid))
    unit = smallest_unit(entitlement.currency)
    # About as often too little as enough: a share of what everything would be worth, and a few units more or less.
    share = worth(entitlement.paid, entitlement) * draw(st.integers(0, 12)) / 10 // unit
    cap_left = (share + draw(st.integers(-3, 3))) * unit
    extendable = draw(st.booleans())
    return entitlement, cap_left, extendable, divide(entitlement, voucher, cap_left, extendable=extendable)


# What is given


@given(divisions())
def test_the_parts_and_the_cut_add_up_to_the_minutes(case):
    entitlement, _cap_left, _extendable, division = case
    assert division.voucher_minutes + division.extension_minutes + division.cut_minutes == entitlement.minutes
    assert min(division.voucher_minutes, division.extension_minutes, division.cut_minutes) >= 0


@given(divisions())
def test_the_values_and_the_cut_add_up_to_the_value_of_the_parts(case):
    entitlement, _cap_left, _extendable, division = case
    charged = entitlement.paid - division.voucher_minutes
    wanted = worth(division.voucher_minutes, entitlement) + worth(charged, entitlement)
    assert division.value + division.cut_value == wanted


@given(divisions())
def test_the_values_never_exceed_the_balance_under_the_cap(case):
    _entitlement, cap_left, _extendable, division = case
    assert division.value <= max(cap_left, Decimal(0))
    assert min(division.voucher_value, division.extension_value, division.cut_value) >= 0


@given(divisions())
def test_every_value_is_a_whole_number_of_the_smallest_unit(case):
    entitlement, _cap_left, _extendable, division = case
    unit = smallest_unit(entitlement.currency)
    for value in (division.voucher_value, division.extension_value, division.cut_value):
        assert value % unit == 0


@given(divisions())
def test_nothing_is_cut_where_the_cap_has_room_and_the_contract_runs(case):
    entitlement, cap_left, extendable, division = case
    # Two parts rounded up can be worth a unit more than the whole.
    if extendable and cap_left >= worth(entitlement.paid, entitlement) + smallest_unit(entitlement.currency):
        assert (division.cut_minutes, division.cut_value) == (0, 0)


@given(divisions())
def test_trial_minutes_are_never_a_voucher_and_have_no_value(case):
    entitlement, _cap_left, extendable, division = case
    assert division.voucher_minutes <= entitlement.paid
    if extendable:
        assert division.extension_minutes >= entitlement.trial
        assert division.extension_value == worth(division.extension_minutes - entitlement.trial, entitlement)


@given(divisions())
def test_an_extension_is_cut_by_as_few_minutes_as_possible(case):
    entitlement, cap_left, extendable, division = case
    if extendable and division.cut_minutes:
        one_more = division.extension_minutes - entitlement.trial + 1
        assert worth(one_more, entitlement) > max(cap_left, Decimal(0))


@given(entitlements(), st.integers(1, 10**6))
def test_more_minutes_as_voucher_than_carry_a_charge_are_refused(entitlement, more):
    with pytest.raises(ValueError, match="carry a charge"):
        divide(entitlement, entitlement.paid + more, Decimal(10**9), extendable=True)


@given(st.lists(st.tuples(entitlements(), st.integers(0, 100)), min_size=1, max_size=12), st.integers(0, 10**7))
def test_grants_one_after_the_other_never_exceed_the_fees_paid(grants, cents):
    cap, given_so_far = Decimal(cents) / 100, Decimal(0)
    for drawn, share in grants:
        entitlement = replace(drawn, currency="EUR")
        voucher = entitlement.paid * share // 100
        given_so_far += divide(entitlement, voucher, cap - given_so_far, extendable=True).value
        assert given_so_far <= cap


# What a minute is worth


@given(entitlements(), st.integers(0, 50_000), st.integers(0, 1000))
def test_the_value_does_not_decrease_with_more_minutes(entitlement, minutes, more):
    assert worth(minutes, entitlement) <= worth(minutes + more, entitlement)


@given(entitlements(), st.integers(0, 50_000))
@example(Entitlement(0, 0, 1, Decimal("1.44"), 1440, "EUR"), 5)  # 0.005 EUR exactly
@example(Entitlement(0, 0, 1, Decimal("44.640"), 44640, "JPY"), 500)  # half a yen exactly
def test_a_value_is_exact_and_rounded_half_up_once(entitlement, minutes):
    unit = Fraction(smallest_unit(entitlement.currency))
    exact = Fraction(entitlement.monthly_charge) * minutes / entitlement.total_minutes
    off = Fraction(worth(minutes, entitlement)) - exact
    assert -unit / 2 < off <= unit / 2
