"""The text of a maintenance notice in each language, and its calendar file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parseaddr
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.functional import lazy

from sla_portal.clocks import format_instant
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.characters import without_hidden
from sla_portal.notices.wording import File, Words, worded
from sla_portal.operator.queries import present_mark
from sla_portal.operator.words import marked

from .calendars import CalendarEvent, EventStatus, calendar, to_vevent
from .models import MaintenanceNotice, MaintenanceWindow

if TYPE_CHECKING:
    from icalendar import Event


class Step(Enum):
    """What a notice changes compared with the one before."""

    FIRST = "first"
    RESCHEDULED = "rescheduled"
    EXTENDED = "extended"
    SHORTENED = "shortened"
    CANCELLED = "cancelled"


def step(before: MaintenanceNotice | None, starts_at: datetime | None, ends_at: datetime | None) -> Step:
    """Classify a notice for `starts_at` to `ends_at` (None: cancellation) that follows the notice `before`."""
    if starts_at is None or ends_at is None:
        return Step.CANCELLED
    if before is None or before.starts_at is None or before.ends_at is None:
        return Step.FIRST
    if starts_at != before.starts_at:
        return Step.RESCHEDULED
    return Step.EXTENDED if ends_at > before.ends_at else Step.SHORTENED


def notice_wordings(
    window: MaintenanceWindow,
    before: MaintenanceNotice | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    reason: str = "",
) -> list[Words]:
    """Render the notice in every language of the portal; None and None cancel. `reason` is added unchanged."""
    return worded(
        "maintenance/emails/notice",
        {
            "window": window,
            "step": step(before, starts_at, ends_at).value,
            "before": before,
            "clocks": in_zones(window, starts_at, ends_at),
            "clocks_before": in_zones(window, before.starts_at, before.ends_at) if before else [],
            "regions": window.regions.all(),
            "functions": window.functions.all(),
            "clients": window.clients.all(),
            "reason": reason,
        },
    )


def in_zones(window: MaintenanceWindow, starts_at: datetime | None, ends_at: datetime | None) -> list[tuple[Any, Any]]:
    """Format a period in the SLA time zone, in the zones of the window's regions and in UTC; each text when it is shown."""
    if starts_at is None or ends_at is None:
        return []
    zones = {str(zone): zone for zone in (settings.SLA_ZONE, *(region.zone for region in window.regions.all()), UTC)}
    shown = lazy(format_instant, str)
    return [(shown(starts_at, zone), shown(ends_at, zone)) for zone in zones.values()]


def invitation(
    window: MaintenanceWindow,
    sequence: int,
    starts_at: datetime,
    ends_at: datetime,
    announced_at: datetime,
    *,
    cancelled: bool = False,
) -> File:
    """Build the calendar file of a notice; `sequence` is the number of earlier notices."""
    event = CalendarEvent(
        reference=window.reference,
        title=marked(window.title, present_mark()),
        starts_at=starts_at,
        ends_at=ends_at,
        announced_at=announced_at,
        sequence=sequence,
        status=EventStatus.CANCELLED if cancelled else EventStatus.CONFIRMED,
        objects=affected_objects(list(window.regions.all()), list(window.functions.all()), list(window.clients.all())),
    )
    method = "CANCEL" if cancelled else "REQUEST"
    made = calendar([portal_vevent(event, _account(window))], method=method)
    return File(f"{without_hidden(window.reference)}.ics", f"text/calendar; charset=utf-8; method={method}", made)


def feed_event(window: MaintenanceWindow) -> tuple[CalendarEvent, str]:
    """Return the feed event of an announced window and its account: its newest announced time and its progress."""
    notices = list(window.notices.all())
    starts_at, ends_at = [(one.starts_at, one.ends_at) for one in notices if one.starts_at and one.ends_at][-1]
    if notices[-1].starts_at is None or window.not_carried_out_at:
        # The convention has no status of its own for a window that passed without maintenance: the summary says so.
        status = EventStatus.CANCELLED
    elif window.completed_at:
        status = EventStatus.COMPLETED
    else:
        status = EventStatus.IN_PROCESS if window.started_at else EventStatus.CONFIRMED
    event = CalendarEvent(
        reference=window.reference,
        title=window.title,
        starts_at=starts_at,
        ends_at=ends_at,
        announced_at=window.not_carried_out_at or notices[-1].sent_at,
        # Marking a window is no notice, and yet a change of the event: calendars keep the higher number.
        sequence=len(notices) - 1 + bool(window.not_carried_out_at),
        status=status,
        carried_out=window.not_carried_out_at is None,
        objects=affected_objects(list(window.regions.all()), list(window.functions.all()), list(window.clients.all())),
    )
    return event, _account(window)


def portal_vevent(event: CalendarEvent, account: str) -> Event:
    """Build the VEVENT with the portal as provider and organizer."""
    return to_vevent(
        event,
        provider=urlsplit(settings.SITE_URL).hostname or "localhost",
        organizer=parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        account=account,
    )


def _account(window: MaintenanceWindow) -> str:
    return ",".join(region.code for region in window.regions.all()) or "all"


def affected_objects(
    regions: Sequence[Region], functions: Sequence[CoreFunction], clients: Sequence[Client]
) -> tuple[str, ...]:
    """The affected objects as region/function/client codes; an asterisk stands for all."""
    return tuple(
        f"{region}/{function}/{client}"
        for region in [row.code for row in regions] or ["*"]
        for function in [row.code for row in functions] or ["*"]
        for client in [row.code for row in clients] or ["*"]
    )
