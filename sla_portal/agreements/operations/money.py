"""Refuse currencies and amounts that ISO 4217 does not have."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django.utils.translation import gettext as _

from sla_portal.kernel.errors import Refused
from sla_portal.kernel.money import fits, is_currency, smallest_unit, withdrawn_on


class NoSuchCurrency(Refused):
    """ISO 4217 does not list the currency, or it was withdrawn before the contract began."""

    field = "currency"


class TooManyDecimals(Refused):
    """The amount has more decimals than its currency."""

    field = "monthly_charge"


def check_currency(currency: str, starts_on: date) -> None:
    """Refuse a currency that a contract beginning on `starts_on` cannot have."""
    if is_currency(currency):
        return
    last_day = withdrawn_on(currency)
    if last_day is None:
        raise NoSuchCurrency(
            _("%(currency)s is no currency of ISO 4217. Enter its three letters, for example EUR.")
            % {"currency": currency}
        )
    if starts_on > last_day:
        raise NoSuchCurrency(
            _("%(currency)s was withdrawn on %(day)s. Only a contract that began by then can have it.")
            % {"currency": currency, "day": last_day.isoformat()}
        )


def check_decimals(amount: Decimal, currency: str) -> None:
    """Refuse an amount with more decimals than its currency; zeros do no harm."""
    if not fits(amount, currency):
        raise TooManyDecimals(
            _("%(currency)s has no smaller unit than %(unit)s.")
            % {"currency": currency, "unit": smallest_unit(currency)}
        )
