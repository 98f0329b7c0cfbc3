"""Status badges: a word, a mark and a colour each."""

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
"""Every state has its mark besides its word and colour, so that none is told by colour alone."""


def badge(state: str, word: object) -> SafeString:
    """Show a state by word, mark and colour."""
    return format_html(
        '<span class="mark {}"><span aria-hidden="true">{}</span> {}</span>', state, BADGE_MARKS[state], word
    )
