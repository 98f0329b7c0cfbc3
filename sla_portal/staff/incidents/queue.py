"""The queue of incidents pending classification and of proposed exclusions, oldest first."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from incidents.models import Incident
from sla_portal.availability.models import Exclusion, Status

from ..common import page, require_right

SHOWN = 100


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Show incidents pending classification and exclusions pending a decision in one list."""
    require_right(request, "availability.view_exclusion")
    incidents = Incident.objects.unclassified().order_by("detected_at", "id")[: SHOWN + 1]
    exclusions = (
        Exclusion.objects.filter(status=Status.PROPOSED)
        .select_related("incident", "customer", "proposed_by")
        .order_by("proposed_at", "id")[: SHOWN + 1]
    )
    waiting = [*map(_unclassified, incidents), *map(_undecided, exclusions)]
    waiting.sort(key=lambda entry: (entry["since"] is not None, entry["since"]))
    return page(
        request,
        "staff/incidents/queue.html",
        {"title": _("Classification queue"), "waiting": waiting[:SHOWN], "more": len(waiting) > SHOWN, "shown": SHOWN},
    )


def _unclassified(incident: Incident) -> dict[str, Any]:
    return {
        "name": incident,
        "url": reverse("admin:incident_page", args=[incident.pk]),
        "since": incident.detected_at,
        "word": _("pending classification") if incident.resolved_at else _("ongoing"),
        "state": "waiting" if incident.resolved_at else "open",
    }


def _undecided(exclusion: Exclusion) -> dict[str, Any]:
    proposed_by = exclusion.proposed_by
    return {
        "name": exclusion,
        "url": reverse("admin:incident_page", args=[exclusion.incident_id]) + f"#exclusion-{exclusion.pk}"
        if exclusion.incident_id
        else reverse("admin:claim_of_exclusion", args=[exclusion.pk]),
        "since": exclusion.proposed_at,
        "by": (proposed_by.get_full_name() or proposed_by.get_username()) if proposed_by else "",
        "word": _("pending decision"),
        "state": "waiting",
    }
