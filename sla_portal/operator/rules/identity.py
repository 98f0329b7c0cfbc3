"""The operator's identity as a value, and the contrast of its colours (WCAG 2.2)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

COLOUR = re.compile(r"#[0-9a-f]{6}")
TEXT_CONTRAST = 4.5
"""Least contrast of text (1.4.3)."""
LIGHT, DARK = "light", "dark"
GROUNDS = {
    LIGHT: ("#ffffff", "#f2f3f1", "#f7f8f7", "#e5f1ea", "#f9e7e6", "#f7eed9"),
    DARK: ("#191d21", "#101316", "#14181b", "#17291f", "#361b1a", "#2e2413"),
}
"""Grounds of links in website.css and portal.css: sheet, desk, sunk, and the soft tones of notes and states."""
ON_ACCENT = {LIGHT: "#ffffff", DARK: "#0b1e2b"}
"""What is written on a ground of the accent colour itself."""
SOFT = {LIGHT: 0.1, DARK: 0.18}
"""Part of the accent in the ground of what is hovered over."""
DEEP = {LIGHT: ("#000000", 0.3), DARK: ("#ffffff", 0.4)}
"""What the accent is mixed with where it is hovered over, and how much of it."""


@dataclass(frozen=True)
class TooFaint:
    """A colour whose contrast with a ground is too low for text, and the nearest one that would do."""

    colour: str
    ground: str
    contrast: float
    instead: str


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21."""
    light, dark = sorted((_luminance(_parts(one)), _luminance(_parts(other))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def too_faint(colour: str, theme: str) -> TooFaint | None:
    """Return why a colour cannot be the accent of a theme; None where it can."""
    found, ground = _lowest_contrast(colour, theme)
    return TooFaint(colour, ground, found, readable(colour, theme)) if found < TEXT_CONTRAST else None


def readable(colour: str, theme: str) -> str:
    """Return a colour itself, or mixed with as little black (light theme) or white (dark theme) as makes it readable."""
    mixed = (_mixed(colour, DEEP[theme][0], step / 100) for step in range(101))
    return next(one for one in mixed if _lowest_contrast(one, theme)[0] >= TEXT_CONTRAST)


def _lowest_contrast(colour: str, theme: str) -> tuple[float, str]:
    """Return the lowest contrast of an accent as text, or of text on it, and with what."""
    against = (*GROUNDS[theme], soft(colour, theme), ON_ACCENT[theme])
    return min((contrast(colour, one), one) for one in against)


def soft(colour: str, theme: str) -> str:
    return _mixed(GROUNDS[theme][0], colour, SOFT[theme])


def stylesheet(light: str, dark: str) -> str:
    """Return the stylesheet that puts the accents of the operator in the place of the portal's own."""
    pairs = {
        "accent": (light, dark),
        "accent-deep": (_mixed(light, *DEEP[LIGHT]), _mixed(dark, *DEEP[DARK])),
        "accent-soft": (soft(light, LIGHT), soft(dark, DARK)),
    }
    rules = "".join(f"--{name}:light-dark({one},{other});" for name, (one, other) in pairs.items())
    return f":root{{{rules}}}\n"


def stylesheet_name(light: str, dark: str) -> str:
    """Return the name of the stylesheet's file; it changes with the content, so that the file can be cached for ever."""
    digest = hashlib.sha256(stylesheet(light, dark).encode()).hexdigest()[:12]
    return f"{light[1:]}-{dark[1:]}-{digest}"


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: tuple[int, int, int]) -> float:
    """Return the relative luminance, as WCAG defines it."""

    def linear() -> Iterator[float]:
        for part in colour:
            value = part / 255
            yield value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4

    red, green, blue = linear()
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _mixed(colour: str, other: str, part: float) -> str:
    """Return `colour` with `part` of `other` in it."""
    pairs = zip(_parts(colour), _parts(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * part):02x}" for one, two in pairs)


# The identity


@dataclass(frozen=True)
class Picture:
    """A logo, named by the SHA-256 of its file; pixels."""

    sha256: str
    media_type: str
    width: int
    height: int

    @property
    def file_name(self) -> str:
        return f"{self.sha256}.{ENDINGS[self.media_type]}"


ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}
LARGEST_LOGO = 100_000
"""Bytes of a stored logo: each page and each report carries it."""
LOGO_SIDE = 480
"""Pixels of the longer side of a stored logo, to which larger ones are scaled down."""


@dataclass(frozen=True)
class Operator:
    """Who promises, as of a row of the record (`number`); without one (None), as the settings say.

    An empty text is not stated. `sender` is the whole From where the settings say it, otherwise an address.
    """

    number: int | None
    name: str
    name_zh: str
    address: str
    address_zh: str
    contact_email: str
    contact_phone: str
    imprint_url: str
    privacy_url: str
    sender: str
    reply_to: str
    accent_light: str
    accent_dark: str
    logo: Picture | None
    languages: str
    default_language: str
    customer_language: str

    @property
    def offered(self) -> tuple[str, ...]:
        """The codes of the languages offered: `languages`, joined by commas."""
        return tuple(self.languages.split(","))

    def language_for(self, language: str | None) -> str:
        """Return the language itself if it is offered, or else the operator's first one."""
        return language if language in self.offered else self.default_language

    def name_in(self, language: str | None) -> str:
        return (self.name_zh if (language or "").startswith("zh") else "") or self.name

    def address_in(self, language: str | None) -> str:
        return (self.address_zh if (language or "").startswith("zh") else "") or self.address

    def stated_in(self, language: str | None) -> str:
        """Return name and address on one line, as papers and e-mails state them."""
        return ", ".join(filter(None, (self.name_in(language), self.address_in(language))))

    @property
    def stylesheet(self) -> str:
        """The name of the stylesheet of its colours; empty with the portal's own."""
        return stylesheet_name(self.accent_light, self.accent_dark) if self.accent_light else ""


def offers(codes: Sequence[str]) -> list[str]:
    """Return every choice of languages that can be offered, as `Operator.languages` states it; at least one is offered."""
    return [",".join(chosen) for count in range(1, len(codes) + 1) for chosen in combinations(codes, count)]
