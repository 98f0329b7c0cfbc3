"""Clauses and their redlines for website, staff pages and PDFs."""

from __future__ import annotations

import re

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..markdown import to_html
from ..redline import Kind, Run, Runs

register = template.Library()

register.filter("markdown", to_html)
TAGS = {Kind.INSERTED: "ins", Kind.DELETED: "del"}


@register.filter
def marked(runs: Runs) -> SafeString:
    """A redline: `<ins>` and `<del>`, which say what they are to who cannot see them, too."""
    return format_html_join("", "{}", ((_marked(run),) for run in runs))


def _marked(run: Run) -> SafeString:
    if run.kind is Kind.SAME:
        return conditional_escape(run.text)
    # A break that came or went is seen by its sign alone.
    text = re.sub(r"\n+", r"¶\g<0>", run.text)
    begin, end = (
        (_("[inserted:"), _("end of insertion]"))
        if run.kind is Kind.INSERTED
        else (_("[deleted:"), _("end of deletion]"))
    )
    return format_html(
        '<{tag}><span class="unseen">{begin} </span>{text}<span class="unseen"> {end}</span></{tag}>',
        tag=TAGS[run.kind],
        begin=begin,
        text=text,
        end=end,
    )
