"""4.1: which time the notices of a window cover. Times are minutes of one day."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maintenance.rules import Conduct, NoticeGiven, covered, needs_confirmation
from tests.support.plainest_count import Notice, was_announced, was_conducted

HOUR = 60


def notice(sent, start=None, end=None):
    return NoticeGiven(sent * 60, start if start is None else start * 60, end if end is None else end * 60)


@pytest.mark.parametrize(
    ("case", "notices", "hours", "spans"),
    [
        ("nothing", [], 0, []),
        ("a window, before", [notice(0, 120, 180)], 0, [(120, 180)]),
        ("a window, into it", [notice(135, 120, 180)], 0, [(135, 180)]),
        ("a window, afterwards", [notice(200, 120, 180)], 0, []),
        ("a window, at the very second of its start", [notice(120, 120, 180)], 0, [(120, 180)]),
        ("a longer end, in time", [notice(0, 120, 180), notice(170, 120, 210)], 0, [(120, 210)]),
        (
            "a longer end, after the first end",
            [notice(0, 120, 180), notice(190, 120, 210)],
            0,
            [(120, 180), (190, 210)],
        ),
        ("a shorter end, in time", [notice(0, 120, 180), notice(150, 120, 160)], 0, [(120, 160)]),
        ("a shorter end, already past", [notice(0, 120, 180), notice(170, 120, 160)], 0, [(120, 170)]),
        ("another time, before", [notice(0, 120, 180), notice(60, 300, 360)], 0, [(300, 360)]),
        ("another time, while it runs", [notice(0, 120, 180), notice(150, 300, 360)], 0, [(120, 150), (300, 360)]),
        ("a cancellation, before", [notice(0, 120, 180), notice(60)], 0, []),
        ("a cancellation, while it runs", [notice(0, 120, 180), notice(150)], 0, [(120, 150)]),
        (
            "a window again after its cancellation",
            [notice(0, 120, 180), notice(60), notice(90, 120, 180)],
            0,
            [(120, 180)],
        ),
        ("a window an hour before", [notice(60, 120, 180)], 1, [(120, 180)]),
        ("a window less than an hour before", [notice(90, 120, 180)], 1, [(150, 180)]),
        (
            "a longer end less than an hour before",
            [notice(0, 120, 180), notice(170, 120, 240)],
            1,
            [(120, 180), (230, 240)],
        ),
        (
            "the window again, late, after its cancellation: the first notice was early enough",
            [notice(0, 120, 180), notice(60), notice(115, 120, 180)],
            1,
            [(120, 180)],
        ),
        ("notices in any order", [notice(60), notice(0, 120, 180)], 0, []),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_time_that_the_notices_cover(case, notices, hours, spans):
    assert covered(notices, hours, Conduct()) == [(start * 60, end * 60) for start, end in spans]


@pytest.mark.parametrize(
    ("case", "notices", "completed", "spans"),
    [
        ("no completion on record", [notice(0, 120, 180)], None, [(120, 180)]),
        ("completed before the announced end", [notice(0, 120, 180)], 150, [(120, 150)]),
        ("completed at the announced end", [notice(0, 120, 180)], 180, [(120, 180)]),
        ("completed after the announced end", [notice(0, 120, 180)], 200, [(120, 180)]),
        ("completed before the announced start", [notice(0, 120, 180)], 110, []),
        ("completed at the very second of the start", [notice(0, 120, 180)], 120, []),
        ("completed before the notice", [notice(150, 120, 180)], 140, []),
        (
            "extended, then completed before the first end",
            [notice(0, 120, 180), notice(130, 120, 240)],
            170,
            [(120, 170)],
        ),
        (
            "completed in the second of two covered stretches",
            [notice(0, 120, 180), notice(190, 120, 210)],
            200,
            [(120, 180), (190, 200)],
        ),
        ("completed between two covered stretches", [notice(0, 120, 180), notice(190, 120, 210)], 185, [(120, 180)]),
        (
            "a notice after the completion covers nothing",
            [notice(0, 120, 180), notice(155, 120, 240)],
            150,
            [(120, 150)],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_lies_after_the_completion_of_the_work_is_not_covered(case, notices, completed, spans):
    conduct = Conduct(completed=completed if completed is None else completed * 60)
    assert covered(notices, 0, conduct) == [(start * 60, end * 60) for start, end in spans]


@pytest.mark.parametrize("completed", [None, 150 * 60])
def test_a_window_that_was_not_carried_out_covers_nothing(completed):
    assert covered([notice(0, 120, 180)], 0, Conduct(completed=completed, carried_out=False)) == []


def test_of_two_notices_in_the_same_second_the_later_in_sequence_is_newer():
    assert covered([notice(0, 120, 180), notice(0)], 0, Conduct()) == []


moments = st.integers(-30, 60)
windows = st.builds(lambda start, length: (start, start + length), moments, st.integers(1, 40))


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.one_of(moments, st.integers(-3700, -3500)), st.one_of(st.just((None, None)), windows)),
        max_size=5,
        unique_by=lambda row: row[0],
    ),
    st.sampled_from([0, 1]),
    st.none() | st.integers(-40, 120),
    st.sampled_from([True, True, True, False]),
)
def test_every_second_is_covered_as_the_rule_says(rows, hours, completed, carried_out):
    spans = covered(
        [NoticeGiven(sent, start, end) for sent, (start, end) in rows], hours, Conduct(completed, carried_out)
    )
    notices = [Notice(sent, start, end) for sent, (start, end) in rows]
    for t in range(-40, 120):
        assert any(start <= t < end for start, end in spans) is (
            was_announced(notices, t, hours) and was_conducted(t, completed, carried_out)
        )


DAY = 24 * HOUR


@pytest.mark.parametrize(
    ("case", "notices", "new", "two"),
    [
        ("24 hours", [], notice(0, 60, 60 + DAY), False),
        ("a second longer", [], NoticeGiven(0, 3600, 3600 + 86401), True),
        ("moved to another day before it begins", [notice(0, 60, 60 + DAY)], notice(30, 9000, 9000 + DAY), False),
        ("lengthened over 24 hours", [notice(0, 60, 60 + DAY)], notice(90, 60, 61 + DAY), True),
        ("shortened, and still longer", [notice(0, 60, 60 + 3 * DAY)], notice(30, 60, 60 + 2 * DAY), True),
        ("shortened to 24 hours", [notice(0, 60, 60 + 3 * DAY)], notice(30, 60, 60 + DAY), False),
        ("day by day: moved while it runs", [notice(0, 0, DAY)], notice(DAY - 60, DAY - 60, 2 * DAY - 60), True),
        ("cancelled", [notice(0, 60, 60 + 3 * DAY)], notice(30), False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_more_than_24_hours_take_two_people(case, notices, new, two):
    assert needs_confirmation(notices, new) is two
