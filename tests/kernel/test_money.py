"""Amounts of money, against another's table of ISO 4217."""

from decimal import Decimal
from fractions import Fraction

import pytest

from sla_portal.kernel.money import rounded, smallest_unit


def test_the_smallest_units_are_those_of_iso_4217():
    iso4217 = pytest.importorskip("iso4217", reason="is in requirements-dev.txt")
    listed = {one.code: one.exponent for one in iso4217.Currency if one.exponent is not None}
    assert {"EUR", "JPY", "KWD", "CLF"} <= listed.keys()
    assert {code: smallest_unit(code) for code in listed} == {
        code: Decimal(1).scaleb(-exponent) for code, exponent in listed.items()
    }


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
    ],
)
def test_an_amount_is_rounded_half_up_to_the_smallest_unit(amount, currency, wanted):
    assert rounded(Fraction(amount), currency) == Decimal(wanted)
