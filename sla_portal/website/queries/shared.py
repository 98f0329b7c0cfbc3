"""What all of these read: names of regions, functions and clients, and the rows of a month."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db.models import Max, Min, Q, QuerySet

from incidents.models import Outage
from sla_portal.customers.models import Client, CoreFunction, Region, Translated
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import ServiceMonth, day_span, local_date

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
    """All core functions and clients, in order, and the regions: those in service today, and all on record."""

    regions: tuple[Named, ...]
    every: tuple[Named, ...]
    coming: tuple[tuple[Named, date], ...]
    """The regions that are not in service yet, each with its first service day."""
    gone: tuple[tuple[Named, date], ...]
    """Those that are not in service any more, each with its last service day."""
    first_days: tuple[date, ...]
    last_days: tuple[date, ...]
    """The first and the last service days of regions that have any."""
    functions: tuple[Named, ...]
    clients: tuple[Named, ...]

    @classmethod
    def current(cls, now: datetime) -> Grid:
        today = local_date(epoch(now), settings.SLA_ZONE)
        every = list(Region.objects.all())
        coming = [(row, day) for row in every if (day := row.first_service_day) and day > today]
        gone = [(row, day) for row in every if (day := row.last_service_day) and day < today]
        others = {row.pk for row, _day in (*coming, *gone)}
        return cls(
            regions=all_named(row for row in every if row.pk not in others),
            every=all_named(every),
            coming=tuple((named(row), day) for row, day in coming),
            gone=tuple((named(row), day) for row, day in gone),
            first_days=tuple(sorted({row.first_service_day for row in every if row.first_service_day})),
            last_days=tuple(sorted({row.last_service_day for row in every if row.last_service_day})),
            functions=all_named(CoreFunction.objects.all()),
            clients=all_named(Client.objects.all()),
        )

    def outages(self) -> QuerySet[Outage]:
        """Outages of which some time lies in the service days of their region: the public reads of no others."""
        outside = Q(pk__in=[])
        for day in self.first_days:
            outside |= Q(region__first_service_day=day, ended_at__lte=instant(day_span(day, settings.SLA_ZONE)[0]))
        for day in self.last_days:
            outside |= Q(region__last_service_day=day, started_at__gte=instant(day_span(day, settings.SLA_ZONE)[1]))
        return Outage.objects.exclude(outside)

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
