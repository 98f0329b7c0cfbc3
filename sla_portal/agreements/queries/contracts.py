"""Contracts in force, their charges and suspensions, the periods of a contract, and customers under contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.months import ServiceMonth

from ..models import Charge, Contract, Suspension
from ..rules import ContractRecord


def contracts_in_force(first: date, last: date) -> QuerySet[Contract]:
    """Contracts with a service day from `first` to `last`, both included."""
    return Contract.objects.annotate(
        in_force_until=Coalesce(F("terminated_on"), F("extended_to"), F("ends_on"))
    ).filter(starts_on__lte=last, in_force_until__gte=first)


def charges_of(contract: Contract) -> tuple[tuple[date, Decimal], ...]:
    """Return the charges of a contract that hold from a later month on, in order; of each month its newest revision."""
    return tuple({charge.from_month: charge.monthly_charge for charge in contract.charges.all()}.items())


def charges_in_force(contracts: Iterable[Contract], month: ServiceMonth) -> dict[int, Decimal]:
    """Return the charge in force in a service month (1.3), by contract."""
    in_force = {contract.pk: contract.monthly_charge for contract in contracts}
    later = Charge.objects.filter(contract__in=list(in_force), from_month__lte=month.first_day)
    return in_force | dict(later.order_by("from_month", "revision").values_list("contract", "monthly_charge"))


def record_of_contract(contract: Contract) -> ContractRecord:
    """Return what the months of a contract period are worth and rest on."""
    return ContractRecord(
        starts_on=contract.starts_on,
        last_day=contract.last_day,
        monthly_charge=contract.monthly_charge,
        currency=contract.currency,
        trial_days=contract.trial_days,
        charges=charges_of(contract),
        suspended=tuple((one.starts_on, one.ends_on) for one in contract.suspensions.all()),
    )


def renewal_of(contract: Contract) -> Contract | None:
    """Return the period that renews a contract."""
    return Contract.objects.filter(renews=contract.pk).first()


def later_periods(contract: Contract) -> list[Contract]:
    """Return the periods that renew a contract one after the other, in order."""
    found: list[Contract] = []
    while renewal := renewal_of(contract):
        contract = renewal
        found.append(renewal)
    return found


def overlapping_periods() -> QuerySet[Contract]:
    """Periods on record that begin before the one that they renew has ended: those of an earlier build, to be corrected."""
    return (
        Contract.objects.filter(renews__isnull=False)
        .annotate(before=Coalesce(F("renews__terminated_on"), F("renews__extended_to"), F("renews__ends_on")))
        .filter(starts_on__lte=F("before"))
        .select_related("renews")
    )


def suspensions_of(
    contracts: Iterable[int] | QuerySet[Contract, Any], first: date, last: date
) -> dict[int, list[Suspension]]:
    """Return suspensions that overlap the days, by contract; days outside a contract's service days are ignored."""
    found: dict[int, list[Suspension]] = defaultdict(list)
    for suspension in (
        Suspension.objects.filter(contract__in=contracts, starts_on__lte=last, ends_on__gte=first)
        .select_related("contract")
        .order_by("starts_on")
    ):
        if max(first, suspension.first_on) <= min(last, suspension.last_on):
            found[suspension.contract_id].append(suspension)
    return found


def customers_under_contract(regions: Iterable[Region], first: date, last: date) -> QuerySet[Customer]:
    """The customers of `regions` (none: everywhere) with a contract in force between the days."""
    customers = Customer.objects.filter(pk__in=contracts_in_force(first, last).values("customer"))
    named = [region.pk for region in regions]
    return customers.filter(region__in=named) if named else customers
