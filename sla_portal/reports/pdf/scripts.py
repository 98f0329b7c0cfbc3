"""Name in words what the shipped fonts have no glyph for, so that no report holds empty boxes."""

import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby, pairwise
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext
from fontTools.ttLib import TTFont

FONTS = Path(__file__).resolve().parent.parent / "assets" / "fonts"


def printable(value: Any) -> Any:
    """Return a text, or a list or mapping with texts in it, with each run without glyphs replaced by a note of its script."""
    if isinstance(value, str):
        return value if value.isascii() else "".join(_printable_runs(value))
    if isinstance(value, list):
        return [printable(one) for one in value]
    if isinstance(value, dict):
        return {key: printable(one) for key, one in value.items()}
    return value


@cache
def _glyphs() -> frozenset[int]:
    """Return the code points for which some shipped font has a glyph."""
    found: set[int] = set()
    for file in sorted(FONTS.glob("*.ttf")):
        with TTFont(file, lazy=True) as font:
            found.update(font.getBestCmap())
    return frozenset(found)


def _printable_runs(text: str) -> Iterator[str]:
    for script, run in groupby(zip(text, _scripts(text), strict=True), key=lambda one: one[1]):
        characters = "".join(character for character, _script in run)
        yield characters if script is None else _note(len(characters), script)


def _scripts(text: str) -> list[str | None]:
    """Return the script of each character without a glyph; None of any other.

    Spaces and marks between two characters of one script go with them, so that a sentence is one run.
    """
    found: list[str | None] = []
    for one in text:
        script = None if _blank(one) or ord(one) in _glyphs() else _script(one)
        if script == "" and _mark(one) and found and found[-1]:
            # A mark that several scripts use.
            script = found[-1]
        found.append(script)
    missing = [at for at, script in enumerate(found) if script is not None]
    for before, after in pairwise(missing):
        if found[before] == found[after] and all(_blank(one) or _mark(one) for one in text[before + 1 : after]):
            found[before:after] = [found[before]] * (after - before)
    return found


def _blank(character: str) -> bool:
    """Whether a character draws nothing."""
    unseen = unicodedata.category(character) in ("Cc", "Cf")
    return unseen or character.isspace() or unicodedata.name(character, "").startswith("VARIATION SELECTOR")


def _mark(character: str) -> bool:
    """Whether a character is drawn on the one before it."""
    return unicodedata.category(character) == "Mn"


def _note(count: int, script: str) -> str:
    if not script:
        return ngettext("[%(count)d character without a glyph]", "[%(count)d characters without a glyph]", count) % {
            "count": count
        }
    return ngettext(
        "[%(count)d character in %(script)s script]", "[%(count)d characters in %(script)s script]", count
    ) % {"count": count, "script": script}


def _script(character: str) -> str:
    """Return the name of a character's script; empty for one that is not listed, as for a pictogram."""
    return {
        "ARABIC": pgettext("script", "Arabic"),
        "ARMENIAN": pgettext("script", "Armenian"),
        "BENGALI": pgettext("script", "Bengali"),
        "DEVANAGARI": pgettext("script", "Devanagari"),
        "GEORGIAN": pgettext("script", "Georgian"),
        "HANGUL": pgettext("script", "Hangul"),
        "HEBREW": pgettext("script", "Hebrew"),
        "KHMER": pgettext("script", "Khmer"),
        "LAO": pgettext("script", "Lao"),
        "MYANMAR": pgettext("script", "Myanmar"),
        "SINHALA": pgettext("script", "Sinhala"),
        "TAMIL": pgettext("script", "Tamil"),
        "TELUGU": pgettext("script", "Telugu"),
        "THAI": pgettext("script", "Thai"),
    }.get(unicodedata.name(character, "").partition(" ")[0], "")


def note() -> str:
    """Return the sentence about texts named in brackets."""
    return _(
        "Text in brackets names characters that this report has no font for; the attached figures hold them as entered."
    )
