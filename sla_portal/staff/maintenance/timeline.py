"""The picture of a maintenance window: what was announced, what it covers, what was down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from sla_portal.clocks import format_instant, zone_name
from sla_portal.kernel.intervals import Span, epoch, merged

from ..incidents.timeline import Axis, format_total_length, when
from ..pictures import TimelineRow, ticks, timeline_row
from .windows import Given, Standing

WIDEST = 4
"""How many times as long as the newest window a picture may get to show the earlier ones too."""


@dataclass(frozen=True)
class WindowTimeline:
    """Strips of a window: what was told, what was done and down, and what of it is covered."""

    axes: list[Axis]
    told: list[TimelineRow]
    happened: list[TimelineRow]
    covered: list[TimelineRow]


def timeline(now: Standing, notices: Sequence[Given]) -> WindowTimeline:
    """Draw a window. Where it was moved far, only the newest place is drawn and the earlier is told in words."""
    span = _shown(now, notices)
    zone = timezone.get_current_timezone()
    clocks = {zone: zone_name(zone) for zone in (zone, settings.SLA_ZONE)}
    return WindowTimeline(
        axes=[Axis(name, ticks(span, zone)) for zone, name in clocks.items()],
        told=[_notice_row(notice, span) for notice in notices]
        or [timeline_row(_("Planned, not announced"), [now.span], "proposed", span, when)],
        happened=[
            *([timeline_row(_("Work"), now.work, "work", span, when)] if now.work else []),
            *(
                timeline_row(_("Down in %(region)s") % {"region": down.region}, down.spans, "down", span, when)
                for down in now.downs
            ),
        ],
        covered=[
            timeline_row(_("Covered (4.1)"), now.covered, "excluded", span, format_total_length),
            timeline_row(_("Not covered"), now.not_covered, "counted", span, format_total_length),
        ],
    )


def _shown(now: Standing, notices: Sequence[Given]) -> Span:
    focus = merged([now.span, *now.work, *(span for down in now.downs for span in down.spans)])
    start, end = focus[0][0], focus[-1][1]
    ever = [
        edge
        for notice in notices
        if notice.row.starts_at and notice.row.ends_at
        for edge in (epoch(notice.row.starts_at), epoch(notice.row.ends_at))
    ]
    first, last = min([start, *ever]), max([end, *ever])
    if last - first <= WIDEST * (end - start):
        start, end = first, last
    margin = max((end - start) // 8, 300)
    return start - margin, end + margin


def _notice_row(notice: Given, span: Span) -> TimelineRow:
    """What a notice announced, and the moment of its sending where that lies in the picture."""
    row = notice.row
    name = (
        f"{notice.name.capitalize()} {format_instant(row.sent_at.replace(second=0), timezone.get_current_timezone())}"
    )
    said = [(epoch(row.starts_at), epoch(row.ends_at))] if row.starts_at and row.ends_at else []
    drawn = timeline_row(name, said, "window", span, when)
    sent = epoch(row.sent_at)
    moment = timeline_row(name, [(sent, sent + 1)], "sent", span, when)
    return TimelineRow(name, when(said) if said else _("nothing any more"), [*drawn.bars, *moment.bars])


# What one more notice would do
