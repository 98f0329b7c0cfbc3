"""Plain text: decoding and preview."""

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
"""Bidirectional control characters, which can make text read differently than stored."""
MARKUP = re.compile(
    r"[\s\ufeff]*(<[!?%a-z/]|#!|@echo off|REGEDIT4\s|Windows Registry Editor Version"
    r"|(?:[#;][^\n]*\s+)*\[(InternetShortcut|Desktop Entry|\{000214A0-))",
    re.IGNORECASE,
)
"""Pages and programs, registry files and shortcuts, which a renamed copy would be."""
BLANKS = {"\u2800", "\u3164", "\u115f", "\u1160", "\uffa0"}
"""Letters and symbols that show nothing."""


def read(content: bytes) -> str:
    """Return the preview of a text; raise `Unfit` for markup, and where nothing can be seen."""
    text = decoded(content)
    if MARKUP.match(text):
        raise Unfit(Reason.MARKUP)
    if not any(unicodedata.category(c)[0] in "LNPS" and c not in BLANKS for c in set(text)):
        raise Unfit(Reason.BLANK)
    return preview_text(text)


def decoded(content: bytes) -> str:
    """Decode bytes as UTF-8, as UTF-16 with BOM, or as GB 18030."""
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


def preview_text(text: str) -> str:
    """Shorten a very long text, and make bidirectional control characters visible."""
    text = "".join(TURNS_AROUND.get(c, c) for c in text[:LONGEST]) + (SHORTENED if len(text) > LONGEST else "")
    return "".join(c if c in "\t\n" or unicodedata.category(c) != "Cc" else " " for c in text.replace("\r\n", "\n"))
