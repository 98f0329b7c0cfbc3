"""Export the list of incidents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponseBase
from django.views.decorators.http import require_safe

from incidents.models import Incident
from incidents.queries import severities
from sla_portal.kernel.instants import instant_text

from ..common import require_right
from ..exports import export_list

COLUMNS = (
    "reference",
    "title",
    "status",
    "merged_into",
    "severity",
    "severity_set_by_a_person",
    "owner",
    "source",
    "ticket_number",
    "ticket_url",
    "chat_url",
    "regions",
    "started_at",
    "ended_at",
    "detected_at",
    "acknowledged_at",
    "resolved_at",
    "classification",
)
CLASSIFICATIONS = {None: "pending", True: "attributable", False: "excluded"}


@require_safe
def incidents(request: HttpRequest, form: str) -> HttpResponseBase:
    """Export the incidents of the list, filtered as it is; the outages of each as their regions and whole period."""
    require_right(request, "incidents.view_incident")
    return export_list(request, form, Incident, COLUMNS, _rows)


def _rows(incidents: Sequence[Incident]) -> Iterator[tuple[Any, ...]]:
    prefetch_related_objects(incidents, "merged_into")
    severity_of = severities(incidents)
    for incident in incidents:
        severity = severity_of[incident.pk]
        outages = list(incident.outages.all())
        ends = [outage.ended_at for outage in outages]
        yield (
            incident.reference,
            incident.title,
            _status(incident),
            incident.merged_into.reference if incident.merged_into else "",
            severity.severity.value if severity.severity else "",
            "yes" if severity.given else "no",
            incident.owner.get_username() if incident.owner else "",
            incident.source,
            incident.ticket_number,
            incident.ticket_url,
            incident.chat_url,
            ", ".join(dict.fromkeys(outage.region.code for outage in outages)),
            _text(min((outage.started_at for outage in outages), default=None)),
            "" if None in ends else _text(max(filter(None, ends), default=None)),
            _text(incident.detected_at),
            _text(incident.acknowledged_at),
            _text(incident.resolved_at),
            "" if incident.voided_at else CLASSIFICATIONS[incident.attributable],
        )


def _status(incident: Incident) -> str:
    """What voided or merged incidents are called: they count for nothing."""
    if incident.merged_into:
        return "merged"
    if incident.voided_at:
        return "voided"
    return "resolved" if incident.resolved_at else "ongoing"


def _text(at: datetime | None) -> str:
    return instant_text(at) if at else ""
