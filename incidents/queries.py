"""Incidents and outages, read for a region and a stretch of time."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Max, Min, Prefetch, Q, QuerySet

from sla_portal.customers.models import Region

from .models import Incident, Outage

ALIKE_WITHIN = timedelta(minutes=15)


def outages_touching(region: Region, start: datetime, end: datetime) -> QuerySet[Outage]:
    """Outages of a region that overlap or meet `[start, end)`."""
    return Outage.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gte=start), region=region, started_at__lte=end)


def outages_hanging_together(region: Region, start: datetime, end: datetime) -> QuerySet[Outage]:
    """Outages that touch `[start, end)`, and those that hang together with one that does.

    A failure event is found whole before it is cut at a month's edge (1.5), so whatever it can consist of is needed.
    Each turn reaches further by one chain of outages; nearly always the second finds nothing more.
    """
    while True:
        outages = outages_touching(region, start, end)
        reach = outages.aggregate(start=Min("started_at"), end=Max("ended_at"))
        wider = min(start, reach["start"] or start), max(end, reach["end"] or end)
        if wider == (start, end):
            return outages
        start, end = wider


def incidents_touching(region: Region, start: datetime, end: datetime) -> QuerySet[Incident]:
    """Incidents with an outage of the region in `[start, end)`, oldest first, their outages of all regions beside them."""
    return (
        Incident.objects.filter(
            Q(outages__ended_at__isnull=True) | Q(outages__ended_at__gt=start),
            outages__region=region,
            outages__started_at__lt=end,
        )
        .distinct()
        .order_by("detected_at", "id")
        .prefetch_related(
            Prefetch("outages", Outage.objects.select_related("region").prefetch_related("functions", "clients"))
        )
    )


def alike(regions: list[Region], started_at: datetime) -> QuerySet[Incident]:
    """Incidents that a new outage of `regions` may belong to: open, or felt there within a quarter of an hour."""
    near = Q(outages__ended_at__gte=started_at - ALIKE_WITHIN) & Q(outages__started_at__lte=started_at + ALIKE_WITHIN)
    return (
        Incident.objects.filter(Q(resolved_at__isnull=True) | near, outages__region__in=regions)
        .distinct()
        .order_by("-detected_at")
    )
