"""What has changed between two texts, word by word."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import Enum
from itertools import pairwise
from typing import NamedTuple

# A Chinese character is a word; so are 99.995, 3.3.1 and customer’s.
HAN = r"\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff66-\uff9d\U00020000-\U0003ffff"
LETTERS = rf"(?:(?![{HAN}\d])\w)+"
TOKEN = re.compile(rf"([{HAN}]|\d+(?:[.,:]\d+)*|{LETTERS}(?:['’]{LETTERS})*|\S)(\s*)|^(\s+)")
IS_WORD = re.compile(r"\w")
ENDS_A_SENTENCE = re.compile(r"[.!?;:。！？；：]")
SPACE_BEFORE, SPACE_BEHIND = re.compile(r"\s*"), re.compile(r"\s*\Z")
WORTH_COMPARING = 100_000
"""Pairs of equal words looked at. In a text with more, sentences are compared first, so that no text costs minutes."""
ISLAND = 3
"""Words between two changes that are read more easily as part of one."""


class Kind(Enum):
    SAME = "same"
    INSERTED = "inserted"
    DELETED = "deleted"


@dataclass(frozen=True)
class Run:
    """A stretch of text that stayed, came or went."""

    kind: Kind
    text: str


Runs = tuple[Run, ...]


def is_changed(runs: Runs) -> bool:
    return any(run.kind is not Kind.SAME for run in runs)


class _Token(NamedTuple):
    """A word or sign, and the space behind it. Words are the same whatever stands between them."""

    word: str
    space: str


class _Change(NamedTuple):
    """Old words `start:end` became new words `new_start:new_end`; one of the two may be none."""

    start: int
    end: int
    new_start: int
    new_end: int


def redline(old: str, new: str) -> Runs:
    """Compare two texts word by word."""
    if old == new:
        return (Run(Kind.SAME, old),) if old else ()
    before, after = _tokens(old), _tokens(new)
    changes = _joined(_changes(before, after), before, after)
    return tuple(_runs(before, after, _settled(changes, before, after)))


def words_of(text: str) -> Iterator[str]:
    """The words of a text, without its signs."""
    return (token.word for token in _tokens(text) if IS_WORD.match(token.word))


def _tokens(text: str) -> list[_Token]:
    return [_Token(found[1], found[2]) if found[3] is None else _Token("", found[3]) for found in TOKEN.finditer(text)]


def _changes(before: Sequence[_Token], after: Sequence[_Token]) -> list[_Change]:
    old, new = [token.word for token in before], [token.word for token in after]
    if _worth_comparing(old, new):
        return _compared(old, new)
    edges, new_edges = _sentences(before), _sentences(after)
    sentences = [" ".join(old[start:end]) for start, end in pairwise(edges)]
    new_sentences = [" ".join(new[start:end]) for start, end in pairwise(new_edges)]
    if not _worth_comparing(sentences, new_sentences):
        return [_Change(0, len(old), 0, len(new))]
    found = []
    for first, last, new_first, new_last in _compared(sentences, new_sentences):
        start, end, new_start, new_end = edges[first], edges[last], new_edges[new_first], new_edges[new_last]
        within = old[start:end], new[new_start:new_end]
        if not _worth_comparing(*within):
            found.append(_Change(start, end, new_start, new_end))
            continue
        found += [_Change(start + a, start + b, new_start + c, new_start + d) for a, b, c, d in _compared(*within)]
    return found


def _worth_comparing(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether difflib gets through it: it looks at every pair of equal items, once for each stretch that it finds."""
    there = Counter(new)
    return sum(there[item] for item in old) <= WORTH_COMPARING


def _compared(old: Sequence[str], new: Sequence[str]) -> list[_Change]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [_Change(*span) for tag, *span in matcher.get_opcodes() if tag != "equal"]


def _sentences(tokens: Sequence[_Token]) -> list[int]:
    """Where sentences begin, and where the last one ends."""
    starts = [place for place, token in enumerate(tokens, 1) if _holds_an_end([token])]
    return sorted({0, *starts, len(tokens)})


def _joined(changes: Sequence[_Change], before: Sequence[_Token], after: Sequence[_Token]) -> list[_Change]:
    """Take changes together between which only a sign or some small words stayed: that is read as one change."""

    def size(change: _Change) -> int:
        return max(_words(before[change.start : change.end]), _words(after[change.new_start : change.new_end]))

    joined: list[_Change] = []
    for change in changes:
        if joined:
            last = joined[-1]
            between = before[last.end : change.start]
            if not _holds_an_end(between) and _words(between) <= min(ISLAND, size(last) - 1, size(change) - 1):
                joined[-1] = _Change(last.start, change.end, last.new_start, change.new_end)
                continue
        joined.append(change)
    return joined


