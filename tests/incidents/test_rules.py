"""Valid times and scopes of an outage."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from incidents.rules import (
    AffectedScope,
    OutageObjection,
    Severity,
    check_scope,
    check_times,
    scope_severity,
    worst_severity,
)

NOW = datetime(2026, 9, 10, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FRACTION = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("start", "end", "objections"),
    [
        (NOW - MINUTE, NOW, []),
        (NOW, None, []),
        (NOW - MINUTE, NOW - MINUTE, ["END_NOT_AFTER_START"]),
        (NOW - MINUTE, NOW - 2 * MINUTE, ["END_NOT_AFTER_START"]),
        (NOW + MINUTE, None, ["START_IN_THE_FUTURE"]),
        (NOW - MINUTE, NOW + MINUTE, ["END_IN_THE_FUTURE"]),
        (NOW - FRACTION, None, ["START_HAS_A_FRACTION"]),
        (NOW - MINUTE, NOW - FRACTION, ["END_HAS_A_FRACTION"]),
        (NOW + FRACTION, NOW, ["START_HAS_A_FRACTION", "START_IN_THE_FUTURE", "END_NOT_AFTER_START"]),
    ],
)
def test_invalid_times_are_named(start, end, objections):
    assert [objection.name for objection in check_times(start, end, NOW)] == objections


def test_a_repeated_local_hour_is_two_hours():
    # In Berlin the clocks go back at 03:00 on 25 October: 02:30 comes twice.
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=berlin)
    now = datetime(2026, 11, 1, tzinfo=UTC)
    assert check_times(first, first.replace(fold=1), now) == ()
    assert check_times(first.replace(fold=1), first.replace(minute=45), now) == (OutageObjection.END_NOT_AFTER_START,)


@pytest.mark.parametrize(
    ("regions", "functions", "clients", "objections"),
    [
        (["eu"], ["login"], ["app"], []),
        ([], ["login"], ["app"], ["NO_REGION"]),
        (["eu"], [], ["app"], ["NO_CELL"]),
        (["eu"], ["login"], [], ["NO_CELL"]),
        ([], [], [], ["NO_REGION", "NO_CELL"]),
    ],
)
def test_a_missing_scope_is_named(regions, functions, clients, objections):
    assert [objection.name for objection in check_scope(regions, functions, clients)] == objections


def test_every_objection_has_a_field_and_a_message():
    for objection in OutageObjection:
        assert objection.field in {"regions", "functions", "started_at", "ended_at"}
        assert objection.sentence.endswith(".")


FUNCTIONS, CLIENTS = ("login", "calls"), ("app", "device", "web")


@pytest.mark.parametrize(
    ("scopes", "severity"),
    [
        ([], None),
        ([AffectedScope("eu")], Severity.CRITICAL),
        ([AffectedScope("eu", FUNCTIONS, CLIENTS)], Severity.CRITICAL),
        ([AffectedScope("eu", ("login",))], Severity.MAJOR),
        ([AffectedScope("eu", None, ("app",))], Severity.MINOR),
        ([AffectedScope("eu", ("login",), ("app", "web"))], Severity.MINOR),
        # Outages of one region count together, those of two do not.
        (
            [AffectedScope("eu", ("login",), ("app",)), AffectedScope("eu", ("login",), ("device", "web"))],
            Severity.MAJOR,
        ),
        ([AffectedScope("eu", ("login",)), AffectedScope("eu", ("calls",))], Severity.CRITICAL),
        ([AffectedScope("eu", ("login",)), AffectedScope("us", ("calls",))], Severity.MAJOR),
        ([AffectedScope("eu", ("login",), ("app",)), AffectedScope("us")], Severity.CRITICAL),
    ],
)
def test_the_severity_follows_from_the_scope_in_the_worst_affected_region(scopes, severity):
    assert scope_severity(scopes, FUNCTIONS, CLIENTS) is severity


def test_the_worst_severity_wins():
    assert worst_severity([Severity.MINOR, None, Severity.CRITICAL, Severity.MAJOR]) is Severity.CRITICAL
    assert worst_severity([None]) is None
