"""What a notice of maintenance says: its words in each language, and its calendar file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parseaddr
from enum import Enum
from urllib.parse import urlsplit

from django.conf import settings
from icalendar import Event

from sla_portal.clocks import format_instant
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.notices.wording import File, Words, worded

from .calendars import Announced, State, calendar, event
from .models import MaintenanceNotice, MaintenanceWindow


class Step(Enum):
    """What a notice does to what was announced before."""

    FIRST = "first"
    MOVED = "moved"
    LENGTHENED = "lengthened"
    SHORTENED = "shortened"
    CANCELLED = "cancelled"


def step(before: MaintenanceNotice | None, starts_at: datetime | None, ends_at: datetime | None) -> Step:
    """What announcing `starts_at` to `ends_at` (None: nothing any more) means after the notice `before`."""
    if starts_at is None or ends_at is None:
        return Step.CANCELLED
    if before is None or before.starts_at is None or before.ends_at is None:
        return Step.FIRST
    if starts_at != before.starts_at:
        return Step.MOVED
    return Step.LENGTHENED if ends_at > before.ends_at else Step.SHORTENED


def words(
    window: MaintenanceWindow,
    before: MaintenanceNotice | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    reason: str = "",
) -> list[Words]:
    """The notice in every language of the portal; None and None cancel. `reason` is added as it is written."""
    return worded(
        "maintenance/emails/notice",
        {
            "window": window,
            "step": step(before, starts_at, ends_at).value,
            "before": before,
            "clocks": clocks(window, starts_at, ends_at),
            "clocks_before": clocks(window, before.starts_at, before.ends_at) if before else [],
            "regions": window.regions.all(),
            "functions": window.functions.all(),
            "clients": window.clients.all(),
            "reason": reason,
        },
    )


def clocks(window: MaintenanceWindow, starts_at: datetime | None, ends_at: datetime | None) -> list[tuple[str, str]]:
    """A stretch as it reads on the SLA clock, on those of the window's regions, and in UTC."""
    if starts_at is None or ends_at is None:
        return []
    zones = {str(zone): zone for zone in (settings.SLA_ZONE, *(region.zone for region in window.regions.all()), UTC)}
    return [(format_instant(starts_at, zone), format_instant(ends_at, zone)) for zone in zones.values()]


def invitation(
    window: MaintenanceWindow,
    sequence: int,
    starts_at: datetime,
    ends_at: datetime,
    told_at: datetime,
    *,
    cancelled: bool = False,
) -> File:
    """The calendar file that goes with a notice; `sequence` counts the notices before it."""
    said = Announced(
        reference=window.reference,
        title=window.title,
        starts_at=starts_at,
        ends_at=ends_at,
        told_at=told_at,
        sequence=sequence,
        state=State.CANCELLED if cancelled else State.CONFIRMED,
        objects=concerned(list(window.regions.all()), list(window.functions.all()), list(window.clients.all())),
    )
    method = "CANCEL" if cancelled else "REQUEST"
    made = calendar([event_of(said, _account(window))], method=method)
    return File(f"{window.reference}.ics", f"text/calendar; charset=utf-8; method={method}", made)


def published(window: MaintenanceWindow) -> tuple[Announced, str]:
    """What a feed says of an announced window, and its account: as its newest notice had it, and how far the work is."""
    told = list(window.notices.all())
    starts_at, ends_at = [(one.starts_at, one.ends_at) for one in told if one.starts_at and one.ends_at][-1]
    if told[-1].starts_at is None:
        state = State.CANCELLED
    elif window.completed_at:
        state = State.COMPLETED
    else:
        state = State.IN_PROCESS if window.started_at else State.CONFIRMED
    said = Announced(
        reference=window.reference,
        title=window.title,
        starts_at=starts_at,
        ends_at=ends_at,
        told_at=told[-1].sent_at,
        sequence=len(told) - 1,
        state=state,
        objects=concerned(list(window.regions.all()), list(window.functions.all()), list(window.clients.all())),
    )
    return said, _account(window)


def event_of(said: Announced, account: str) -> Event:
    """An event in the portal's name."""
    return event(
        said,
        provider=urlsplit(settings.SITE_URL).hostname or "localhost",
        organizer=parseaddr(settings.DEFAULT_FROM_EMAIL)[1],
        account=account,
    )


def _account(window: MaintenanceWindow) -> str:
    return ",".join(region.code for region in window.regions.all()) or "all"


def concerned(
    regions: Sequence[Region], functions: Sequence[CoreFunction], clients: Sequence[Client]
) -> tuple[str, ...]:
    """What a window concerns, as region/function/client codes; an asterisk stands for all of them."""
    return tuple(
        f"{region}/{function}/{client}"
        for region in [row.code for row in regions] or ["*"]
        for function in [row.code for row in functions] or ["*"]
        for client in [row.code for row in clients] or ["*"]
    )
