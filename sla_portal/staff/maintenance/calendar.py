"""The windows of the coming weeks."""

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
from maintenance.words import hours, is_short, stage_mark
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
class Planned:
    """A window in the calendar; `overlapping` are the references of those at the same time in the same place."""

    window: MaintenanceWindow
    mark: tuple[str, str]
    lead: str
    short: bool
    overlapping: list[str]


class Day(NamedTuple):
    day: date
    today: bool
    past: bool
    windows: list[tuple[Planned, str]]
    """Each with its hours of that day."""


def weeks_of(first: date, weeks: int, now: datetime) -> list[list[Day]]:
    """The windows of some weeks from a Monday, by day of the reader's clock."""
    zone = timezone.get_current_timezone()
    days = [first + timedelta(days=n) for n in range(7 * weeks)]
    spans = [day_span(day, zone) for day in days]
    rows = list(windows_between(instant(spans[0][0]), instant(spans[-1][1])))
    periods = terms_periods()
    planned = [(row, _planned(row, rows, periods, now)) for row in rows]
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


def _planned(
    window: MaintenanceWindow, others: Sequence[MaintenanceWindow], periods: Sequence[TermsPeriod], now: datetime
) -> Planned:
    ahead = lead(notices_given(window))
    return Planned(
        window=window,
        mark=stage_mark(stage_of(window, now)),
        lead="" if ahead is None else hours(ahead),
        short=ahead is not None and is_short(ahead, terms_at(periods, epoch(window.starts_at))),
        overlapping=[other.reference for other in others if other != window and _overlap(window, other)],
    )


def _overlap(one: MaintenanceWindow, other: MaintenanceWindow) -> bool:
    if one.cancelled_at or other.cancelled_at:
        return False
    somewhere, elsewhere = ({region.pk for region in window.regions.all()} for window in (one, other))
    same_place = not somewhere or not elsewhere or bool(somewhere & elsewhere)
    return same_place and one.starts_at < other.ends_at and other.starts_at < one.ends_at


def _hours_of_day(window: MaintenanceWindow, span: Span) -> str:
    """`02:00 – 03:00`; what goes on beyond the day is open to that side."""
    zone = timezone.get_current_timezone()
    start, end = epoch(window.starts_at), epoch(window.ends_at)
    begins = f"{window.starts_at.astimezone(zone):%H:%M}" if start >= span[0] else "…"
    ends = f"{window.ends_at.astimezone(zone):%H:%M}" if end <= span[1] else "…"
    return f"{begins} – {ends}"


@require_safe
def calendar(request: HttpRequest) -> HttpResponse:
    """Show the windows of some weeks; `?from=2026-11-23` from the week of that day, by default this one."""
    require_right(request, VIEW)
    now = timezone.now()
    today = local_date(epoch(now), timezone.get_current_timezone())
    first = _monday(_asked_day(request.GET.get("from", ""), today))
    weeks = weeks_of(first, WEEKS, now)
    return page(
        request,
        "staff/maintenance/calendar.html",
        {
            "title": _("Maintenance in the coming weeks"),
            "weeks": weeks,
            "any": any(day.windows for week in weeks for day in week),
            "earlier": first - timedelta(weeks=WEEKS),
            "later": first + timedelta(weeks=WEEKS),
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
