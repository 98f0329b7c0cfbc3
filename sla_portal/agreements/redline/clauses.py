"""Which clause of one version became which of another, and what changed in each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .words import Runs, is_changed, redline, words_of

ALIKE = 0.5
"""The share of common words from which on a clause is an earlier one, edited, though its number is another."""
SAME_NUMBER = 0.2
"""What the same number is worth beside it."""
MOST_LIKENED = 60
"""Clauses compared each with each where neither number nor text says which became which."""


class ClauseWords(NamedTuple):
    """A clause of a version in one language: its wording, and our summary of it."""

    number: str
    heading: str
    text: str
    summary: str = ""


@dataclass(frozen=True)
class ClauseChange:
    """What became of a clause. `number` is empty where it was removed, `was` where it was added."""

    number: str
    was: str
    heading: Runs
    text: Runs
    summary: Runs

    @property
    def is_added(self) -> bool:
        return not self.was

    @property
    def is_removed(self) -> bool:
        return not self.number

    @property
    def is_renumbered(self) -> bool:
        return bool(self.number and self.was and self.number != self.was)

    @property
    def is_moved(self) -> bool:
        """Whether it stands in another chapter, and not only behind more or fewer clauses than before."""
        return self.is_renumbered and self.number.rpartition(".")[0] != self.was.rpartition(".")[0]

    @property
    def is_reworded(self) -> bool:
        return bool(self.number and self.was) and any(map(is_changed, (self.heading, self.text, self.summary)))

    @property
    def is_only_summed_up_anew(self) -> bool:
        """Whether a wording binds that is what it was, and only our summary is another."""
        same = self.number == self.was and not is_changed(self.heading) and not is_changed(self.text)
        return bool(same and self.text and self.is_changed)

    @property
    def is_changed(self) -> bool:
        return self.number != self.was or self.is_reworded


def clause_changes(old: Sequence[ClauseWords], new: Sequence[ClauseWords]) -> tuple[ClauseChange, ...]:
    """Compare two versions clause by clause, in the order of the new one; what was removed stands where it stood.

    A clause is found again by its number or, where it moved, by what it says.
    """
    became = clause_pairs(old, new)
    came_from = {there: here for here, there in became.items()}
    changes = [
        _clause_change(old[came_from[there]] if there in came_from else None, one) for there, one in enumerate(new)
    ]
    behind: dict[int, list[ClauseChange]] = {}
    last = -1
    for here, one in enumerate(old):
        if here in became:
            last = became[here]
        else:
            behind.setdefault(last, []).append(_clause_change(one, None))
    listed = list(behind.get(-1, ()))
    for there, change in enumerate(changes):
        listed += [change, *behind.get(there, ())]
    return tuple(listed)


def _clause_change(old: ClauseWords | None, new: ClauseWords | None) -> ClauseChange:
    nothing = ClauseWords("", "", "")
    before, after = old or nothing, new or nothing
    return ClauseChange(
        number=after.number,
        was=before.number,
        heading=redline(before.heading, after.heading),
        text=redline(before.text, after.text),
        summary=redline(before.summary, after.summary),
    )


def clause_pairs(old: Sequence[ClauseWords], new: Sequence[ClauseWords]) -> dict[int, int]:
    """Which old clause became which new one, by their places."""
    numbered = {one.number: place for place, one in enumerate(new)}
    found = {
        place: numbered[one.number]
        for place, one in enumerate(old)
        if one.number in numbered and new[numbered[one.number]] == one
    }
    found |= _said_elsewhere(old, new, found)
    found |= _edited(old, new, found)
    left = _left(new, found.values())
    # Another text under the number: a clause replaced.
    found |= {
        place: numbered[old[place].number] for place in _left(old, found) if numbered.get(old[place].number) in left
    }
    return found


def _left(clauses: Sequence[ClauseWords], taken: Iterable[int]) -> list[int]:
    gone = set(taken)
    return [place for place in range(len(clauses)) if place not in gone]


def _said_elsewhere(old: Sequence[ClauseWords], new: Sequence[ClauseWords], found: dict[int, int]) -> dict[int, int]:
    """The same words under another number, the first with the first."""
    places: dict[tuple[str, ...], list[int]] = {}
    for there in _left(new, found.values()):
        if new[there].text or new[there].summary:
            places.setdefault(new[there][1:], []).append(there)
    return {here: places[old[here][1:]].pop(0) for here in _left(old, found) if places.get(old[here][1:])}


def _edited(old: Sequence[ClauseWords], new: Sequence[ClauseWords], found: dict[int, int]) -> dict[int, int]:
    """What is most alike, the same number counting for something."""
    here, there = _left(old, found), _left(new, found.values())
    if len(here) > MOST_LIKENED or len(there) > MOST_LIKENED:
        return {}
    bags = {place: _bag(new[place]) for place in there}
    likeness = []
    for place in here:
        bag = _bag(old[place])
        for other in there:
            alike = _alike(bag, bags[other])
            if alike >= ALIKE:
                bonus = SAME_NUMBER if old[place].number == new[other].number else 0
                likeness.append((-alike - bonus, place, other))
    pairs: dict[int, int] = {}
    for _alikeness, place, other in sorted(likeness):
        if place not in pairs and other not in pairs.values():
            pairs[place] = other
    return pairs


def _bag(clause: ClauseWords) -> Counter[str]:
    return Counter(words_of(f"{clause.heading} {clause.text or clause.summary}"))


def _alike(one: Counter[str], other: Counter[str]) -> float:
    """Twice the common words by all words: 1 where all are common."""
    return 2 * (one & other).total() / max(one.total() + other.total(), 1)
