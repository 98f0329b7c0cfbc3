"""Amounts of money: rounded once, to the smallest unit of the currency."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

# ISO 4217: the currencies whose smallest unit is not a hundredth
_DIGITS = {
    **dict.fromkeys(("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF"), 0),
    **dict.fromkeys(("UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def smallest_unit(currency: str) -> Decimal:
    """Return the smallest unit of a currency (ISO 4217): 0.01 EUR, 1 JPY."""
    return Decimal(1).scaleb(-_DIGITS.get(currency, 2))


def rounded(amount: Fraction, currency: str) -> Decimal:
    """Round an exact amount half up to the currency's smallest unit."""
    unit = smallest_unit(currency)
    half_up = (amount / Fraction(unit) + Fraction(1, 2)) // 1
    return int(half_up) * unit


def format_amount(amount: Decimal, currency: str) -> str:
    """Write an amount with its currency: `49.00 EUR`."""
    return f"{amount.quantize(smallest_unit(currency), ROUND_HALF_UP):f} {currency}"
