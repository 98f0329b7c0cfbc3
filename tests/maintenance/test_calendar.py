"""The calendar file of a notice, as a receiver's own program reads it."""

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
    state=EventStatus.CONFIRMED,
    objects=("eu/login/*", "eu/door/*"),
)


def written(announced: CalendarEvent) -> bytes:
    return calendar(
        [to_vevent(announced, provider="status.example.com", organizer="noc@example.com", account="eu")],
        method="REQUEST",
    )


def read(ics: bytes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from circuit_maintenance_parser import GenericProvider, NotificationData

        return GenericProvider().get_maintenances(NotificationData.init_from_raw("ical", ics))


@pytest.mark.parametrize("state", EventStatus)
def test_a_receivers_parser_reads_what_we_announced(state):
    (maintenance,) = read(written(replace(WINDOW, state=state)))
    assert (maintenance.maintenance_id, maintenance.provider, maintenance.account) == (
        "MW-7", "status.example.com", "eu",
    )  # fmt: skip
    assert (maintenance.start, maintenance.end) == (
        WINDOW.starts_at.timestamp(), WINDOW.ends_at.timestamp(),
    )  # fmt: skip
    assert maintenance.status.value == state.value
    assert [circuit.circuit_id for circuit in maintenance.circuits] == ["eu/login/*", "eu/door/*"]
    assert (maintenance.uid, maintenance.sequence) == ("MW-7@status.example.com", 0)
    assert maintenance.summary == WINDOW.title


def test_a_moved_window_keeps_its_uid_and_raises_its_sequence():
    moved = replace(
        WINDOW, sequence=1, starts_at=WINDOW.starts_at + timedelta(days=1), ends_at=WINDOW.ends_at + timedelta(days=1)
    )
    (before,), (after,) = read(written(WINDOW)), read(written(moved))
    assert (before.uid, before.sequence) == (after.uid, after.sequence - 1)


def test_a_calendar_ends_its_lines_and_folds_them_as_the_standard_says():
    lines = written(WINDOW).split(b"\r\n")
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert all(len(line) <= 75 for line in lines)
