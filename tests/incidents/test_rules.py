"""Valid times and scopes of an outage; the order of an incident's times and its recovery (2.2)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.rules import (
    AffectedScope,
    OutageObjection,
    Severity,
    TimeObjection,
    Times,
    Unmeasured,
    check_end,
    check_order,
    check_scope,
    check_times,
    mean,
    objections,
    scope_severity,
    time_to_acknowledge,
    time_to_restore,
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
    for objection in [*OutageObjection, *TimeObjection]:
        assert objection.field in {
            "regions", "functions", "started_at", "ended_at", "detected_at", "acknowledged_at", "resolved_at",
        }  # fmt: skip
        assert objection.sentence.endswith(".")


D, A, R = NOW - 30 * MINUTE, NOW - 20 * MINUTE, NOW - 10 * MINUTE
"""Detected, acknowledged, resolved."""
START, END = NOW - 32 * MINUTE, NOW - 12 * MINUTE
"""Of an outage."""


@pytest.mark.parametrize(
    ("times", "objections"),
    [
        ((D, A, R), []),
        ((D, D, D), []),
        ((D, None, None), []),
        ((D, None, R), []),
        ((None, A, R), []),
        ((A, D, None), ["ACKNOWLEDGED_BEFORE_DETECTED"]),
        ((A, D, R), ["ACKNOWLEDGED_BEFORE_DETECTED"]),
        ((R, None, D), ["RESOLVED_BEFORE_DETECTED"]),
        ((R, A, D), ["ACKNOWLEDGED_BEFORE_DETECTED", "RESOLVED_BEFORE_DETECTED"]),
        ((D, R, A), ["RESOLVED_BEFORE_ACKNOWLEDGED"]),
    ],
)
def test_times_out_of_order_are_named(times, objections):
    assert [objection.name for objection in check_order(*times)] == objections


@pytest.mark.parametrize(
    ("end", "resolved", "objections"),
    [
        (None, None, []),
        (END, None, []),
        (END, END, []),
        (END, R, []),
        (None, R, ["NO_END_THOUGH_RESOLVED"]),
        (R, END, ["END_AFTER_RESOLVED"]),
    ],
)
def test_an_outage_that_goes_on_when_its_incident_is_resolved_is_named(end, resolved, objections):
    assert [objection.name for objection in check_end(end, resolved)] == objections


def test_order_in_a_repeated_local_hour_is_that_of_the_instants():
    first = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert check_order(first, first.replace(minute=15, fold=1), None) == ()
    assert check_end(first.replace(minute=15, fold=1), first) == (OutageObjection.END_AFTER_RESOLVED,)


NOT_YET, NOT_STATED, LOGGED_LATER = Unmeasured.NOT_YET, Unmeasured.NOT_STATED, Unmeasured.LOGGED_AFTER_RESTORATION


@pytest.mark.parametrize(
    ("times", "to_acknowledge", "to_restore"),
    [
        (Times(D, A, R, D, ((START, END),)), 600, 1200),
        (Times(D, None, None, D, ((START, None),)), NOT_YET, NOT_YET),
        (Times(D, None, R, D, ((START, END),)), NOT_YET, 1200),
        (Times(D, A, None, D, ((START, END),)), 600, 1200),  # restored, and being watched
        (Times(D, A, R, D, ((START, END), (START - MINUTE, START))), 600, 1260),  # first start to last end
        (Times(START, None, END, NOW, ((START, END),)), LOGGED_LATER, 1200),
        (Times(START, A, R, NOW, ((START, END),)), LOGGED_LATER, 1200),
        (Times(R, None, R, None, ((START, END),)), LOGGED_LATER, 1200),  # detected afterwards, so logged afterwards
        (Times(START, None, None, NOW, ((START, END), (A, None))), NOT_YET, NOT_YET),  # one outage goes on
        (Times(A, D, R, A, ((START, END),)), NOT_STATED, 1200),
        (Times(D, R, A, D, ((START, A),)), NOT_STATED, 1200 - 480),
        (Times(D, A, END - MINUTE, D, ((START, END),)), 600, NOT_STATED),
        (Times(D, A, R, D, ((START, END), (START, None))), 600, NOT_STATED),
        (Times(D), NOT_YET, NOT_YET),
    ],
)
def test_recovery_is_measured_or_says_why_not(times, to_acknowledge, to_restore):
    assert (time_to_acknowledge(times), time_to_restore(times)) == (to_acknowledge, to_restore)


instants = st.integers(0, 40).map(lambda minutes: NOW + minutes * MINUTE)
outages = st.lists(
    st.tuples(instants, st.integers(1, 20)).map(lambda at: (at[0], at[0] + at[1] * MINUTE))
    | instants.map(lambda at: (at, None)),
    max_size=3,
).map(tuple)


@given(st.builds(Times, instants, st.none() | instants, st.none() | instants, st.none() | instants, outages))
def test_no_length_is_negative_and_each_agrees_with_the_plainest_count(times):
    """Every time is compared with every other that it must not precede."""
    ends = [end for _start, end in times.outages]
    over = bool(ends) and None not in ends
    order = [at for at in (times.detected_at, times.acknowledged_at, times.resolved_at) if at]
    late = times.resolved_at is not None and any(end is None or end > times.resolved_at for end in ends)
    assert bool(objections(times)) == (order != sorted(order) or late)

    to_restore = time_to_restore(times)
    if late:
        assert to_restore is NOT_STATED
    elif over:
        assert to_restore == (max(ends) - min(start for start, _end in times.outages)).total_seconds() > 0
    else:
        assert to_restore is NOT_YET

    to_acknowledge = time_to_acknowledge(times)
    if over and max(times.detected_at, times.logged_at or times.detected_at) >= max(ends):
        assert to_acknowledge is LOGGED_LATER
    elif times.acknowledged_at is None:
        assert to_acknowledge is NOT_YET
    elif order != sorted(order):
        assert to_acknowledge is NOT_STATED
    else:
        assert to_acknowledge == (times.acknowledged_at - times.detected_at).total_seconds() >= 0


def test_the_mean_leaves_out_what_has_no_length():
    assert mean([60, NOT_STATED, 121, NOT_YET, LOGGED_LATER]) == 90
    assert mean([NOT_STATED]) is None
    assert mean([]) is None


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
