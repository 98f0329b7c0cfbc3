"""The status of a month's figure, as a table."""

from itertools import product

import pytest

from sla_portal.availability.rules import FigureStatus, Pending, month_status


@pytest.mark.parametrize(
    ("over", "ongoing", "unclassified", "undecided", "status", "pending"),
    [
        (False, False, False, False, "in_progress", ["month_not_over", "not_closed"]),
        (False, True, False, False, "in_progress", ["month_not_over", "ongoing_outage", "not_closed"]),
        (
            False, True, True, True, "in_progress",
            ["month_not_over", "ongoing_outage", "unclassified_incident", "undecided_exclusion", "not_closed"],
        ),
        (True, False, False, False, "provisional", ["not_closed"]),
        (True, True, False, False, "provisional", ["ongoing_outage", "not_closed"]),
        (True, False, True, False, "provisional", ["unclassified_incident", "not_closed"]),
        (True, False, False, True, "provisional", ["undecided_exclusion", "not_closed"]),
        (True, False, True, True, "provisional", ["unclassified_incident", "undecided_exclusion", "not_closed"]),
    ],
)  # fmt: skip
def test_a_figure_that_was_not_closed_names_every_reason(over, ongoing, unclassified, undecided, status, pending):
    found = month_status(
        over=over,
        ongoing_outage=ongoing,
        unclassified_incident=unclassified,
        undecided_exclusion=undecided,
        closed=False,
    )
    assert (found.status.value, [reason.value for reason in found.pending]) == (status, pending)


@pytest.mark.parametrize("facts", [*product([False, True], repeat=4)])
def test_a_closed_figure_is_final_whatever_came_later(facts):
    names = ("over", "ongoing_outage", "unclassified_incident", "undecided_exclusion")
    found = month_status(**dict(zip(names, facts, strict=True)), closed=True)
    assert (found.status, found.pending) == (FigureStatus.FINAL, ())


def test_the_words_are_those_of_the_format():
    assert [status.value for status in FigureStatus] == ["in_progress", "provisional", "final"]
    assert [reason.value for reason in Pending] == [
        "month_not_over", "ongoing_outage", "unclassified_incident", "undecided_exclusion", "not_closed",
    ]  # fmt: skip
