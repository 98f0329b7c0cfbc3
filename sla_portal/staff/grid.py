"""The grid of core functions × clients: convert selected cells to outages, and describe outages in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import count

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

Cell = tuple[int, int]
"""The primary keys of a core function and of a client."""
Rectangle = tuple[frozenset[int], frozenset[int]]
"""A set of functions and a set of clients: every function on every client."""

SEARCHED = 64
"""Above this number of maximal rectangles (more than any grid of six clients has) the minimum is not searched for."""


def rectangles(cells: Collection[Cell]) -> list[Rectangle]:
    """Cover `cells` with the smallest number of rectangles; each becomes one outage."""
    rows: dict[int, set[int]] = {}
    for function, client in cells:
        rows.setdefault(function, set()).add(client)
    shapes = {frozenset(row) for row in rows.values()}
    one_each = [(frozenset(function for function, row in rows.items() if row == shape), shape) for shape in shapes]
    while more := {some & other for some in shapes for other in shapes if some & other} - shapes:
        shapes |= more
        if len(shapes) > SEARCHED:
            return _in_order(one_each)
    whole = [(frozenset(function for function, row in rows.items() if shape <= row), shape) for shape in shapes]
    covering = {(f, c): [one for one in whole if f in one[0] and c in one[1]] for f, c in cells}

    def cover(left: set[Cell], most: int) -> list[Rectangle] | None:
        if not left or not most:
            return None if left else []
        for one in covering[min(left, key=lambda cell: (len(covering[cell]), cell))]:
            rest = cover({(f, c) for f, c in left if f not in one[0] or c not in one[1]}, most - 1)
            if rest is not None:
                return [one, *rest]
        return None

    return _in_order(next(found for most in count() if (found := cover(set(cells), most)) is not None))


def _in_order(found: Iterable[Rectangle]) -> list[Rectangle]:
    return sorted(found, key=lambda one: (sorted(one[0]), sorted(one[1])))


def join_names(names: Iterable[object]) -> str:
    """Join names for a sentence: `app, device and web`."""
    return get_text_list([str(name) for name in names], _("and"))


def in_sentence(name: object) -> str:
    """Write a name for use within a sentence: `App` as `app`; `VoIP` and `SIP` unchanged."""
    text = str(name)
    return text[:1].lower() + text[1:] if text[1:].islower() else text


Scope = tuple[Sequence[object] | None, Sequence[object] | None]
"""The functions and clients that are down; None: all of them."""


def describe_outage(scopes: Sequence[Scope], regions: Iterable[object]) -> str:
    """Describe an outage: `Login and calls down on app in Europe`; `Major outage in Europe`."""
    return _("%(what)s in %(where)s") % {
        "what": join_names(_down(*scope) for scope in scopes),
        "where": join_names(regions),
    }


def _down(functions: Sequence[object] | None, clients: Sequence[object] | None) -> str:
    if functions is None and clients is None:
        return _("Major outage")
    if functions is None:
        return _("All functions down on %(clients)s") % {"clients": join_names(map(in_sentence, clients or ()))}
    names = join_names([functions[0], *map(in_sentence, functions[1:])])
    if clients is None:
        # Translators: one or several core functions, on all clients.
        return _("%(functions)s down on all clients") % {"functions": names}
    return _("%(functions)s down on %(clients)s") % {
        "functions": names,
        "clients": join_names(map(in_sentence, clients)),
    }
