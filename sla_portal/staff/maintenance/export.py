"""Export the list of maintenance windows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.views.decorators.http import require_safe

from maintenance.models import MaintenanceWindow
from maintenance.queries import stage_of
from sla_portal.kernel.instants import instant_text

from ..common import require_right
from ..exports import export_list
from ..incidents.impact import lead_hours

COLUMNS = (
    "reference",
    "title",
    "kind",
    "status",
    "starts_at",
    "ends_at",
    "started_at",
    "completed_at",
    "cancelled_at",
    "not_carried_out_at",
    "discarded_at",
    "announced_at",
    "lead_hours",
    "regions",
    "functions",
    "clients",
)


@require_safe
def windows(request: HttpRequest, form: str) -> HttpResponseBase:
    """Export the windows of the list, filtered as it is; an empty scope means all."""
    require_right(request, "maintenance.view_maintenancewindow")
    now = timezone.now()
    return export_list(request, form, MaintenanceWindow, COLUMNS, lambda windows: _rows(windows, now))


def _rows(windows: Sequence[MaintenanceWindow], now: datetime) -> Iterator[tuple[Any, ...]]:
    prefetch_related_objects(windows, "functions", "clients")
    for window in windows:
        first = next(iter(window.notices.all()), None)
        lead = lead_hours(window)
        yield (
            window.reference,
            window.title,
            window.kind,
            stage_of(window, now).value,
            *map(
                _text,
                (
                    window.starts_at,
                    window.ends_at,
                    window.started_at,
                    window.completed_at,
                    window.cancelled_at,
                    window.not_carried_out_at,
                    window.discarded_at,
                    first.sent_at if first else None,
                ),
            ),
            "" if lead is None else lead,
            *(
                ", ".join(row.code for row in scope.all())
                for scope in (window.regions, window.functions, window.clients)
            ),
        )


def _text(at: datetime | None) -> str:
    return instant_text(at) if at else ""
