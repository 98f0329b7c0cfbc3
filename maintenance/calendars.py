"""Maintenance windows as iCalendar events that follow the MAINTNOTE convention."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from icalendar import Event


class EventStatus(Enum):
    """The MAINTNOTE status of a window. iCalendar itself has only CONFIRMED and CANCELLED."""

    CONFIRMED = "CONFIRMED"
    IN_PROCESS = "IN-PROCESS"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class CalendarEvent:
    """The content of one event. `sequence` increases by one with each notice of the window, and when it is marked."""

    reference: str
    title: str
    starts_at: datetime
    ends_at: datetime
    announced_at: datetime
    sequence: int
    status: EventStatus
    objects: tuple[str, ...]
    """The affected objects as region/function/client codes."""
    carried_out: bool = True


def to_vevent(event: CalendarEvent, *, provider: str, organizer: str, account: str) -> Event:
    """Build one VEVENT. `provider`: host of the portal; `organizer`: e-mail address; `account`: affected regions."""
    # 11 MB, for the processes that write calendars.
    from icalendar import Event, vCalAddress, vText

    made = Event()
    made.add("uid", f"{event.reference}@{provider}")
    made.add("sequence", event.sequence)
    made.add("dtstamp", event.announced_at.astimezone(UTC))
    made.add("dtstart", event.starts_at.astimezone(UTC))
    made.add("dtend", event.ends_at.astimezone(UTC))
    made.add("summary", event.title if event.carried_out else _("%(title)s (not carried out)") % {"title": event.title})
    made.add("status", "CANCELLED" if event.status is EventStatus.CANCELLED else "CONFIRMED")
    made.add("transp", "TRANSPARENT")
    made.add("organizer", vCalAddress(f"mailto:{organizer}"))
    # As vText, and so escaped: of a property that is not in the standard the library leaves a plain text as it is.
    made.add("x-maintnote-provider", vText(provider))
    made.add("x-maintnote-account", vText(account))
    made.add("x-maintnote-maintenance-id", vText(event.reference))
    made.add("x-maintnote-impact", vText("OUTAGE"))
    made.add("x-maintnote-status", vText(event.status.value))
    for affected in event.objects:
        made.add("x-maintnote-object-id", vText(affected))
    return made


def calendar(events: Iterable[Event], *, name: str = "", method: str = "PUBLISH") -> bytes:
    """Build a calendar; `method` is REQUEST or CANCEL in an e-mail, PUBLISH in a feed."""
    from icalendar import Calendar, vText

    made = Calendar()
    made.add("prodid", "-//SLA portal//Maintenance//EN")
    made.add("version", "2.0")
    made.add("method", method)
    if name:
        made.add("x-wr-calname", vText(name))  # as above
    for one in events:
        made.add_component(one)
    return made.to_ical()
