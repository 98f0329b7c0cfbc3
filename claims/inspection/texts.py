"""Text: decoded, and free of what is not text."""

from __future__ import annotations

import codecs
import re
import unicodedata

from .reasons import Reason, Unfit

LONGEST = 100_000
"""Characters of a preview."""
SHORTENED = "[…]"
LINES = "\t\n\r\f"
TURNS_AROUND = {
    chr(code): f"⟨U+{code:04X}⟩" for code in (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
}
"""Marks that let text run the other way, and so read otherwise than it stands."""
MARKUP = re.compile(r"\s*(<[!?a-z/]|#!)", re.IGNORECASE)


def read(content: bytes) -> str:
    """The preview of a text."""
    text = decoded(content)
    if MARKUP.match(text):
        raise Unfit(Reason.MARKUP)
    return shown(text)


def decoded(content: bytes) -> str:
    """The text of bytes in UTF-8, in UTF-16 with its mark, or in GB 18030."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        tried = ["utf-16"]
    else:
        tried = ["utf-8-sig", "gb18030"]
    for encoding in tried:
        try:
            text = content.decode(encoding)
        except UnicodeError:
            continue
        if not any(unicodedata.category(c) == "Cc" and c not in LINES for c in set(text)):
            return text
    raise Unfit(Reason.NOT_TEXT)


def shown(text: str) -> str:
    """What of a text is shown: not all of a very long one, and every mark that turns it around as a word."""
    text = "".join(TURNS_AROUND.get(c, c) for c in text[:LONGEST]) + (SHORTENED if len(text) > LONGEST else "")
    return "".join(c if c in "\t\n" or unicodedata.category(c) != "Cc" else " " for c in text.replace("\r\n", "\n"))
