"""The grid of core functions × clients: what was ticked as outages, and what is down in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from itertools import count

from django.utils.text import get_text_list
from django.utils.translation import gettext as _

Cell = tuple[int, int]
"""The primary keys of a core function and of a client."""
Rectangle = tuple[frozenset[int], frozenset[int]]
"""Every one of these functions on every one of these clients."""

SEARCHED = 64
"""With more whole rectangles than this (no grid of six clients has them) the fewest are not looked for."""


def rectangles(cells: Collection[Cell]) -> list[Rectangle]:
    """Cover `cells` with as few rectangles as they need; an outage is one rectangle."""
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


def listed(names: Iterable[object]) -> str:
    """Join names as a sentence does: `app, device and web`."""
    return get_text_list([str(name) for name in names], _("and"))


def inside(name: object) -> str:
    """Write a name as it stands inside a sentence: `App` as `app`, but `VoIP` and `SIP` as they are."""
    text = str(name)
    return text[:1].lower() + text[1:] if text[1:].islower() else text


Scope = tuple[Sequence[object] | None, Sequence[object] | None]
"""The names of functions and of clients that are down together; None: all of them."""


def down_in_words(scopes: Sequence[Scope], regions: Iterable[object]) -> str:
    """Say what is down where: `Login and calls down on app in Europe`."""
    return _("%(what)s in %(where)s") % {
        "what": listed(_down(*scope) for scope in scopes),
        "where": listed(regions),
    }


def _down(functions: Sequence[object] | None, clients: Sequence[object] | None) -> str:
    if functions is None and clients is None:
        return _("Everything down")
    if functions is None:
        return _("Everything down on %(clients)s") % {"clients": listed(map(inside, clients or ()))}
    names = listed([functions[0], *map(inside, functions[1:])])
    if clients is None:
        # Translators: one core function or several, on every client.
        return _("%(functions)s down on all clients") % {"functions": names}
    return _("%(functions)s down on %(clients)s") % {"functions": names, "clients": listed(map(inside, clients))}
