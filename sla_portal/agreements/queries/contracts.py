"""Contracts in force, their suspensions, and customers under contract."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce

from sla_portal.customers.models import Customer, Region

from ..models import Contract, Suspension


def contracts_in_force(first: date, last: date) -> QuerySet[Contract]:
    """Contracts with a service day from `first` to `last`, both included."""
    return Contract.objects.annotate(
        in_force_until=Coalesce(F("terminated_on"), F("extended_to"), F("ends_on"))
    ).filter(starts_on__lte=last, in_force_until__gte=first)


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
