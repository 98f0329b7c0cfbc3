"""Two people's changes of one draft: what only one of them changed is merged, and where both did one side is chosen.

*Shown* is what the page showed, *typed* what was entered in it, *saved* what another person has stored since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any

from sla_portal.agreements.changes import words_in
from sla_portal.agreements.models import CLAUSE_FIELDS
from sla_portal.agreements.queries.drafts import DraftContent
from sla_portal.agreements.redline import clause_pairs
from sla_portal.agreements.rules import DraftedClause

from .arranging import renumbered

TEXTS = tuple(name for name in CLAUSE_FIELDS if name != "number")
MINE, THEIRS = "mine", "theirs"


class Changed(Enum):
    """Who changed a value since the page was made."""

    BY_NOBODY = "nobody"
    BY_ME = "me"
    BY_THEM = "them"
    BY_BOTH = "both"


def who_changed(shown: Any, typed: Any, saved: Any) -> Changed:
    """Return who changed a value; two who changed it alike count as one."""
    if typed == shown:
        return Changed.BY_NOBODY if saved == shown else Changed.BY_THEM
    return Changed.BY_ME if saved in (shown, typed) else Changed.BY_BOTH


@dataclass(frozen=True)
class EditedClause(DraftedClause):
    """A clause in the editor. Where both changed it, `theirs` is what another person saved, and `keep` the choice.

    `3.2:heading,summary` are texts of their clause 3.2, `3.2:` is their clause that was removed here, and `:` stands
    for a clause that they removed.
    """

    theirs: str = ""
    keep: str = MINE

    @property
    def number_of_theirs(self) -> str:
        return self.theirs.partition(":")[0]

    @property
    def differing(self) -> list[str]:
        """The texts in which both differ."""
        names = self.theirs.partition(":")[2].split(",")
        return [name for name in TEXTS if name in names]


def chosen(clause: EditedClause, known: DraftContent) -> EditedClause | None:
    """Return a clause as it was chosen to be, `theirs` being in `known`; None if it is to be removed."""
    if not clause.theirs:
        return clause
    if clause.theirs.endswith(":"):
        removed = MINE if clause.number_of_theirs else THEIRS
        return None if clause.keep == removed else clause
    theirs = known.clause(clause.number_of_theirs)
    if theirs is None or clause.keep != THEIRS:
        return clause
    return replace(clause, **{name: getattr(theirs, name) for name in clause.differing})


def all_chosen(clauses: Sequence[EditedClause], known: DraftContent) -> list[EditedClause]:
    """Return the clauses as they were chosen to be, numbered anew if a choice removes one."""
    left = [one for clause in clauses if (one := chosen(clause, known))]
    return left if len(left) == len(clauses) else renumbered(left)


@dataclass(frozen=True)
class Merged:
    """What two people's changes come to, and who changed each value by its column and each clause by its place."""

    values: Mapping[str, Any]
    clauses: Sequence[EditedClause]
    changed: Mapping[str | int, Changed]
    removed: Sequence[tuple[DraftedClause, Changed]]
    """Clauses that one person removed and the other left as they were."""


def merge(shown: DraftContent, typed: DraftContent, saved: DraftContent) -> Merged:
    """Merge what was typed with what was saved; where both changed a text it stays as typed."""
    changed: dict[str | int, Changed] = {}
    values = {}
    for name, was in shown.values.items():
        changed[name] = who_changed(was, typed.values[name], saved.values[name])
        values[name] = (saved if changed[name] is Changed.BY_THEM else typed).values[name]
    clauses: list[EditedClause] = []
    removed = []
    for was, mine, theirs in _aligned(shown.clauses, [*map(_unchosen, typed.clauses)], saved.clauses):
        clause, by = _merged_clause(was, mine, theirs)
        if clause:
            changed[len(clauses)] = by
            clauses.append(clause)
        elif was:
            removed.append((was, by))
    return Merged(values, renumbered(clauses), changed, removed)


