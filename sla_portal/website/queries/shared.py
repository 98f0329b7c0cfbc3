"""What all of these read: names of regions, functions and clients, and the rows of a month."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db.models import Max, Min, QuerySet

from sla_portal.customers.models import Client, CoreFunction, Region, Translated
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import ServiceMonth, local_date

from ..rules import Named, Scope

T = TypeVar("T")

FEW = 5
MANY = 50
"""As many as status-page clients expect of incidents and of maintenance."""
BLOCK = 100
"""Rows that are read and kept together for the pages of the API."""
KNOWN = 5000
"""Rows of each kind that the API finds by their id."""


@dataclass(frozen=True)
class Grid:
    """All regions, core functions and clients, in order."""

    regions: tuple[Named, ...]
    functions: tuple[Named, ...]
    clients: tuple[Named, ...]

    @classmethod
    def current(cls) -> Grid:
        return cls(
            all_named(Region.objects.all()), all_named(CoreFunction.objects.all()), all_named(Client.objects.all())
        )

    def scope(self, functions: Iterable[CoreFunction], clients: Iterable[Client]) -> Scope:
        """A scope as stored: none named means all, and so does naming all."""
        return Scope(none_if_all(all_named(functions), self.functions), none_if_all(all_named(clients), self.clients))


@dataclass(frozen=True)
class MonthOf(Generic[T]):
    """The rows of a month, newest first, and the nearest months before and after that have any."""

    month: ServiceMonth
    rows: tuple[T, ...]
    earlier: ServiceMonth | None
    later: ServiceMonth | None


def zones_of_regions() -> tuple[str, ...]:
    """The time zones of the regions."""
    return tuple(dict.fromkeys(str(region.zone) for region in Region.objects.all()))


def named(row: Translated) -> Named:
    return Named(row.code, row.name, row.name_zh)


def all_named(rows: Iterable[Translated]) -> tuple[Named, ...]:
    return tuple(named(row) for row in rows)


def none_if_all(some: tuple[Named, ...], everything: tuple[Named, ...]) -> tuple[Named, ...] | None:
    return None if not some or len(some) == len(everything) else some


def rows_of_month(
    rows: QuerySet[Any], field: str, month: ServiceMonth, read: Callable[[QuerySet[Any]], tuple[T, ...]]
) -> MonthOf[T]:
    start, end = (instant(edge) for edge in month.span(settings.SLA_ZONE))
    before = rows.filter(**{f"{field}__lt": start}).aggregate(at=Max(field))["at"]
    after = rows.filter(**{f"{field}__gte": end}).aggregate(at=Min(field))["at"]
    return MonthOf(
        month=month,
        rows=read(rows.filter(**{f"{field}__gte": start, f"{field}__lt": end})),
        earlier=month_at(before),
        later=month_at(after),
    )


def month_at(at: datetime | None) -> ServiceMonth | None:
    return ServiceMonth.of(local_date(epoch(at), settings.SLA_ZONE)) if at else None
