"""Characters that nobody sees: they turn a line round, hide inside a word, or break a calendar or a feed."""

from __future__ import annotations

import re
from unicodedata import category, name

LINES = "\t\n\r"
JOINERS = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""Persian, the scripts of India and families of emoji need them, after a character of their own."""
VISIBLE = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Format characters that are drawn: they stand around Arabic, Syriac and Kaithi numbers."""
BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Letters and marks that are drawn as nothing."""
UNNAMED = {
    "\0": "NULL",
    "\b": "BACKSPACE",
    "\v": "LINE TABULATION",
    "\f": "FORM FEED",
    "\x1b": "ESCAPE",
    "\x7f": "DELETE",
}
TURNING = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")
"""Invisible characters that change how the text around them is read: direction, line and page."""
PLAIN = re.compile(r"[\t\n\r -~\u00a1-\u00ac\u00ae-\u02ff\u3000-\u3163\u4e00-\u9fff\uff01-\uff9f]*")


def hidden_character(text: str) -> int | None:
    """Return the place of the first invisible character of `text`; None without one."""
    # Nearly every text is plain to its end.
    plain = PLAIN.match(text)
    for place in range(plain.end() if plain else 0, len(text)):
        if _is_hidden(text[place], text[place - 1] if place else ""):
            return place
    return None


def _is_hidden(character: str, before: str) -> bool:
    if character in JOINERS:
        return before.isascii()
    kind = category(character)
    return (
        character in BLANK
        or (kind == "Cf" and character not in VISIBLE)
        or (kind == "Cc" and character not in LINES)
        or kind in ("Zl", "Zp", "Cs")
        or _is_no_character(ord(character))
    )


def _is_no_character(code: int) -> bool:
    """Code points that Unicode reserves for none, and XML refuses."""
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def character_name(character: str) -> str:
    """Name a character: `U+202E RIGHT-TO-LEFT OVERRIDE`."""
    return f"U+{ord(character):04X} {name(character, UNNAMED.get(character, ''))}".strip()


def without_hidden(text: str) -> str:
    """Return `text` without its invisible characters, a space for each."""
    while (place := hidden_character(text)) is not None:
        text = f"{text[:place]} {text[place + 1 :]}"
    return text


def with_turning_shown(text: str) -> str:
    """Return `text` with the code points of what would turn a line round or break it: `Login ⟨U+202E⟩detceridder`."""
    return TURNING.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", text)
