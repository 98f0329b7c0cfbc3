"""Reorder, add and renumber the clauses of a draft."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from sla_portal.agreements.rules import DraftedClause

T = TypeVar("T", bound=DraftedClause)


def rearranged(clauses: Sequence[T], asked: str) -> list[T]:
    """Apply `add:3`, `up:3`, `down:3` (places count from 0) or `renumber`; ignore anything else."""
    verb, _colon, place = asked.partition(":")
    if verb == "renumber":
        return renumbered(clauses)
    if not (place.isascii() and place.isdigit() and int(place) < len(clauses)):
        return list(clauses)
    if verb == "add":
        return with_one_more(clauses, int(place))
    if verb in ("up", "down"):
        return moved(clauses, int(place), -1 if verb == "up" else 1)
    return list(clauses)


def with_one_more(clauses: Sequence[T], after: int) -> list[T]:
    """Add an empty clause after `after` on its level, and renumber."""
    return renumbered([*clauses[: after + 1], type(clauses[after])(clauses[after].number), *clauses[after + 1 :]])


def moved(clauses: Sequence[T], place: int, by: int) -> list[T]:
    """Swap a clause with its neighbour and renumber; the first cannot move up, nor the last down."""
    to = place + by
    if not 0 <= to < len(clauses):
        return list(clauses)
    arranged = list(clauses)
    arranged[place], arranged[to] = arranged[to], arranged[place]
    return renumbered(arranged)


def renumbered(clauses: Sequence[T]) -> list[T]:
    """Number the clauses in their order, each on its level."""
    counts: list[int] = []
    numbered = []
    for clause in clauses:
        level = clause.number.count(".")
        # A skipped level starts at 1.
        counts = [*counts[: level + 1], *([1] * (level - len(counts))), *([0] if level >= len(counts) else [])]
        counts[level] += 1
        numbered.append(replace(clause, number=".".join(map(str, counts))))
    return numbered
