"""Say what a write would change in closed months, before it is done."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from sla_portal.agreements.queries import published_versions
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.months import ServiceMonth

from ..models import CustomerMonth, RegionMonth
from ..queries import customer_month, region_month
from ..rules import MonthFigures
from .customer_months import contracts_of_customers
from .judging import changed_outcomes, region_columns, verdicts_of


@dataclass(frozen=True)
class ChangedMonth:
    """A closed month of a region, or of one customer, whose figures by the record a write would change."""

    month: ServiceMonth
    region: Region | Customer
    closed: RegionMonth | CustomerMonth | None
    """None: the region was opened, or the contract signed, after the month was closed."""
    figures: MonthFigures
    """As the record would say after the write."""
    outcomes: int
    """The customers whose month would change between SLA met and breached."""


def preview_change(
    *, write: Callable[[], object], months: Collection[ServiceMonth], now: datetime
) -> list[ChangedMonth]:
    """Return the closed `months` that `write` would change, by region. Nothing of the write is kept."""
    versions = published_versions()
    of = [(month, region) for month in months for region in Region.objects.all()]
    changed = []
    with transaction.atomic():
        before = [verdicts_of(region, month, versions, now) for month, region in of]
        write()
        for (month, region), was in zip(of, before, strict=True):
            will = verdicts_of(region, month, versions, now)
            closed = RegionMonth.objects.filter(region=region, month=month.first_day).first()
            if not closed and not contracts_of_customers(region, month).exists():
                continue
            days = closed.days if closed else []
            if region_columns(was, days) != region_columns(will, days):
                changed.append(
                    ChangedMonth(
                        month,
                        region,
                        closed,
                        region_month(region, month, now).figures,
                        changed_outcomes(region, was, will),
                    )
                )
        transaction.set_rollback(True)
    return changed


def preview_change_of_customer(
    *, write: Callable[[], object], customer: Customer, months: Collection[ServiceMonth], now: datetime
) -> list[ChangedMonth]:
    """Return the closed `months` that `write` would change for one customer. Nothing of the write is kept."""
    with transaction.atomic():
        write()
        will = [customer_month(customer, month, now).figures for month in months]
        transaction.set_rollback(True)
    changed = []
    for month, figures in zip(months, will, strict=True):
        closed = CustomerMonth.objects.filter(customer=customer, month=month.first_day).first()
        was = closed and (closed.service_days, closed.unavailable_minutes, closed.excluded_minutes)
        if was != (figures.service_days, figures.unavailable_minutes, figures.excluded_minutes):
            changed.append(ChangedMonth(month, customer, closed, figures, int((closed and closed.met) != figures.met)))
    return changed
