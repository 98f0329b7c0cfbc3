"""The calendar file of a notice, read by an independent parser."""

from dataclasses import replace
from datetime import timedelta

import pytest

from maintenance.calendars import CalendarEvent, EventStatus, calendar, to_vevent
from maintenance.emails import portal_vevent
from tests.support.builders import at

WINDOW = CalendarEvent(
    reference="MW-7",
    title="Database upgrade, Zürich 数据库",
    starts_at=at("2026-09-06 18:00"),
    ends_at=at("2026-09-06 19:00"),
    announced_at=at("2026-09-01 08:00"),
    sequence=0,
    status=EventStatus.CONFIRMED,
    objects=("eu/login/*", "eu/door/*"),
)


def written(event: CalendarEvent) -> bytes:
    return calendar(
        [to_vevent(event, provider="status.example.com", organizer="noc@example.com", account="eu")],
        method="REQUEST",
    )


@pytest.mark.parametrize("status", EventStatus)
def test_an_independent_parser_reads_the_event(receiver, status):
    assert receiver(written(replace(WINDOW, status=status))) == [
        {
            "maintenance_id": "MW-7", "provider": "status.example.com", "account": "eu",
            "start": WINDOW.starts_at.timestamp(), "end": WINDOW.ends_at.timestamp(), "status": status.value,
            "circuits": [{"circuit_id": name, "impact": "OUTAGE"} for name in ("eu/login/*", "eu/door/*")],
            "uid": "MW-7@status.example.com", "sequence": 0, "summary": WINDOW.title,
            "stamp": WINDOW.announced_at.timestamp(), "organizer": "mailto:noc@example.com",
        }
    ]  # fmt: skip


def test_a_rescheduled_window_keeps_its_uid_and_increases_its_sequence(receiver):
    moved = replace(
        WINDOW, sequence=1, starts_at=WINDOW.starts_at + timedelta(days=1), ends_at=WINDOW.ends_at + timedelta(days=1)
    )
    (before,), (after,) = receiver(written(WINDOW)), receiver(written(moved))
    assert (before["uid"], before["sequence"]) == (after["uid"], after["sequence"] - 1)


AWKWARD = "a,b; c\\d\nX-MAINTNOTE-STATUS:COMPLETED"
"""What iCalendar escapes, and a line's end behind which a property would begin."""


def test_every_text_is_escaped_whatever_stands_in_it(receiver):
    awkward = replace(WINDOW, reference=AWKWARD, title=AWKWARD, objects=(AWKWARD, "eu/door/*"))
    ics = calendar([to_vevent(awkward, provider="status.example.com", organizer="noc@example.com", account=AWKWARD)])
    (read,) = receiver(ics)
    assert {read[key] for key in ("maintenance_id", "summary", "account")} == {AWKWARD}
    assert [circuit["circuit_id"] for circuit in read["circuits"]] == [AWKWARD, "eu/door/*"]
    assert read["status"] == "CONFIRMED"


def test_the_name_of_a_calendar_is_escaped_too():
    ics = calendar([], name=AWKWARD)
    assert b"X-WR-CALNAME:a\\,b\\; c\\\\d\\nX-MAINTNOTE-STATUS:COMPLETED\r\n" in ics


def test_the_same_window_gives_the_same_bytes():
    assert written(WINDOW) == written(WINDOW)


def test_lines_are_terminated_and_folded_as_in_rfc_5545():
    lines = written(WINDOW).split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert all(len(line) <= 75 for line in lines)


def test_the_organizer_is_an_address_where_mail_comes_from_one_with_a_name(settings):
    settings.DEFAULT_FROM_EMAIL = "SLA portal <sla@example.com>"
    ics = calendar([portal_vevent(WINDOW, "eu")], method="REQUEST").decode()
    assert "ORGANIZER:mailto:sla@example.com\r\n" in ics
