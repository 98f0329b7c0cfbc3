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
    """A contract's minutes of a calendar month, on 1 to 31 service days, some of them in the trial."""
    days = draw(st.integers(28, 31))
    counted = draw(st.integers(0, draw(st.integers(1, days)) * 1440))
    currency = draw(currencies)
    return Entitlement(
        counted_minutes=counted,
        trial_minutes=draw(st.integers(0, counted)),
        minutes_per_minute=draw(st.integers(1, 3)),
        monthly_charge=draw(st.integers(0, 10**9)) * Decimal("0.001"),
        month_minutes=days * 1440,
        currency=currency,
        smallest_voucher=draw(st.sampled_from([0, 0, 1, 5, 1000])) * smallest_unit(currency),
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
def test_the_values_and_the_cut_add_up_to_the_worth_of_all_minutes(case):
    entitlement, _cap_left, _extendable, division = case
    assert division.value + division.cut_value == worth(entitlement.paid, entitlement)


@given(divisions())
def test_the_voucher_is_rounded_and_the_extension_is_the_rest(case):
    entitlement, _cap_left, extendable, division = case
    share = worth(division.voucher_minutes, entitlement)
    if extendable and not division.cut_value:
        assert (division.voucher_value, division.extension_value) == (
            share,
            worth(entitlement.paid, entitlement) - share,
        )
    assert division.voucher_value <= share


@given(divisions())
def test_a_voucher_smaller_than_is_issued_becomes_extension_wherever_a_contract_can_be_extended(case):
    entitlement, _cap_left, extendable, division = case
    if extendable:
        assert division.voucher_value == 0 or division.voucher_value >= entitlement.smallest_voucher
    assert not division.small_minutes or (extendable and not division.voucher_minutes)


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
    if extendable and cap_left >= worth(entitlement.paid, entitlement):
        assert (division.cut_minutes, division.cut_value) == (0, 0)


@given(divisions())
def test_trial_minutes_are_never_a_voucher_and_have_no_value(case):
    entitlement, _cap_left, extendable, division = case
    assert division.voucher_minutes <= entitlement.paid
    if extendable:
        assert division.extension_minutes >= entitlement.trial
        unit = smallest_unit(entitlement.currency)
        valued = worth(division.extension_minutes - entitlement.trial, entitlement)
        assert abs(division.extension_value - valued) <= (unit if division.voucher_minutes else 0)


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
@example(Entitlement(0, 0, 1, Decimal("43.20"), 43200, "EUR"), 5)  # 0.005 EUR exactly
@example(Entitlement(0, 0, 1, Decimal("44.640"), 44640, "JPY"), 500)  # half a yen exactly
def test_a_value_is_exact_and_rounded_half_up_once(entitlement, minutes):
    unit = Fraction(smallest_unit(entitlement.currency))
    exact = Fraction(entitlement.monthly_charge) * minutes / entitlement.month_minutes
    off = Fraction(worth(minutes, entitlement)) - exact
    assert -unit / 2 < off <= unit / 2


@given(entitlements(), entitlements(), st.integers(0, 50_000))
def test_contracts_of_the_same_charge_are_worth_the_same_per_minute(one, drawn, minutes):
    other = replace(drawn, monthly_charge=one.monthly_charge, month_minutes=one.month_minutes, currency=one.currency)
    assert worth(minutes, one) == worth(minutes, other)
    every = [divide(each, min(each.paid, minutes), Decimal(10**12), extendable=True) for each in (one, other)]
    issued = [given.voucher_value for given in every if given.voucher_minutes == minutes]
    assert len(set(issued)) <= 1


def test_a_small_voucher_is_issued_where_there_is_no_contract_to_extend():
    whole = Entitlement(37, 0, 1, Decimal("4900.00"), 43200, "EUR", smallest_voucher=Decimal(5))
    joined = divide(whole, 37, Decimal(490), extendable=True)
    assert (joined.voucher_value, joined.extension_minutes, joined.small_minutes) == (0, 37, 37)
    assert joined.extension_value == Decimal("4.20")
    assert divide(whole, 37, Decimal(490), extendable=False).voucher_value == Decimal("4.20")
    enough = replace(whole, smallest_voucher=Decimal("4.20"))
    assert divide(enough, 37, Decimal(490), extendable=True).voucher_value == Decimal("4.20")


def test_a_minute_of_one_charge_is_worth_the_same_however_many_days_a_contract_has():
    """September has 43 200 minutes for everyone."""
    whole = Entitlement(37, 0, 1, Decimal("4900.00"), 43200, "EUR")
    assert worth(37, whole) == Decimal("4.20")
    given = divide(whole, 20, Decimal(490), extendable=True)
    assert (given.voucher_value, given.extension_value) == (Decimal("2.27"), Decimal("1.93"))
