"""A clause's Markdown as HTML that can do nothing but be read."""

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
    """A clause has a heading of its own, and fetches no picture; four blanks before a paragraph are no program."""
    # 7 MB, for the processes that show clauses.
    from markdown_it import MarkdownIt

    return (
        MarkdownIt("commonmark", {"html": False, "breaks": True})
        .enable("table")
        .disable(["heading", "lheading", "hr", "image", "code", "fence", "html_block", "html_inline"])
    )


def to_html(text: str) -> SafeString:
    """Write Markdown as HTML; what is HTML in it already is shown as the text that it is."""
    return mark_safe(  # noqa: S308 (cleaned in the same breath)
        nh3.clean(
            _markdown().render(text),
            tags=TAGS,
            attributes={"a": {"href"}, "ol": {"start"}},
            url_schemes={"https", "http", "mailto"},
            link_rel="noopener noreferrer nofollow",
        )
    )
