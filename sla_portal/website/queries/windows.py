"""Maintenance windows that were announced."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, Subquery

from maintenance.models import MaintenanceNotice, MaintenanceWindow
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from ..rules import Announcement, Named, Phase, PublicWindow, phase
from .shared import BLOCK, KNOWN, MANY, Grid, MonthOf, all_named, none_if_all, rows_of_month


@dataclass(frozen=True)
class Maintenance:
    """The windows of a month, those scheduled or in progress, and the regions with a calendar."""

    of_month: MonthOf[PublicWindow]
    planned: tuple[PublicWindow, ...]
    regions: tuple[Named, ...]


def latest_windows(now: datetime) -> tuple[PublicWindow, ...]:
    """The fifty that start last."""
    return _windows(Grid.current(now), now, _announced_windows(now)[:MANY])


def maintenance_of(month: ServiceMonth, now: datetime) -> Maintenance:
    """The windows announced to start in a month in the SLA time zone, and those scheduled or in progress."""
    grid = Grid.current(now)
    of_month = rows_of_month(_announced_windows(now), "announced_from", month, lambda rows: _windows(grid, now, rows))
    return Maintenance(of_month, planned_windows(grid, now), grid.regions)


def window(reference: str, now: datetime) -> PublicWindow | None:
    found = _windows(Grid.current(now), now, _announced_windows(now).filter(reference=reference))
    return found[0] if found else None


def _announced_windows(now: datetime) -> QuerySet[MaintenanceWindow]:
    """Windows that were announced; drafts are not."""
    told = MaintenanceNotice.objects.filter(window=OuterRef("pk"), starts_at__isnull=False, sent_at__lte=now)
    return (
        MaintenanceWindow.objects.annotate(
            announced_from=Subquery(told.order_by("-sent_at", "-id").values("starts_at")[:1])
        )
        .filter(announced_from__isnull=False)
        .order_by("-announced_from", "-id")
    )


def windows_in(block: int, now: datetime) -> tuple[PublicWindow, ...] | None:
    """The windows of a block of a hundred, the one that starts last first; None past the last."""
    return _windows(Grid.current(now), now, _announced_windows(now)[block * BLOCK : (block + 1) * BLOCK]) or None


def window_references(now: datetime) -> tuple[str, ...]:
    """The references of those that start last."""
    return tuple(_announced_windows(now).values_list("reference", flat=True)[:KNOWN])


def planned_windows(grid: Grid, now: datetime) -> tuple[PublicWindow, ...]:
    """Windows scheduled or in progress, the next first."""
    still_to_come = MaintenanceNotice.objects.filter(window=OuterRef("pk"), ends_at__gt=now)
    begun = Q(started_at__isnull=False, completed_at__isnull=True, cancelled_at__isnull=True)
    windows = _windows(grid, now, _announced_windows(now).filter(Exists(still_to_come) | begun))
    wanted = {Phase.SCHEDULED, Phase.IN_PROGRESS, Phase.OVERRUNNING}
    return tuple(
        sorted((one for one in windows if one.phase in wanted), key=lambda one: (one.starts_at, one.reference))
    )


def _windows(grid: Grid, now: datetime, windows: QuerySet[MaintenanceWindow]) -> tuple[PublicWindow, ...]:
    read = windows.prefetch_related(
        "regions",
        "functions",
        "clients",
        Prefetch("notices", MaintenanceNotice.objects.filter(sent_at__lte=now).select_related("notice")),
    )
    return tuple(_window(grid, now, row) for row in read if _in_service(row))


def _in_service(row: MaintenanceWindow) -> bool:
    """Whether one of its regions is in service on a day of the window; a window without regions is of all."""
    first, last = (local_date(epoch(at), settings.SLA_ZONE) for at in (row.starts_at, row.ends_at))
    regions = row.regions.all()
    return not regions or any(
        (one.first_service_day is None or one.first_service_day <= last)
        and (one.last_service_day is None or first <= one.last_service_day)
        for one in regions
    )


def _window(grid: Grid, now: datetime, row: MaintenanceWindow) -> PublicWindow:
    announced = tuple(
        Announcement(
            sent_at=given.sent_at,
            starts_at=given.starts_at,
            ends_at=given.ends_at,
            number=given.notice.number if given.notice and given.notice.public else "",
        )
        for given in row.notices.all()
    )
    starts_at, ends_at = [(a.starts_at, a.ends_at) for a in announced if a.starts_at and a.ends_at][-1]
    cancelled_at = row.cancelled_at or (None if announced[-1].starts_at else announced[-1].sent_at)
    return PublicWindow(
        reference=row.reference,
        title=row.title,
        kind=row.kind,
        regions=none_if_all(all_named(row.regions.all()), grid.every),
        scope=grid.scope(row.functions.all(), row.clients.all()),
        phase=phase(starts_at, ends_at, row.started_at, row.completed_at, cancelled_at, row.not_carried_out_at, now),
        starts_at=starts_at,
        ends_at=ends_at,
        completed_at=row.completed_at,
        cancelled_at=cancelled_at,
        not_carried_out_at=row.not_carried_out_at,
        announced=announced,
    )
