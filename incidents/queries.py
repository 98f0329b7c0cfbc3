"""Read incidents and outages by region and period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Max, Min, Prefetch, Q, QuerySet

from sla_portal.customers.models import Region
from sla_portal.customers.queries import clients as all_clients
from sla_portal.customers.queries import core_functions

from .models import Incident, Outage
from .rules import AffectedScope, Severity, Times, scope_severity

DUPLICATE_WITHIN = timedelta(minutes=15)


def times_of(incident: Incident) -> Times:
    """Return the times of an incident and of its outages; prefetch `outages` for several."""
    return Times(
        detected_at=incident.detected_at,
        acknowledged_at=incident.acknowledged_at,
        resolved_at=incident.resolved_at,
        logged_at=incident.logged_at,
        outages=tuple((outage.started_at, outage.ended_at) for outage in incident.outages.all()),
    )


def outages_touching(region: Region, start: datetime, end: datetime) -> QuerySet[Outage]:
    """Outages of a region that count and overlap or meet `[start, end)`."""
    return Outage.objects.valid().filter(
        Q(ended_at__isnull=True) | Q(ended_at__gte=start), region=region, started_at__lte=end
    )


def connected_outages(region: Region, start: datetime, end: datetime) -> QuerySet[Outage]:
    """Outages that touch `[start, end)`, and all outages connected to them without a gap.

    A failure event is measured whole before it is cut at a month boundary (1.5), so all of its outages are needed.
    Each pass extends the range by the outages found; usually the second pass finds nothing new.
    """
    while True:
        outages = outages_touching(region, start, end)
        reach = outages.aggregate(start=Min("started_at"), end=Max("ended_at"))
        wider = min(start, reach["start"] or start), max(end, reach["end"] or end)
        if wider == (start, end):
            return outages
        start, end = wider


def incidents_touching(region: Region, start: datetime, end: datetime) -> QuerySet[Incident]:
    """Incidents with an outage of the region in `[start, end)`, oldest first, with their outages in all regions."""
    return (
        Incident.objects.valid()
        .filter(
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


def periods_of(incident: Incident, now: datetime) -> list[tuple[datetime, datetime]]:
    """Return the time that each outage of an incident lasted; an ongoing one lasts to `now`."""
    return [(outage.started_at, outage.ended_at or now) for outage in incident.outages.all()]


def possible_duplicates(regions: list[Region], started_at: datetime, ended_at: datetime | None) -> QuerySet[Incident]:
    """Incidents that a new outage of `regions` may belong to: down there at the same time, or within 15 minutes of it.

    `ended_at` None: the outage is ongoing, and so belongs to no resolved incident.
    """
    near = Q(outages__ended_at__isnull=True) | Q(outages__ended_at__gte=started_at - DUPLICATE_WITHIN)
    if ended_at:
        near &= Q(outages__started_at__lte=ended_at + DUPLICATE_WITHIN)
    incidents = Incident.objects.valid() if ended_at else Incident.objects.open()
    return incidents.filter(near, outages__region__in=regions).distinct().order_by("-detected_at")


@dataclass(frozen=True)
class IncidentSeverity:
    """The severity of an incident: as a person set it, and derived from its scope; None: not set, without outages."""

    given: Severity | None
    by_scope: Severity | None

    @property
    def severity(self) -> Severity | None:
        return self.given or self.by_scope


def severities(
    incidents: Iterable[Incident], outages: Iterable[Outage] | None = None
) -> Mapping[int, IncidentSeverity]:
    """Return the severity of each incident by primary key, in a fixed number of queries; `outages`: theirs, if read already."""
    incidents = list(incidents)
    functions, clients = ([one.pk for one in every] for every in (core_functions(), all_clients()))
    scopes: dict[int, list[AffectedScope]] = {}
    if outages is None:
        outages = Outage.objects.filter(incident__in=incidents).prefetch_related("functions", "clients")
    for outage in outages:
        scopes.setdefault(outage.incident_id, []).append(
            AffectedScope(
                outage.region_id,
                [function.pk for function in outage.functions.all()] or None,
                [client.pk for client in outage.clients.all()] or None,
            )
        )
    return {
        incident.pk: IncidentSeverity(
            Severity(incident.severity) if incident.severity else None,
            scope_severity(scopes.get(incident.pk, ()), functions, clients),
        )
        for incident in incidents
    }


def unacknowledged() -> int:
    """Return the number of ongoing incidents that nobody has acknowledged."""
    return Incident.objects.open().filter(acknowledged_at__isnull=True).count()


def may_own(user: User) -> bool:
    """Whether incidents may be handed over to a user: active, and allowed to change incidents."""
    return user.is_active and user.has_perm("incidents.change_incident")
