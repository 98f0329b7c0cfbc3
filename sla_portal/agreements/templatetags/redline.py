"""Clauses and their redlines for website, staff pages and PDFs."""

from __future__ import annotations

import re

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from ..markdown import changes_to_html, reads_alike, to_html
from ..redline import Kind, Run, Runs

register = template.Library()

register.filter("markdown", to_html)
TAGS = {Kind.INSERTED: "ins", Kind.DELETED: "del"}


@register.filter
def marked(runs: Runs) -> SafeString:
    """The redline of a line of text: `<ins>` and `<del>`, which say what they are to who cannot see them, too."""
    return format_html_join("", "{}", ((_marked(run),) for run in runs))


@register.filter
def marked_text(runs: Runs) -> SafeString:
    """The redline of a Markdown text, as HTML."""
    old, new = ("".join(run.text for run in runs if run.kind is not left_out) for left_out in TAGS)
    if old != new and reads_alike(old, new):
        return format_html('{}<p class="became">{}</p>', to_html(new), _("Only the formatting changed."))
    return changes_to_html(old, new, _framed)


def _framed(kind: Kind, html: str) -> str:
    return _enclosed(kind, mark_safe(html))  # noqa: S308 (escaped, and sanitized as a whole)


def _marked(run: Run) -> SafeString:
    if run.kind is Kind.SAME:
        return conditional_escape(run.text)
    # A break that came or went is seen by its sign alone.
    return _enclosed(run.kind, re.sub(r"\n+", r"¶\g<0>", run.text))


def _enclosed(kind: Kind, text: str) -> SafeString:
    begin, end = (
        (_("[inserted:"), _("end of insertion]")) if kind is Kind.INSERTED else (_("[deleted:"), _("end of deletion]"))
    )
    return format_html(
        '<{tag}><span class="unseen">{begin} </span>{text}<span class="unseen"> {end}</span></{tag}>',
        tag=TAGS[kind],
        begin=begin,
        text=text,
        end=end,
    )
