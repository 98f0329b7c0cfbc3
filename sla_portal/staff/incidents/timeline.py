"""An incident's timeline in a region: what was down, what was planned or excluded, and what counted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from incidents.models import Incident
from sla_portal.availability.models import Status
from sla_portal.availability.queries import Grid
from sla_portal.clocks import format_instant, format_length, format_minutes, zone_name
from sla_portal.kernel.intervals import MINUTE, Span, epoch, instant, seconds

from ..pictures import Tick, TimelineRow, cell_rows, range_of, ticks, timeline_row
from .impact import RegionCost


@dataclass(frozen=True)
class Axis:
    """Times under the strips, on one clock."""

    place: str
    ticks: list[Tick]


@dataclass(frozen=True)
class Timeline:
    axes: list[Axis]
    down: list[TimelineRow]
    over: list[TimelineRow]
    """Windows, exclusions and other incidents."""
    counted: list[TimelineRow]


def timeline(cost: RegionCost, incident: Incident, grid: Grid, now: int) -> Timeline:
    """Draw what an incident did to a region; `now` in seconds since the epoch ends what goes on."""
    span = range_of(cost.down, now if cost.ongoing else None)
    downs = cost.judgement.outages
    own = [(down.start, down.end, down.cells) for down in downs if down.incident == incident.reference]
    others = [(down.start, down.end) for down in downs if down.incident != incident.reference]
    rows = cell_rows(own, len(grid.functions), len(grid.clients))
    read = cost.judgement.in_force
    clocks = {zone: zone_name(zone) for zone in (timezone.get_current_timezone(), settings.SLA_ZONE)}
    drawn_others = timeline_row(_("Other incidents"), others, "other", span, when)
    excluded = timeline_row(pgettext("minutes", "Excluded"), read.excluded.spans, "excluded", span, _how_many)
    return Timeline(
        axes=[Axis(name, ticks(span, zone)) for zone, name in clocks.items()],
        down=[timeline_row(_cell_name(row.function, row.client, grid), row.down, "down", span, when) for row in rows],
        over=[
            *([drawn_others] if drawn_others.bars else []),
            *(
                timeline_row(overlap.window.reference, _announced(overlap.window), "window", span, when)
                for overlap in cost.overlaps
            ),
            *(
                timeline_row(
                    f"{exclusion.clause} ({exclusion.get_status_display()})",
                    [
                        (
                            epoch(exclusion.starts_at) if exclusion.starts_at else cost.down[0][0],
                            epoch(exclusion.ends_at) if exclusion.ends_at else cost.down[-1][1],
                        )
                    ],
                    "excluded" if exclusion.status == Status.CONFIRMED else "proposed",
                    span,
                    when,
                )
                for exclusion in incident.exclusions.all()
                if exclusion.status in (Status.PROPOSED, Status.CONFIRMED)
            ),
        ],
        counted=[
            timeline_row(pgettext("minutes", "Counted"), read.counted.spans, "counted", span, _how_many),
            *([excluded] if excluded.bars else []),
        ],
    )


def _announced(window) -> list[Span]:
    return [(epoch(window.starts_at), epoch(window.ends_at))]


def _cell_name(function: int | None, client: int | None, grid: Grid) -> str:
    if function is None:
        return _("Every function, every client")
    if client is None:
        return _("%(function)s, every client") % {"function": grid.functions[function]}
    return f"{grid.functions[function]}, {grid.clients[client]}"


def when(spans: Sequence[Span]) -> str:
    if not spans:
        return _("not at all")
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


def _how_many(spans: Sequence[Span]) -> str:
    return format_minutes(seconds(spans) // MINUTE)


def format_total_length(spans: Sequence[Span]) -> str:
    return format_length(seconds(spans))
