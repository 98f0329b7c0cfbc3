"""Amounts of money, in the currencies of ISO 4217."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from sla_portal.kernel.money import fits, format_amount, is_currency, rounded, smallest_unit, withdrawn_on


@pytest.mark.parametrize(
    ("currency", "unit"),
    [
        ("JPY", "1"), ("ISK", "1"), ("HUF", "0.01"), ("EUR", "0.01"), ("MRU", "0.01"), ("XCG", "0.01"), ("IQD", "0.001"),
        ("KWD", "0.001"), ("CLF", "0.0001"), ("UYW", "0.0001"),
    ],
)  # fmt: skip
def test_the_smallest_unit_is_the_one_of_iso_4217(currency, unit):
    assert is_currency(currency)
    assert smallest_unit(currency) == Decimal(unit)


@pytest.mark.parametrize("code", ["XAU", "XTS", "XXX", "XDR", "EUX", "eur", ""])
def test_metals_test_codes_and_unknown_codes_are_no_currencies(code):
    assert (is_currency(code), withdrawn_on(code)) == (False, None)


@pytest.mark.parametrize(
    ("currency", "last_day"),
    [
        ("HRK", "2023-01-14"),
        ("ANG", "2025-06-30"),
        ("BGN", "2026-01-31"),
        ("ZWL", "2024-08-31"),
        ("EUR", ""),
        ("USD", ""),
    ],
)
def test_a_withdrawn_currency_has_its_last_day(currency, last_day):
    assert withdrawn_on(currency) == (date.fromisoformat(last_day) if last_day else None)
    assert is_currency(currency) is not bool(last_day)


@pytest.mark.parametrize(
    ("amount", "currency", "wanted"),
    [
        ("0.005", "EUR", "0.01"),
        ("0.0049", "EUR", "0.00"),
        ("0.004999", "EUR", "0.00"),
        ("0.015", "EUR", "0.02"),
        ("2/3", "EUR", "0.67"),
        ("0.5", "JPY", "1"),
        ("0.0005", "KWD", "0.001"),
        ("1.2345", "KWD", "1.235"),
        ("1.23455", "CLF", "1.2346"),
    ],
)
def test_an_amount_is_rounded_half_up_to_the_smallest_unit(amount, currency, wanted):
    assert rounded(Fraction(amount), currency) == Decimal(wanted)


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        ("1500.7550", "IQD", "1500.755 IQD"),
        ("1500.7500", "HUF", "1500.75 HUF"),
        ("1500.0000", "JPY", "1500 JPY"),
        ("49", "EUR", "49.00 EUR"),
        ("49.0050", "EUR", "49.005 EUR"),
        ("49.000000000001", "EUR", "49.00 EUR"),
        ("1.2345", "CLF", "1.2345 CLF"),
        ("49.00", "HRK", "49.00 HRK"),
    ],
)
def test_an_amount_is_written_with_the_decimals_of_its_currency_and_never_with_fewer_than_it_has(
    amount, currency, written
):
    assert format_amount(Decimal(amount), currency) == written


def test_zeros_are_no_decimals():
    assert fits(Decimal("49.0000"), "JPY")
    assert not fits(Decimal("49.1"), "JPY")
    assert not fits(Decimal("-0.001"), "EUR")
