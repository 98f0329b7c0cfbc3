"""The grid of functions × clients: the smallest number of outages, and their descriptions."""

from itertools import combinations, product

import pytest

from sla_portal.staff.grid import describe_outage, rectangles

CELLS = list(product(range(4), range(3)))


def whole(cells):
    """Every rectangle that lies in `cells`, plainly: each set of functions on each set of clients."""
    return [
        (functions, clients)
        for f in range(1, 5)
        for functions in combinations(range(4), f)
        for c in range(1, 4)
        for clients in combinations(range(3), c)
        if set(product(functions, clients)) <= cells
    ]


def covered(found):
    return {cell for functions, clients in found for cell in product(functions, clients)}


def test_rectangles_cover_exactly_the_selected_cells():
    for pattern in range(1, 1 << 12):
        cells = {cell for bit, cell in enumerate(CELLS) if pattern >> bit & 1}
        assert covered(rectangles(cells)) == cells


@pytest.mark.parametrize("pattern", range(7, 1 << 12, 41))
def test_the_number_of_rectangles_is_minimal(pattern):
    cells = {cell for bit, cell in enumerate(CELLS) if pattern >> bit & 1}
    fewer = len(rectangles(cells)) - 1
    assert not any(covered(some) == cells for some in combinations(whole(cells), fewer))


def test_a_grid_with_too_many_whole_rectangles_is_still_covered():
    cells = {(function, client) for function, client in product(range(12), range(12)) if function != client}
    assert covered(rectangles(cells)) == cells


@pytest.mark.parametrize(
    ("scopes", "regions", "words"),
    [
        ([(None, None)], ["Europe"], "Major outage in Europe"),
        ([(None, ["App"])], ["Europe"], "All functions down on app in Europe"),
        ([(["Login"], None)], ["Europe"], "Login down on all clients in Europe"),
        ([(["Login", "Calls"], ["App"])], ["Europe"], "Login and calls down on app in Europe"),
        ([(["Login"], ["App", "Web"])], ["Europe", "Asia"], "Login down on app and web in Europe and Asia"),
        ([(["Login"], ["iOS"])], ["Europe"], "Login down on iOS in Europe"),
        (
            [(["Login"], ["App"]), (["Door opening"], ["Device"])],
            ["Europe"],
            "Login down on app and Door opening down on device in Europe",
        ),
    ],
)
def test_the_description_says_what_is_down_and_where(scopes, regions, words):
    assert describe_outage(scopes, regions) == words