Aligned = tuple[DraftedClause | None, DraftedClause | None, DraftedClause | None]


def _aligned(
    shown: Sequence[DraftedClause], typed: Sequence[DraftedClause], saved: Sequence[DraftedClause]
) -> Iterator[Aligned]:
    """Yield each clause as it was shown, typed and saved, in the order of the person who rearranged them."""
    mine, theirs = _identities(shown, typed), _identities(shown, saved)
    order, other = (theirs, mine) if mine == list(range(len(shown))) else (mine, theirs)
    order = list(order)
    place = 0
    for one in other:
        if one not in order:
            order.insert(place, one)
        place = order.index(one) + 1
    was, of_mine, of_theirs = (
        dict(enumerate(shown)),
        dict(zip(mine, typed, strict=True)),
        dict(zip(theirs, saved, strict=True)),
    )
    for one in order:
        yield was.get(one), of_mine.get(one), of_theirs.get(one)


def _identities(shown: Sequence[DraftedClause], now: Sequence[DraftedClause]) -> list[int | DraftedClause]:
    """Return for each clause its place among those shown; of an added one, itself."""
    if _all_in_their_places(shown, now):
        return [*range(len(now))]
    pairs = clause_pairs(words_in(shown, "en")[1], words_in(now, "en")[1])
    came_from = {there: here for here, there in pairs.items()}
    return [came_from.get(place, clause) for place, clause in enumerate(now)]


def _all_in_their_places(shown: Sequence[DraftedClause], now: Sequence[DraftedClause]) -> bool:
    """Whether no clause was added, removed or moved: the numbers are the same, and none has a text that another had.

    Likeness alone moves none: a clause may be rewritten so that it reads like another.
    """
    if [one.number for one in shown] != [one.number for one in now]:
        return False
    had = {(name, getattr(one, name)) for one in shown for name in TEXTS}
    return not any(
        text and text != getattr(was, name) and (name, text) in had
        for was, one in zip(shown, now, strict=True)
        for name in TEXTS
        for text in [getattr(one, name)]
    )


def _merged_clause(
    was: DraftedClause | None, mine: DraftedClause | None, theirs: DraftedClause | None
) -> tuple[EditedClause | None, Changed]:
    """Return what a clause comes to, None if it is removed, and who changed it."""
    if mine is None or theirs is None:
        left = mine or theirs
        if was is None:
            return left and as_edited(left), Changed.BY_ME if mine else Changed.BY_THEM
        if left is None or _texts(left) == _texts(was):
            return None, Changed.BY_THEM if mine else Changed.BY_ME
        return as_edited(left, theirs=f"{theirs.number}:" if theirs else ":"), Changed.BY_BOTH
    was = was or mine
    by = {name: who_changed(getattr(was, name), getattr(mine, name), getattr(theirs, name)) for name in CLAUSE_FIELDS}
    texts = {name: getattr(theirs if by[name] is Changed.BY_THEM else mine, name) for name in CLAUSE_FIELDS}
    differing = [name for name in TEXTS if by[name] is Changed.BY_BOTH]
    marked = f"{theirs.number}:{','.join(differing)}" if differing else ""
    found = {by[name] for name in TEXTS}
    whole = next((one for one in (Changed.BY_BOTH, Changed.BY_THEM, Changed.BY_ME) if one in found), Changed.BY_NOBODY)
    return EditedClause(**texts, theirs=marked), whole


def as_edited(clause: DraftedClause, theirs: str = "") -> EditedClause:
    return EditedClause(**{name: getattr(clause, name) for name in CLAUSE_FIELDS}, theirs=theirs)


def _unchosen(clause: DraftedClause) -> DraftedClause:
    return DraftedClause(**{name: getattr(clause, name) for name in CLAUSE_FIELDS})


def _texts(clause: DraftedClause) -> list[str]:
    return [getattr(clause, name) for name in TEXTS]
