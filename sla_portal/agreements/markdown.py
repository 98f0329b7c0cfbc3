"""Render a clause's Markdown as sanitized HTML."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import nh3
from django.utils.safestring import SafeString, mark_safe

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

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
    return mark_safe(  # noqa: S308 (sanitized by nh3)
        nh3.clean(
            _markdown().render(text),
            tags=TAGS,
            attributes={"a": {"href"}, "ol": {"start"}},
            url_schemes={"https", "http", "mailto"},
            link_rel="noopener noreferrer nofollow",
        )
    )
