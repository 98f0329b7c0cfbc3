"""When the state of a core function in a region changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, Max, OuterRef, Q, QuerySet

from incidents.models import Outage
from maintenance.models import MaintenanceNotice, MaintenanceWindow


@dataclass(frozen=True)
class Change:
    """The newest change of a scope; empty codes are all regions or functions."""

    region: str
    function: str
    at: datetime


def component_changes(now: datetime, since: datetime | None = None) -> tuple[Change, ...]:
    """Return the newest beginning and end of outages and maintenance, by region and function; of all time without `since`."""
    outages = Outage.objects.filter(incident__voided_at__isnull=True)
    announced = MaintenanceNotice.objects.filter(window=OuterRef("pk"), starts_at__isnull=False, sent_at__lte=now)
    windows = MaintenanceWindow.objects.filter(
        Exists(announced), cancelled_at__isnull=True, not_carried_out_at__isnull=True
    )
    if since:
        outages = outages.filter(Q(started_at__gt=since) | Q(ended_at__gt=since))
        windows = windows.filter(Q(starts_at__gt=since) | Q(ends_at__gt=since) | Q(completed_at__gt=since))
    rows = [
        *_newest(outages, ("region__code", "functions__code"), ("started_at", "ended_at"), now),
        *_newest(windows, ("regions__code", "functions__code"), ("starts_at", "ends_at", "completed_at"), now),
    ]
    return tuple(Change(region or "", function or "", at) for region, function, *times in rows for at in times if at)


def _newest(rows: QuerySet[Any], by: Sequence[str], times: Sequence[str], now: datetime) -> Iterable[tuple[Any, ...]]:
    newest = {f"newest_{name}": Max(name, filter=Q(**{f"{name}__lte": now})) for name in times}
    return rows.order_by().values_list(*by).annotate(**newest)