def _words(tokens: Sequence[_Token]) -> int:
    return sum(bool(IS_WORD.match(token.word)) for token in tokens)


def _holds_an_end(tokens: Sequence[_Token]) -> bool:
    """Whether a paragraph or a sentence ends there."""
    return any("\n" in token.space or ENDS_A_SENTENCE.match(token.word) for token in tokens)


def _settled(changes: Sequence[_Change], before: Sequence[_Token], after: Sequence[_Token]) -> Iterator[_Change]:
    """Slide what only came or only went to where a sentence or a word begins and ends: the text is the same, the eye is helped."""
    floor = 0
    for number, change in enumerate(changes):
        ceiling = changes[number + 1].start if number + 1 < len(changes) else len(before)
        settled = change
        if change.start == change.end:
            shift = _best_shift(after, change.new_start, change.new_end, change.start - floor, ceiling - change.start)
            settled = _Change(*(place + shift for place in change))
        elif change.new_start == change.new_end:
            shift = _best_shift(before, change.start, change.end, change.start - floor, ceiling - change.end)
            settled = _Change(*(place + shift for place in change))
        floor = settled.end
        yield settled


def _best_shift(tokens: Sequence[_Token], start: int, end: int, left: int, right: int) -> int:
    """By how many tokens the stretch can move and read best; the words of either edge are the same where it can."""
    places = {0: _edges(tokens, start, end)}
    for direction, most in ((-1, left), (1, right)):
        for step in range(1, most + 1):
            leaving, coming = (end - step, start - step) if direction < 0 else (start + step - 1, end + step - 1)
            if tokens[leaving].word != tokens[coming].word:
                break
            places[direction * step] = _edges(tokens, start + direction * step, end + direction * step)
    return max(places, key=lambda shift: (places[shift], -abs(shift)))


def _edges(tokens: Sequence[_Token], start: int, end: int) -> int:
    return _edge(tokens, start) + _edge(tokens, end)


def _edge(tokens: Sequence[_Token], position: int) -> int:
    """How good a place before a token is to begin or end a change."""
    if position == 0 or "\n" in tokens[position - 1].space:
        return 3
    before = tokens[position - 1]
    if ENDS_A_SENTENCE.match(before.word):
        return 2
    return bool(before.space) or not IS_WORD.match(before.word)


def _runs(before: Sequence[_Token], after: Sequence[_Token], changes: Iterator[_Change]) -> Iterator[Run]:
    written = _Written()
    place, new_place = 0, 0
    for change in (*changes, _Change(len(before), len(before), len(after), len(after))):
        for old, new in zip(before[place : change.start], after[new_place : change.new_start], strict=True):
            written.keep(old.word)
            if old.space == new.space:
                written.keep(old.space)
            else:
                written.deleted += old.space
                written.inserted += new.space
        written.deleted += "".join(map("".join, before[change.start : change.end]))
        written.inserted += "".join(map("".join, after[change.new_start : change.new_end]))
        place, new_place = change.end, change.new_end
    written.keep("")
    return written.runs()


class _Written:
    """Runs as they are written: what came and went between two words that stayed is one deletion and one insertion."""

    def __init__(self) -> None:
        self.deleted = self.inserted = ""
        self._parts: list[tuple[Kind, str]] = []

    def keep(self, text: str) -> None:
        common = _match(SPACE_BEFORE, self.deleted)
        if common and common == _match(SPACE_BEFORE, self.inserted):
            self._parts.append((Kind.SAME, common))
            self.deleted, self.inserted = self.deleted[len(common) :], self.inserted[len(common) :]
        common = _match(SPACE_BEHIND, self.deleted)
        behind = ""
        if common and common == _match(SPACE_BEHIND, self.inserted):
            behind = common
            self.deleted, self.inserted = self.deleted[: -len(common)], self.inserted[: -len(common)]
        self._parts += [(Kind.DELETED, self.deleted), (Kind.INSERTED, self.inserted), (Kind.SAME, behind + text)]
        self.deleted = self.inserted = ""

    def runs(self) -> Iterator[Run]:
        stretch: list[str] = []
        of = None
        for kind, text in self._parts:
            if not text:
                continue
            if kind is not of and of is not None:
                yield Run(of, "".join(stretch))
                stretch = []
            of = kind
            stretch.append(text)
        if of is not None:
            yield Run(of, "".join(stretch))


def _match(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[0] if found else ""
