"""Render a clause's Markdown as sanitized HTML."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

import nh3
from django.utils.safestring import SafeString, mark_safe

from .redline import Block, Tag, formatted

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

    from .redline.formatted import Frame

TAGS = {
    "p",
    "br",
    "ul",
    "ol",
    "li",
    "strong",
    "em",
    "blockquote",
    "code",
    "a",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}


@cache
def _markdown() -> MarkdownIt:
    """The parser. Headings come from the clause, images are not loaded, and an indented paragraph is not code."""
    # 7 MB, for the processes that show clauses.
    from markdown_it import MarkdownIt

    return (
        MarkdownIt("commonmark", {"html": False, "breaks": True})
        .enable("table")
        .disable(["heading", "lheading", "hr", "image", "code", "fence", "html_block", "html_inline"])
    )


def to_html(text: str) -> SafeString:
    """Return Markdown as HTML; HTML in it is escaped."""
    return _sanitized(_markdown().render(text), TAGS)


def changes_to_html(old: str, new: str, frame: Frame) -> SafeString:
    """Return the redline of two Markdown texts as HTML; `frame` encloses what came and what went."""
    return _sanitized(formatted(_blocks(old), _blocks(new), frame), TAGS | {"ins", "del", "span"})


def reads_alike(old: str, new: str) -> bool:
    """Whether two Markdown texts have the same words, and differ in their formatting at most."""
    return [block.text for block in _blocks(old)] == [block.text for block in _blocks(new)]


def _sanitized(written: str, tags: set[str]) -> SafeString:
    return mark_safe(  # noqa: S308 (sanitized by nh3)
        nh3.clean(
            written,
            tags=tags,
            attributes={"a": {"href"}, "ol": {"start"}, "span": {"class"}},
            url_schemes={"https", "http", "mailto"},
            link_rel="noopener noreferrer nofollow",
        )
    )


def _blocks(text: str) -> list[Block]:
    """Return the paragraphs, items and cells of a Markdown text."""
    found: list[Block] = []
    within: list[Tag | None] = []
    for number, token in enumerate(_markdown().parse(text), 1):
        if token.nesting == 1:
            # The paragraph of an item in a list without blank lines is not shown.
            within.append(None if token.hidden else Tag(token.tag, number, _attributes(token)))
        elif token.nesting == -1:
            within.pop()
        elif token.children is not None:
            block = Block(tuple(tag for tag in within if tag), list(_signs(token.children)))
            # An empty cell keeps its place.
            if not block.signs and block.within and block.within[-1].name in ("td", "th"):
                block.signs.append((" ", ()))
            found.append(block)
    return [block for block in found if block.signs]


def _signs(children: list[Token]) -> Iterator[tuple[str, tuple[Tag, ...]]]:
    phrases: tuple[Tag, ...] = ()
    for token in children:
        if token.nesting == 1:
            phrases = (*phrases, Tag(token.tag, attributes=_attributes(token)))
        elif token.nesting == -1:
            phrases = phrases[:-1]
        elif token.type in ("softbreak", "hardbreak"):
            yield "\n", phrases
        else:
            inner = (*phrases, Tag("code")) if token.type == "code_inline" else phrases
            for sign in token.content:
                yield sign, inner


def _attributes(token: Token) -> tuple[tuple[str, str], ...]:
    return tuple((name, str(value)) for name, value in token.attrs.items() if name in ("href", "start"))
