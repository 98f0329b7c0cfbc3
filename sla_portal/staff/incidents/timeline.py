"""The timeline of an incident in a region: downtime, maintenance and exclusions, counted minutes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from incidents.models import Incident
from sla_portal.availability.models import Status
from sla_portal.availability.queries import Grid
from sla_portal.clocks import format_instant, format_length, format_minutes, zone_name
from sla_portal.kernel.intervals import MINUTE, Span, epoch, instant, seconds

from ..pictures import Tick, TimelineRow, cell_rows, range_of, ticks, timeline_row
from .impact import RegionImpact


@dataclass(frozen=True)
class Axis:
    """The time axis in one time zone."""

    place: str
    ticks: list[Tick]


@dataclass(frozen=True)
class Timeline:
    axes: list[Axis]
    down: list[TimelineRow]
    context: list[TimelineRow]
    """Windows, exclusions and other incidents."""
    counted: list[TimelineRow]


def timeline(impact: RegionImpact, incident: Incident, grid: Grid, now: int) -> Timeline:
    """Draw an incident in a region; ongoing outages end at `now`, in seconds since the epoch."""
    span = range_of(impact.down, now if impact.ongoing else None)
    downs = impact.judgement.outages
    own = [(down.start, down.end, down.cells) for down in downs if down.incident == incident.reference]
    others = [(down.start, down.end) for down in downs if down.incident != incident.reference]
    rows = cell_rows(own, len(grid.functions), len(grid.clients))
    read = impact.judgement.in_force
    clocks = {zone: zone_name(zone) for zone in (timezone.get_current_timezone(), settings.SLA_ZONE)}
    drawn_others = timeline_row(_("Other incidents"), others, "other", span, format_spans)
    excluded = timeline_row(_("Excluded"), read.excluded.spans, "excluded", span, _format_minutes)
    return Timeline(
        axes=[Axis(name, ticks(span, zone)) for zone, name in clocks.items()],
        down=[
            timeline_row(_cell_name(row.function, row.client, grid), row.down, "down", span, format_spans)
            for row in rows
        ],
        context=[
            *([drawn_others] if drawn_others.bars else []),
            *(
                timeline_row(overlap.window.reference, _announced(overlap.window), "window", span, format_spans)
                for overlap in impact.overlaps
            ),
            *(
                timeline_row(
                    f"{exclusion.clause} ({exclusion.get_status_display()})",
                    [
                        (
                            epoch(exclusion.starts_at) if exclusion.starts_at else impact.down[0][0],
                            epoch(exclusion.ends_at) if exclusion.ends_at else impact.down[-1][1],
                        )
                    ],
                    "excluded" if exclusion.status == Status.CONFIRMED else "proposed",
                    span,
                    format_spans,
                )
                for exclusion in incident.exclusions.all()
                if exclusion.status in (Status.PROPOSED, Status.CONFIRMED)
            ),
        ],
        counted=[
            timeline_row(_("Counts as downtime"), read.counted.spans, "counted", span, _format_minutes),
            *([excluded] if excluded.bars else []),
        ],
    )


def _announced(window) -> list[Span]:
    return [(epoch(window.starts_at), epoch(window.ends_at))]


def _cell_name(function: int | None, client: int | None, grid: Grid) -> str:
    if function is None:
        return _("All functions, all clients")
    if client is None:
        return _("%(function)s, all clients") % {"function": grid.functions[function]}
    return f"{grid.functions[function]}, {grid.clients[client]}"


def format_spans(spans: Sequence[Span]) -> str:
    if not spans:
        return _("none")
    zone = timezone.get_current_timezone()
    return "; ".join(
        _("%(start)s to %(end)s (%(length)s)")
        % {
            "start": format_instant(instant(start), zone),
            "end": format_instant(instant(end), zone),
            "length": format_length(end - start),
        }
        for start, end in spans
    )


def _format_minutes(spans: Sequence[Span]) -> str:
    return format_minutes(seconds(spans) // MINUTE)


def format_total_length(spans: Sequence[Span]) -> str:
    return format_length(seconds(spans))
