"""Status badges: a label and a symbol each, coloured by `.mark.<state>` of the style sheets."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

BADGE_MARKS = {
    "up": "✓",
    "counted": "■",
    "excluded": "▨",
    "outside": "□",
    "unknown": "◌",
    "open": "●",
    "waiting": "◔",
    "plain": "·",
}
"""Each state has a symbol, so that no status depends on colour alone."""


def badge(state: str, label: object) -> SafeString:
    """Render a status badge."""
    return format_html(
        '<span class="mark {}"><span aria-hidden="true">{}</span> {}</span>', state, BADGE_MARKS[state], label
    )
