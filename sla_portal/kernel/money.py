"""Amounts of money: in a currency of ISO 4217, rounded once, to its smallest unit."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import cache

MOST_DECIMALS = 4
"""Of any currency, and of an amount on record."""


@cache
def _decimals() -> dict[str, int]:
    """The currencies that ISO 4217 lists now, with their decimals; metals and test codes have none and are left out."""
    # It reads the list that the maintenance agency publishes, when the first amount is written.
    from iso4217 import Currency

    return {one.code: one.exponent for one in Currency if one.exponent is not None}


@cache
def _withdrawals() -> dict[str, date]:
    """The currencies that ISO 4217 no longer lists, each with the last day on which it was tender anywhere."""
    # ISO 4217 publishes no days of them in a list that a library carries; CLDR has them by territory.
    from babel.core import get_global

    ends: dict[str, set[tuple[int, int, int] | None]] = {}
    for history in get_global("territory_currencies").values():
        for code, _start, end, _tender in history:
            ends.setdefault(code, set()).add(end)
    gone = ((code, {end for end in days if end}) for code, days in ends.items() if None not in days)
    return {code: date(*max(days)) for code, days in gone if code not in _decimals()}


def is_currency(code: str) -> bool:
    """Whether ISO 4217 lists the code now, as a currency with a smallest unit."""
    return code in _decimals()


def withdrawn_on(code: str) -> date | None:
    """Return the last day of a currency that was withdrawn; None for one that is listed, or never was."""
    return _withdrawals().get(code)


def smallest_unit(currency: str) -> Decimal:
    """Return the smallest unit of a currency (ISO 4217): 0.01 EUR, 1 JPY; a hundredth of what it does not list."""
    return Decimal(1).scaleb(-_decimals().get(currency, 2))


def fits(amount: Decimal, currency: str) -> bool:
    """Whether an amount has no more decimals than its currency, but for zeros."""
    return not amount % smallest_unit(currency)


def rounded(amount: Fraction, currency: str) -> Decimal:
    """Round an exact amount half up to the currency's smallest unit."""
    unit = smallest_unit(currency)
    half_up = (amount / Fraction(unit) + Fraction(1, 2)) // 1
    return int(half_up) * unit


def printed(amount: Decimal, currency: str) -> Decimal:
    """Return an amount with the decimals of its currency, or with those that it has where a record has more of them."""
    exact = amount.quantize(Decimal(1).scaleb(-MOST_DECIMALS), ROUND_HALF_UP)
    return exact.quantize(smallest_unit(currency)) if fits(exact, currency) else exact.normalize()


def format_amount(amount: Decimal, currency: str) -> str:
    """Write an amount with its currency: `49.00 EUR`, `49 JPY`, `49.000 KWD`."""
    return f"{printed(amount, currency):f} {currency}"
