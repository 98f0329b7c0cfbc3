"""The calendar of maintenance windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from maintenance.models import MaintenanceWindow
from maintenance.queries import notices_given, stage_of, windows_between
from maintenance.rules import lead
from maintenance.words import below_recommended, format_lead_time, stage_badge
from sla_portal.agreements.queries import terms_periods
from sla_portal.agreements.rules import TermsPeriod, terms_at
from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import Span, epoch, instant
from sla_portal.kernel.months import day_span, local_date

from ..common import page, require_right
from .window import VIEW

WEEKS = 6
FIRST_DAY, LAST_DAY = date(1970, 1, 12), date(9990, 1, 1)


@dataclass(frozen=True)
class CalendarWindow:
    """A window in the calendar; `overlapping` holds the references of windows at the same time in the same region."""

    window: MaintenanceWindow
    badge: tuple[str, str]
    lead: str
    below_recommended: bool
    overlapping: list[str]


class Day(NamedTuple):
    day: date
    today: bool
    past: bool
    windows: list[tuple[CalendarWindow, str]]
    """Each window with its hours on that day."""


def weeks_of(first: date, weeks: int, now: datetime) -> list[list[Day]]:
    """The windows of `weeks` weeks from a Monday, by day in the time zone of the reader."""
    zone = timezone.get_current_timezone()
    days = [first + timedelta(days=n) for n in range(7 * weeks)]
    spans = [day_span(day, zone) for day in days]
    rows = list(windows_between(instant(spans[0][0]), instant(spans[-1][1])))
    periods = terms_periods()
    planned = [(row, _calendar_window(row, rows, periods, now)) for row in rows]
    today = local_date(epoch(now), zone)
    found = [
        Day(
            day,
            today=day == today,
            past=day < today,
            windows=[
                (entry, _hours_of_day(row, span))
                for row, entry in planned
                if epoch(row.starts_at) < span[1] and epoch(row.ends_at) > span[0]
            ],
        )
        for day, span in zip(days, spans, strict=True)
    ]
    return [found[start : start + 7] for start in range(0, len(found), 7)]


def _calendar_window(
    window: MaintenanceWindow, others: Sequence[MaintenanceWindow], periods: Sequence[TermsPeriod], now: datetime
) -> CalendarWindow:
    ahead = lead(notices_given(window))
    return CalendarWindow(
        window=window,
        badge=stage_badge(stage_of(window, now)),
        lead="" if ahead is None else format_lead_time(ahead),
        below_recommended=ahead is not None and below_recommended(ahead, terms_at(periods, epoch(window.starts_at))),
        overlapping=[other.reference for other in others if other != window and _overlap(window, other)],
    )


def _overlap(one: MaintenanceWindow, other: MaintenanceWindow) -> bool:
    if any(window.cancelled_at or window.not_carried_out_at for window in (one, other)):
        return False
    somewhere, elsewhere = ({region.pk for region in window.regions.all()} for window in (one, other))
    same_place = not somewhere or not elsewhere or bool(somewhere & elsewhere)
    return same_place and one.starts_at < other.ends_at and other.starts_at < one.ends_at


def _hours_of_day(window: MaintenanceWindow, span: Span) -> str:
    """Format the hours on one day: `02:00 – 03:00`; an ellipsis where the window continues on another day."""
    zone = timezone.get_current_timezone()
    start, end = epoch(window.starts_at), epoch(window.ends_at)
    begins = f"{window.starts_at.astimezone(zone):%H:%M}" if start >= span[0] else "…"
    ends = f"{window.ends_at.astimezone(zone):%H:%M}" if end <= span[1] else "…"
    return f"{begins} – {ends}"


@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """Show the windows of six weeks from the week of `?from=2026-11-23`; by default from the current week."""
    require_right(request, VIEW)
    now = timezone.now()
    today = local_date(epoch(now), timezone.get_current_timezone())
    first = _monday(_asked_day(request.GET.get("from", ""), today))
    weeks = weeks_of(first, WEEKS, now)
    return page(
        request,
        "staff/maintenance/calendar.html",
        {
            "title": _("Maintenance calendar"),
            "weeks": weeks,
            "any": any(day.windows for week in weeks for day in week),
            "previous": first - timedelta(weeks=WEEKS),
            "next": first + timedelta(weeks=WEEKS),
            "present": first == _monday(today),
            "regions": Region.objects.all(),
        },
    )


def _asked_day(text: str, today: date) -> date:
    try:
        asked = date.fromisoformat(text)
    except ValueError:
        return today
    return asked if FIRST_DAY + timedelta(weeks=WEEKS) <= asked <= LAST_DAY else today


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
