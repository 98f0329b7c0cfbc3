"""The timeline of a maintenance window: announced periods, work, downtime, and what is excluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from sla_portal.clocks import format_instant, zone_name
from sla_portal.kernel.intervals import Span, epoch, merged

from ..incidents.timeline import Axis, format_spans, format_total_length
from ..pictures import TimelineRow, ticks, timeline_row
from .windows import SentNotice, WindowStatus

WIDEST = 4
"""The timeline shows earlier announced periods if it gets at most this many times longer."""


@dataclass(frozen=True)
class WindowTimeline:
    """The rows of the timeline."""

    axes: list[Axis]
    announced: list[TimelineRow]
    happened: list[TimelineRow]
    covered: list[TimelineRow]


def timeline(now: WindowStatus, notices: Sequence[SentNotice]) -> WindowTimeline:
    """Draw a window; periods far from the newest one are given as text only."""
    span = _shown(now, notices)
    zone = timezone.get_current_timezone()
    clocks = {zone: zone_name(zone) for zone in (zone, settings.SLA_ZONE)}
    return WindowTimeline(
        axes=[Axis(name, ticks(span, zone)) for zone, name in clocks.items()],
        announced=[_notice_row(notice, span) for notice in notices]
        or [timeline_row(_("Planned, not announced"), [now.span], "proposed", span, format_spans)],
        happened=[
            *([timeline_row(_("Work"), now.work, "work", span, format_spans)] if now.work else []),
            *(
                timeline_row(
                    _("Downtime in %(region)s") % {"region": down.region}, down.spans, "down", span, format_spans
                )
                for down in now.downtime
            ),
        ],
        covered=[
            timeline_row(_("Excluded under 4.1"), now.covered, "excluded", span, format_total_length),
            timeline_row(_("Counts as downtime"), now.not_covered, "counted", span, format_total_length),
        ],
    )


def _shown(now: WindowStatus, notices: Sequence[SentNotice]) -> Span:
    focus = merged([now.span, *now.work, *(span for down in now.downtime for span in down.spans)])
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


def _notice_row(notice: SentNotice, span: Span) -> TimelineRow:
    """The period a notice announced, and the time of sending if it is within the timeline."""
    row = notice.row
    name = (
        f"{notice.name.capitalize()} {format_instant(row.sent_at.replace(second=0), timezone.get_current_timezone())}"
    )
    announced = [(epoch(row.starts_at), epoch(row.ends_at))] if row.starts_at and row.ends_at else []
    drawn = timeline_row(name, announced, "window", span, format_spans)
    sent = epoch(row.sent_at)
    moment = timeline_row(name, [(sent, sent + 1)], "sent", span, format_spans)
    return TimelineRow(name, format_spans(announced) if announced else _("cancelled"), [*drawn.bars, *moment.bars])
