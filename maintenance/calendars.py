"""A window as an iCalendar event that follows the MAINTNOTE convention, so that receivers' programs can read it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from icalendar import Event


class State(Enum):
    """How a window stands, in MAINTNOTE's words; iCalendar itself knows only the first and the last two."""

    CONFIRMED = "CONFIRMED"
    IN_PROCESS = "IN-PROCESS"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class Announced:
    """What one event says of a window. `sequence` rises by one with each notice of it."""

    reference: str
    title: str
    starts_at: datetime
    ends_at: datetime
    told_at: datetime
    sequence: int
    state: State
    objects: tuple[str, ...]
    """What is concerned: region/function, as codes."""


def event(announced: Announced, *, provider: str, organizer: str, account: str) -> Event:
    """One VEVENT. `provider` is the portal's host, `organizer` an e-mail address, `account` who is concerned."""
    # 11 MB, for the processes that write calendars.
    from icalendar import Event, vCalAddress, vText

    made = Event()
    made.add("uid", f"{announced.reference}@{provider}")
    made.add("sequence", announced.sequence)
    made.add("dtstamp", announced.told_at.astimezone(UTC))
    made.add("dtstart", announced.starts_at.astimezone(UTC))
    made.add("dtend", announced.ends_at.astimezone(UTC))
    made.add("summary", announced.title)
    made.add("status", "CANCELLED" if announced.state is State.CANCELLED else "CONFIRMED")
    made.add("transp", "TRANSPARENT")
    made.add("organizer", vCalAddress(f"mailto:{organizer}"))
    # As vText, and so escaped: of a property that is not in the standard the library leaves a plain text as it is.
    made.add("x-maintnote-provider", vText(provider))
    made.add("x-maintnote-account", vText(account))
    made.add("x-maintnote-maintenance-id", vText(announced.reference))
    made.add("x-maintnote-impact", vText("OUTAGE"))
    made.add("x-maintnote-status", vText(announced.state.value))
    for concerned in announced.objects:
        made.add("x-maintnote-object-id", vText(concerned))
    return made


def calendar(events: Iterable[Event], *, name: str = "", method: str = "PUBLISH") -> bytes:
    """A calendar of events; `method` REQUEST or CANCEL in a mail, PUBLISH in a feed."""
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
