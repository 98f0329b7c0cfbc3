"""Incidents with an outage or a public update."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import cast

from django.conf import settings
from django.db.models import Exists, Max, Min, OuterRef, Prefetch, Q, QuerySet

from incidents.models import Incident, Outage, Review, Update
from incidents.rules import Severity, check_end
from sla_portal.kernel.intervals import SECOND, instant
from sla_portal.kernel.months import ServiceMonth

from ..rules import (
    PublicAction,
    PublicIncident,
    PublicOutage,
    PublicReview,
    PublicUpdate,
    Stage,
    severity_by_scope,
    stage,
)
from .shared import BLOCK, FEW, KNOWN, MANY, Grid, MonthOf, month_at, named

LATELY = timedelta(days=30)


def latest_incidents(now: datetime) -> tuple[PublicIncident, ...]:
    """The newest fifty."""
    return _incidents(grid := Grid.current(now), now, _public_incidents(grid)[:MANY])


def incidents_in(block: int, now: datetime) -> tuple[PublicIncident, ...] | None:
    """The incidents of a block of a hundred, newest first; None past the last."""
    grid = Grid.current(now)
    return _incidents(grid, now, _public_incidents(grid)[block * BLOCK : (block + 1) * BLOCK]) or None


def incident_references(now: datetime) -> tuple[str, ...]:
    """The references of the newest."""
    return tuple(_public_incidents(Grid.current(now)).values_list("reference", flat=True)[:KNOWN])


def incidents_of(month: ServiceMonth, now: datetime) -> MonthOf[PublicIncident]:
    """The incidents with an outage in a month in the SLA time zone; one without outages in that of its detection."""
    start, end = map(instant, month.span(settings.SLA_ZONE))
    grid = Grid.current(now)
    rows = _public_incidents(grid)
    # Every incident with an outage in service is public.
    touching = grid.outages().filter(Q(ended_at__isnull=True) | Q(ended_at__gt=start), started_at__lt=end)
    without = Q(outages__isnull=True, detected_at__gte=start, detected_at__lt=end)
    return MonthOf(
        month=month,
        rows=_incidents(grid, now, rows.filter(Q(pk__in=touching.values("incident")) | without)),
        earlier=_month_before(grid, month, rows, start),
        later=_month_after(grid, month, rows, end, now),
    )


def _month_before(grid: Grid, month: ServiceMonth, rows: QuerySet[Incident], start: datetime) -> ServiceMonth | None:
    """The nearest month that ends at `start` or before with an incident; as in `incidents_of`."""
    before = grid.outages().filter(started_at__lt=start)
    if before.filter(Q(ended_at__isnull=True) | Q(ended_at__gte=start)).exists():
        return month.previous
    end = before.aggregate(at=Max("ended_at"))["at"]
    detected = rows.filter(outages__isnull=True, detected_at__lt=start).aggregate(at=Max("detected_at"))["at"]
    return month_at(max(filter(None, [end and end - SECOND, detected]), default=None))


def _month_after(
    grid: Grid, month: ServiceMonth, rows: QuerySet[Incident], end: datetime, now: datetime
) -> ServiceMonth | None:
    """The nearest month that begins at `end` or after with an incident; an ongoing outage lasts to `now`."""
    after = Q(ended_at__gt=end) | Q(ended_at__isnull=True)
    outages = grid.outages()
    if now > end and outages.filter(after, started_at__lt=end).exists():
        return month.next
    started = outages.filter(started_at__gte=end).aggregate(at=Min("started_at"))["at"]
    detected = rows.filter(outages__isnull=True, detected_at__gte=end).aggregate(at=Min("detected_at"))["at"]
    return month_at(min(filter(None, [started, detected]), default=None))


def incident(reference: str, now: datetime) -> PublicIncident | None:
    found = _incidents(grid := Grid.current(now), now, _public_incidents(grid).filter(reference=reference))
    return found[0] if found else None


def open_incidents(grid: Grid, now: datetime) -> tuple[PublicIncident, ...]:
    return _incidents(grid, now, _public_incidents(grid).filter(_open(now)))


def recent_incidents(grid: Grid, now: datetime) -> tuple[PublicIncident, ...]:
    """The newest of those that ended."""
    return _incidents(grid, now, _public_incidents(grid).exclude(_open(now)).filter(detected_at__gt=now - LATELY)[:FEW])


def _public_incidents(grid: Grid) -> QuerySet[Incident]:
    """Incidents with an outage in service or a public update, and those that another was merged into; reads public fields only."""
    return (
        Incident.objects.filter(
            Exists(grid.outages().filter(incident=OuterRef("pk")))
            | Exists(Update.objects.filter(incident=OuterRef("pk"), public=True))
            | Exists(Incident.objects.filter(merged_into=OuterRef("pk")))
        )
        .select_related("merged_into")
        .only("reference", "detected_at", "resolved_at", "severity", "voided_at", "merged_into__reference")
        .order_by("-detected_at", "-id")
    )


def _open(now: datetime) -> Q:
    still_down = Outage.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=now), started_at__lte=now)
    unresolved = Q(resolved_at__isnull=True) | Q(resolved_at__gt=now) | Q(pk__in=still_down.values("incident"))
    return Q(voided_at__isnull=True) & unresolved


def _incidents(grid: Grid, now: datetime, incidents: QuerySet[Incident]) -> tuple[PublicIncident, ...]:
    read = incidents.prefetch_related(
        Prefetch("outages", grid.outages().select_related("region").prefetch_related("functions", "clients")),
        Prefetch(
            "updates", Update.objects.filter(public=True, at__lte=now).only("incident_id", "at", "text", "text_zh")
        ),
        Prefetch("review", Review.objects.filter(published_at__lte=now).prefetch_related("actions")),
    )
    return tuple(_incident(grid, now, row) for row in read)


def _incident(grid: Grid, now: datetime, row: Incident) -> PublicIncident:
    outages = tuple(
        PublicOutage(
            region=named(outage.region),
            scope=grid.scope(outage.functions.all(), outage.clients.all()),
            started_at=outage.started_at,
            ended_at=outage.ended_at,
        )
        for outage in row.outages.all()
    )
    in_order = not any(check_end(outage.ended_at, row.resolved_at) for outage in outages)
    ended = Stage.MERGED if row.merged_into else Stage.VOIDED if row.voided_at else None
    given = Severity(row.severity) if row.severity and not ended else None
    return PublicIncident(
        reference=row.reference,
        stage=ended or stage(row.resolved_at, outages, now),
        severity=None if ended else given or severity_by_scope(outages, grid.functions, grid.clients),
        severity_set=given is not None,
        detected_at=row.detected_at,
        resolved_at=row.resolved_at if in_order else None,
        outages=outages,
        updates=tuple(PublicUpdate(update.pk, update.at, update.text, update.text_zh) for update in row.updates.all()),
        voided_at=row.voided_at,
        merged_into=row.merged_into.reference if row.merged_into else "",
        review=_review(row.review) if hasattr(row, "review") else None,
    )


def _review(row: Review) -> PublicReview:
    return PublicReview(
        published_at=cast("datetime", row.published_at),
        cause=row.cause,
        cause_zh=row.cause_zh,
        timeline=row.timeline,
        timeline_zh=row.timeline_zh,
        actions=tuple(
            PublicAction(action.text, action.text_zh, action.due_on, action.done_on) for action in row.actions.all()
        ),
    )
