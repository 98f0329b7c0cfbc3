"""Sets of instants against sets of seconds."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sla_portal.kernel.intervals import (
    Minutes,
    clipped,
    difference,
    epoch,
    instant,
    intersection,
    merged,
    minutes_touching,
    minutes_wholly_in,
    seconds,
    touching,
)

any_spans = st.lists(st.tuples(st.integers(-300, 300), st.integers(-300, 300)), max_size=8)
sets_of_instants = any_spans.map(merged)


def as_seconds(spans):
    return {t for start, end in spans for t in range(start, end)}


def is_well_formed(spans):
    edges = [edge for span in spans for edge in span]
    return edges == sorted(set(edges))


@given(any_spans)
def test_merging_keeps_every_second_and_joins_adjacent_spans(spans):
    assert is_well_formed(merged(spans))
    assert as_seconds(merged(spans)) == as_seconds(spans)


def test_adjacent_spans_are_joined_and_empty_ones_dropped():
    assert merged([(3, 5), (9, 9), (1, 3), (8, 7)]) == [(1, 5)]


@given(sets_of_instants, sets_of_instants)
def test_intersection_and_difference(some, others):
    assert is_well_formed(intersection(some, others))
    assert is_well_formed(difference(some, others))
    assert as_seconds(intersection(some, others)) == as_seconds(some) & as_seconds(others)
    assert as_seconds(difference(some, others)) == as_seconds(some) - as_seconds(others)
    assert seconds(some) == len(as_seconds(some))


@given(sets_of_instants, st.integers(-300, 300), st.integers(0, 100))
def test_the_spans_that_share_an_instant(spans, start, length):
    span = (start, start + length)
    assert clipped(spans, span) == intersection(spans, [span] if length else [])
    assert list(touching(spans, span)) == [other for other in spans if as_seconds([other]) & as_seconds([span])]


@given(sets_of_instants)
def test_minutes_wholly_in_and_minutes_touching(spans):
    within = as_seconds(spans)
    minutes = range(-600, 600, 60)
    whole, touched = Minutes(minutes_wholly_in(spans)), Minutes(minutes_touching(spans))
    assert [m for m in minutes if m in whole] == [m for m in minutes if within.issuperset(range(m, m + 60))]
    assert [m for m in minutes if m in touched] == [m for m in minutes if not within.isdisjoint(range(m, m + 60))]


@given(sets_of_instants, st.integers(-8, 8), st.integers(0, 9))
def test_minutes_are_counted_between_any_two(spans, first, count):
    minutes = Minutes(minutes_touching(spans))
    between = range(first * 60, (first + count) * 60, 60)
    assert minutes.within([(between.start, between.stop)]) == sum(1 for m in between if m in minutes)


def test_an_instant_is_counted_in_utc_whatever_its_zone():
    berlin = datetime(2026, 10, 25, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assert epoch(berlin.replace(fold=1)) - epoch(berlin) == 3600
    assert instant(epoch(berlin)) == berlin.astimezone(UTC)
    assert epoch(datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC)) == -1


def test_a_naive_datetime_is_refused():
    with pytest.raises(TypeError):
        epoch(datetime(2026, 9, 10))  # noqa: DTZ001
