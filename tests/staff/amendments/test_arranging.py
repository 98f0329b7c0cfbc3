"""Clauses of a draft put in another order, added and numbered anew."""

from hypothesis import given
from hypothesis import strategies as st

from sla_portal.agreements.rules import DraftedClause
from sla_portal.staff.amendments.arranging import rearranged, renumbered


def clauses(*numbers: str) -> list[DraftedClause]:
    return [DraftedClause(number, heading=f"was {number}") for number in numbers]


def told(arranged: list[DraftedClause]) -> list[str]:
    return [f"{clause.number} {clause.heading}".strip() for clause in arranged]


def test_a_clause_is_added_on_the_level_of_the_one_above_and_those_behind_are_numbered_on():
    assert told(rearranged(clauses("1", "1.1", "1.2", "2"), "add:1")) == [
        "1 was 1",
        "1.1 was 1.1",
        "1.2",
        "1.3 was 1.2",
        "2 was 2",
    ]


def test_a_clause_moves_past_its_neighbour_and_their_numbers_with_them():
    assert told(rearranged(clauses("1", "2", "3"), "up:2")) == ["1 was 1", "2 was 3", "3 was 2"]
    assert told(rearranged(clauses("1", "2", "3"), "down:0")) == ["1 was 2", "2 was 1", "3 was 3"]


def test_the_first_does_not_go_up_nor_the_last_down():
    both = clauses("1", "2")
    assert rearranged(both, "up:0") == rearranged(both, "down:1") == both


def test_what_no_button_says_changes_nothing():
    both = clauses("1", "2")
    for asked in ("", "preview", "up:", "up:x", "up:7", "up:-1", "add:²", "drop:1"):
        assert rearranged(both, asked) == both


def test_numbers_left_by_a_removal_close_up():
    assert told(rearranged(clauses("1", "1.1", "1.3", "1.3.1", "4"), "renumber")) == [
        "1 was 1",
        "1.1 was 1.1",
        "1.2 was 1.3",
        "1.2.1 was 1.3.1",
        "2 was 4",
    ]


def test_a_level_that_was_left_out_is_its_first():
    assert [clause.number for clause in renumbered(clauses("1", "3.3.1", "3.3.2"))] == ["1", "1.1.1", "1.1.2"]


@given(st.lists(st.integers(0, 3), min_size=1, max_size=20))
def test_numbered_anew_every_clause_has_a_number_of_its_own_and_keeps_its_level(levels):
    arranged = renumbered([DraftedClause(".".join("1" * (level + 1))) for level in levels])
    numbers = [clause.number for clause in arranged]
    assert len(set(numbers)) == len(numbers)
    assert [number.count(".") for number in numbers] == levels
    assert renumbered(arranged) == arranged
