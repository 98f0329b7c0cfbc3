"""Say what a write would change in closed months, before it is done."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from sla_portal.agreements.queries import published_versions
from sla_portal.customers.models import Region
from sla_portal.kernel.months import ServiceMonth

from ..models import RegionMonth
from ..queries import region_month
from ..rules import MonthFigures
from .judging import changed_outcomes, region_columns, verdicts_of


@dataclass(frozen=True)
class ChangedMonth:
    """A closed month of a region whose figures by the record a write would change."""

    month: ServiceMonth
    region: Region
    closed: RegionMonth | None
    """None: the region was added after the month was closed."""
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
            if region_columns(was) != region_columns(will):
                changed.append(
                    ChangedMonth(
                        month,
                        region,
                        RegionMonth.objects.filter(region=region, month=month.first_day).first(),
                        region_month(region, month, now).figures,
                        changed_outcomes(region, was, will),
                    )
                )
        transaction.set_rollback(True)
    return changed
