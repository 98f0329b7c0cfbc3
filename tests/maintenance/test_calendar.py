"""The calendar file of a notice, read by an independent parser."""

import warnings
from dataclasses import replace
from datetime import timedelta

import pytest

from maintenance.calendars import CalendarEvent, EventStatus, calendar, to_vevent
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


def read(ics: bytes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from circuit_maintenance_parser import GenericProvider, NotificationData

        return GenericProvider().get_maintenances(NotificationData.init_from_raw("ical", ics))


@pytest.mark.parametrize("status", EventStatus)
def test_an_independent_parser_reads_the_event(status):
    (maintenance,) = read(written(replace(WINDOW, status=status)))
    assert (maintenance.maintenance_id, maintenance.provider, maintenance.account) == (
        "MW-7", "status.example.com", "eu",
    )  # fmt: skip
    assert (maintenance.start, maintenance.end) == (
        WINDOW.starts_at.timestamp(), WINDOW.ends_at.timestamp(),
    )  # fmt: skip
    assert maintenance.status.value == status.value
    assert [circuit.circuit_id for circuit in maintenance.circuits] == ["eu/login/*", "eu/door/*"]
    assert (maintenance.uid, maintenance.sequence) == ("MW-7@status.example.com", 0)
    assert maintenance.summary == WINDOW.title


def test_a_rescheduled_window_keeps_its_uid_and_increases_its_sequence():
    moved = replace(
        WINDOW, sequence=1, starts_at=WINDOW.starts_at + timedelta(days=1), ends_at=WINDOW.ends_at + timedelta(days=1)
    )
    (before,), (after,) = read(written(WINDOW)), read(written(moved))
    assert (before.uid, before.sequence) == (after.uid, after.sequence - 1)


def test_lines_are_terminated_and_folded_as_in_rfc_5545():
    lines = written(WINDOW).split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert all(len(line) <= 75 for line in lines)
