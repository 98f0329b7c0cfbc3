"""The redline of two Markdown texts as HTML: what is compared is what a reader sees, each word in its formatting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import groupby

from .words import Kind, Run, Runs, redline

BREAK, BETWEEN = "\n", "\n\n"
"""A line break within a paragraph, and what stands between two of them while texts are compared."""


@dataclass(frozen=True)
class Tag:
    """An open element: `own` tells two of the same name apart; those of phrases have none."""

    name: str
    own: int = 0
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def start(self) -> str:
        given = "".join(f' {name}="{escape(value)}"' for name, value in self.attributes)
        return f"<{self.name}{given}>"


@dataclass
class Block:
    """A paragraph, item or cell: the elements around it, and its signs with the phrases that each is in."""

    within: tuple[Tag, ...]
    signs: list[tuple[str, tuple[Tag, ...]]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(sign for sign, _phrases in self.signs)


Frame = Callable[[Kind, str], str]
"""Encloses what came or went, given as HTML."""
Sign = tuple[str, tuple[Tag, ...], int]
"""A sign, its phrases, and the place of its block; -1 between two blocks."""


def formatted(old: Sequence[Block], new: Sequence[Block], frame: Frame) -> str:
    """Return the new text with what changed, `frame` around what came and what went."""
    before, after = _signs(old), _signs(new)
    runs = redline(_text(before), _text(after))
    return "".join(_Page(old, new, frame).written(runs, before, after))


def _text(signs: Sequence[Sign]) -> str:
    return "".join(sign for sign, _phrases, _block in signs)


def _signs(blocks: Sequence[Block]) -> list[Sign]:
    signs: list[Sign] = []
    for place, block in enumerate(blocks):
        if place:
            signs += [(BREAK, (), -1)] * len(BETWEEN)
        signs += [(sign, phrases, place) for sign, phrases in block.signs]
    return signs


def _by_block(signs: Sequence[Sign]) -> Iterator[tuple[int, list[Sign]]]:
    for block, part in groupby(signs, key=lambda sign: sign[2]):
        yield block, list(part)


class _Page:
    """What is written, and the elements that are open."""

    def __init__(self, old: Sequence[Block], new: Sequence[Block], frame: Frame) -> None:
        self.old, self.new, self.frame = old, new, frame
        self.open: tuple[Tag, ...] = ()

    def written(self, runs: Runs, before: Sequence[Sign], after: Sequence[Sign]) -> Iterator[str]:
        place = new_place = 0
        for number, run in enumerate(runs, 1):
            length = len(run.text)
            if run.kind is Kind.DELETED:
                following = after[new_place][2] if new_place < len(after) else -1
                at_edge = not new_place or following < 0 or after[new_place - 1][2] < 0
                is_replaced = runs[number : number + 1] and runs[number].kind is Kind.INSERTED
                yield from self._deleted(before[place : place + length], following, at_edge, bool(is_replaced))
                place += length
            else:
                yield from self._kept(run, after[new_place : new_place + length])
                new_place += length
                place += length if run.kind is Kind.SAME else 0
        yield from self._enter(())

    def _kept(self, run: Run, signs: Sequence[Sign]) -> Iterator[str]:
        for block, part in _by_block(signs):
            if block >= 0:
                yield from self._enter(self.new[block].within)
                yield self._framed(run.kind, part)
            elif run.kind is Kind.INSERTED and self.open:
                yield self.frame(run.kind, "¶")

    def _deleted(self, signs: Sequence[Sign], following: int, at_edge: bool, is_replaced: bool) -> Iterator[str]:
        """Write what went: a whole block as a block where the new text has an edge, everything else in the line.

        What `is_replaced` by the inserted words that follow stands before them in the line.
        """
        last = signs[-1][2]
        for block, part in _by_block(signs):
            if block < 0:
                if not at_edge and self.open:
                    yield self.frame(Kind.DELETED, "¶")
                continue
            in_line = is_replaced and following >= 0 and block == last
            if at_edge and not in_line and len(part) == len(self.old[block].signs):
                yield from self._enter(self._beside(self.old[block].within))
            elif at_edge and following >= 0:
                yield from self._enter(self.new[following].within)
            elif not self.open:
                yield from self._enter(self.old[block].within)
            yield self._framed(Kind.DELETED, part)

    def _beside(self, within: tuple[Tag, ...]) -> tuple[Tag, ...]:
        """The elements around a block that went, in those that are open as far as they are of the same kind."""
        shared = 0
        for tag, other in zip(within[:-1], self.open, strict=False):
            if tag.name != other.name or tag.name in ("li", "tr"):
                break
            shared += 1
        # Numbers below zero are those of the old text.
        return (*self.open[:shared], *(Tag(tag.name, -tag.own, tag.attributes) for tag in within[shared:]))

    def _enter(self, within: tuple[Tag, ...]) -> Iterator[str]:
        shared = next(
            (place for place, (one, other) in enumerate(zip(self.open, within, strict=False)) if one != other),
            min(len(self.open), len(within)),
        )
        yield "".join(f"</{tag.name}>" for tag in reversed(self.open[shared:]))
        yield "".join(tag.start for tag in within[shared:])
        self.open = within

    def _framed(self, kind: Kind, signs: Sequence[Sign]) -> str:
        html = "".join(self._phrases(kind, signs))
        return html if kind is Kind.SAME else self.frame(kind, html)

    def _phrases(self, kind: Kind, signs: Sequence[Sign]) -> Iterator[str]:
        for phrases, some in groupby(signs, key=lambda sign: sign[1]):
            text = escape("".join(sign for sign, _phrases, _block in some))
            shown = text.replace(BREAK, "<br>" if kind is Kind.SAME else "¶" if kind is Kind.DELETED else "¶<br>")
            yield "".join(tag.start for tag in phrases) + shown + "".join(f"</{tag.name}>" for tag in reversed(phrases))
