"""The service months that an incident or a window touches, on the SLA clock, with their claim periods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from claims.queries import windows_of
from claims.rules import ClaimWindow
from incidents.models import Incident
from incidents.queries import periods_of
from sla_portal.availability.queries import closed_months
from sla_portal.clocks import month_name
from sla_portal.kernel.months import ServiceMonth

MOMENT = timedelta(seconds=1)


@dataclass(frozen=True)
class TouchedMonth:
    """A service month that an incident or window touches."""

    month: ServiceMonth
    name: str
    window: ClaimWindow | None
    """When its claims open and close; None before the first agreement version."""
    closed: bool


def touched_months(periods: Iterable[tuple[datetime, datetime]]) -> list[TouchedMonth]:
    """Return the months in which some of `periods` lies, in order; one without length lies in that of its start."""
    months = months_touched(periods)
    windows, closed = windows_of(months), closed_months([month.first_day for month in months])
    return [TouchedMonth(month, month_name(month), windows.get(month), month.first_day in closed) for month in months]


def months_touched(periods: Iterable[tuple[datetime, datetime]]) -> list[ServiceMonth]:
    """Return the months of `touched_months` alone."""
    return sorted(
        {
            month
            for start, end in periods
            for month in ServiceMonth.touched(start, max(end, start + MOMENT), settings.SLA_ZONE)
        }
    )


def months_of_incident(incident: Incident, now: datetime) -> list[ServiceMonth]:
    """Return the months of an incident's outages; that of its detection where it has none."""
    return months_touched(periods_of(incident, now) or [(incident.detected_at, incident.detected_at)])
