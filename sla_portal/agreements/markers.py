"""Term markers: `{{availability_target}}` in a wording is printed as the value of that term, so that text and terms are one.

A marker is the name of a term in double braces. It stands for number and unit in legal form (`numbers.quantity`), for a
counting rule or measurement period for a phrase. A term that is not in `MARKERS` has none, and no check asks for it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from .changes import TERMS, Worded
from .markdown import to_html
from .numbers import Unit, all_numbers_in, figures, plain, quantities_in, quantity
from .rules import DraftedClause, MeasurementPeriod, Reading, Terms, without_wording

MARKER = re.compile(r"\{\{\s*([a-z0-9_]+)\s*\}\}")
BRACES = re.compile(r"\{\{[^{}]*\}?\}?|\}\}")
TEXTS = (("wording", "en"), ("wording_zh", "zh-hans"), ("summary", "en"), ("summary_zh", "zh-hans"))
"""The texts of a clause that markers are printed in, with their language."""
WORDINGS = TEXTS[:2]


@dataclass(frozen=True)
class Marker:
    """How a term is printed: with its `unit`, by its `phrases` in English and Chinese, or in figures alone; and the clause
    whose subject it is, if any is."""

    clause: str
    unit: Unit | None = None
    phrases: Mapping[Any, tuple[str, str]] | None = None

    def printed(self, value: Any, language: str) -> str:
        if self.phrases is not None:
            return self.phrases[value][language.startswith("zh")]
        return quantity(value, self.unit, language) if self.unit else figures(value)


READINGS = {
    Reading.ALL: ("every core function is unavailable on every client", "全部核心功能在全部客户端上均不可用"),
    Reading.FUNCTION: (
        "at least one core function is unavailable on every client",
        "至少一项核心功能在全部客户端上均不可用",
    ),
    Reading.ANY: (
        "at least one core function is unavailable on at least one client",
        "至少一项核心功能在至少一个客户端上不可用",
    ),
}
PERIODS = {
    MeasurementPeriod.MONTH: ("each service month by itself", "每个服务月单独计算"),
    MeasurementPeriod.CONTRACT_PERIOD: (
        "the contract period from its first day to the end of that month",
        "合同期首日至该月月末合并计算",
    ),
}
MARKERS: dict[str, Marker] = {
    "availability_target": Marker("2", Unit.PERCENT),
    "unavailability_reading": Marker("1.4", phrases=READINGS),
    "measurement_period": Marker("1.7", phrases=PERIODS),
    "maintenance_notice_hours": Marker("4.1", Unit.HOUR),
    "recommended_notice_hours": Marker("4.1", Unit.HOUR),
    "claim_opens_after_working_day": Marker("3.3.1", Unit.WORKING_DAY),
    "claim_closes_after_months": Marker("3.3.1", Unit.MONTH),
    "compensated_minutes_per_minute": Marker("3.2", Unit.MINUTE),
    "compensation_cap_percent": Marker("5.1", Unit.PERCENT),
    "voucher_valid_months": Marker("3.2", Unit.MONTH),
    "amendment_notice_days": Marker("5.2", Unit.DAY),
}
PLACES = {name: chr(0xE000 + place) for place, name in enumerate(MARKERS)}
"""Signs that stand for the markers while a text is checked; no text holds them."""
NAMES = {sign: name for name, sign in PLACES.items()}
ANY_PLACE = f"[{''.join(NAMES)}]"
ONE_NUMBER = r"(?:\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|hundred|thousand)\b|[零〇一二两三四五六七八九十百千万点])"
GLUED = re.compile(
    rf"[A-Za-z.,+\-−/%°]{ANY_PLACE}|{ONE_NUMBER}\s?[×x*]?\s?{ANY_PLACE}|{ANY_PLACE}(?:[A-Za-z\d%‰°]|[.,]\d)",
    re.IGNORECASE,
)
"""What stands so close to a marker that it would be read as part of the number."""


def value_of(terms: Terms, name: str) -> Any:
    """Return a term as it is printed: a Decimal, or the value of an enum."""
    if name == "availability_target":
        return Decimal(terms.target_text)
    value = getattr(terms, name)
    return Decimal(value) if isinstance(value, int) else value


def rendered(text: str, terms: Terms, language: str) -> str:
    """Return a text with the terms in place of their markers; an unknown marker stays as it is."""

    def printed(found: re.Match[str]) -> str:
        marker = MARKERS.get(found[1])
        return marker.printed(value_of(terms, found[1]), language) if marker else found[0]

    return MARKER.sub(printed, text) if "{{" in text else text


def printed_texts(clause: Worded, terms: Terms) -> dict[str, str]:
    """Return the texts of a clause that print otherwise than they stand, with their terms in place."""
    found = {name: rendered(getattr(clause, name), terms, language) for name, language in TEXTS}
    return {name: text for name, text in found.items() if text != getattr(clause, name)}


def printed(clauses: Iterable[DraftedClause], terms: Terms) -> list[DraftedClause]:
    """Return the clauses of a draft with its terms in place."""
    return [replace(clause, **printed_texts(clause, terms)) for clause in clauses]


def unknown_markers(text: str) -> list[str]:
    """Return what stands in double braces and is no term."""
    return list(dict.fromkeys(BRACES.findall(MARKER.sub(lambda one: "" if one[1] in MARKERS else one[0], text))))


def unknown_marker(found: str) -> str:
    return _("“%(marker)s” is no term marker. Choose one from the list, as in {{availability_target}}.") % {
        "marker": found
    }


def misplaced_marker(text: str) -> str:
    return _("A term marker stands in a wording or summary only, not in “%(text)s”.") % {"text": text[:80]}


# What stops a publication


@dataclass(frozen=True)
class Flaw:
    """A sentence about a clause (empty: about the terms) that stops a publication, or only warns."""

    number: str
    sentence: str
    warns: bool = False


Read = Mapping[str, str]
"""The texts of a clause by their columns, as they are read: Markdown and invisible signs gone, markers as `PLACES`."""


def marked(read: str) -> set[str]:
    """Return the terms whose markers a text holds where they are read."""
    return {NAMES[sign] for sign in read if sign in NAMES}


def read_text(text: str) -> str:
    """Return what a reader sees of a Markdown text, its markers as `PLACES`."""
    own = re.sub(r"[\ue000-\uf8ff]", "", text)
    marked = MARKER.sub(lambda found: PLACES.get(found[1], found[0]), own)
    without_tags = re.sub(r"</?(?:strong|em|code|a)\b[^>]*>", "", to_html(marked))
    return plain(html.unescape(re.sub(r"<[^>]*>", " ", without_tags)))


def flaws(clauses: Sequence[Worded], terms: Terms, before: Terms | None = None) -> list[Flaw]:
    """Return what stops a publication, and what warns: `before` are the terms of the version it amends (5.2)."""
    read = [{name: read_text(getattr(clause, name)) for name, _language in TEXTS} for clause in clauses]
    found = [*_unworded(clauses, read)]
    for clause, texts in zip(clauses, read, strict=True):
        found += [
            *_wrong_markers(clause, texts),
            *_wrong_numbers(clause, texts, terms),
            *_differing(clause, texts, clauses),
        ]
    return [*dict.fromkeys([*found, *_not_carried(read, terms, before)])]


def _wrong_markers(clause: Worded, read: Read) -> Iterator[Flaw]:
    for name, language in TEXTS:
        for one in unknown_markers(getattr(clause, name)) or BRACES.findall(read[name]):
            yield Flaw(clause.number, _about(clause, language, unknown_marker(one)))


def _wrong_numbers(clause: Worded, read: Read, terms: Terms) -> Iterator[Flaw]:
    own = own_terms(clause.number).union(*(marked(read[name]) for name, _language in WORDINGS))
    said = [(read[name], language) for name, language in WORDINGS]
    for text, language in (*said, (plain(clause.heading), "en"), (plain(clause.heading_zh), "zh-hans")):
        yield from _typed(clause, text, language, own)
    for name, language in TEXTS[2:]:
        yield from _contradicted(clause, read[name], language, terms)


def _differing(clause: Worded, read: Read, clauses: Sequence[Worded]) -> Iterator[Flaw]:
    """Where English and Chinese do not say the same: other numbers only warn."""
    english, chinese = (read[name] for name, _language in WORDINGS)
    if not english or not chinese:
        heads_others = any(other.number.startswith(f"{clause.number}.") for other in clauses)
        # Of a clause that heads no others the missing wording is told already.
        if (english or chinese) and heads_others:
            sentence = _("Clause %(number)s: only one of English and Chinese has a wording.")
            yield Flaw(clause.number, sentence % {"number": clause.number})
        return
    if names := marked(english) ^ marked(chinese):
        sentence = _("Clause %(number)s: English and Chinese have different markers (%(names)s).")
        shown = ", ".join(f"{{{{{name}}}}}" for name in sorted(names))
        yield Flaw(clause.number, sentence % {"number": clause.number, "names": shown})
    if numbers := _other_numbers(english, chinese):
        sentence = _(
            "Clause %(number)s: English and Chinese print different numbers besides the terms (%(numbers)s). Check them."
        )
        yield Flaw(clause.number, sentence % {"number": clause.number, "numbers": ", ".join(numbers)}, warns=True)


def own_terms(number: str) -> set[str]:
    """Return the terms whose subject a clause is."""
    return {name for name, marker in MARKERS.items() if marker.clause == number}


def term_name(name: str) -> str:
    return TERMS[name].name() if name in TERMS else name


def _language_name(language: str) -> str:
    return _("Chinese") if language.startswith("zh") else _("English")


def _about(clause: Worded, language: str, sentence: str) -> str:
    return _("Clause %(number)s, %(language)s: %(sentence)s") % {
        "number": clause.number, "language": _language_name(language), "sentence": sentence,
    }  # fmt: skip


def _unworded(clauses: Sequence[Worded], read: Sequence[Read]) -> Iterator[Flaw]:
    for name, language in WORDINGS:
        numbers = without_wording([(clause.number, texts[name]) for clause, texts in zip(clauses, read, strict=True)])
        if numbers:
            yield Flaw(
                numbers[0],
                _(
                    "The %(language)s wording is missing in clause %(numbers)s. Enter it, or load the agreement's text "
                    "with “manage.py loadagreement”."
                )
                % {"language": _language_name(language), "numbers": shortened(numbers)},
            )


def shortened(numbers: Sequence[str], most: int = 8) -> str:
    return ", ".join(numbers[:most]) + (f" … {numbers[-1]}" if len(numbers) > most else "")


def _typed(clause: Worded, read: str, language: str, own: set[str]) -> Iterator[Flaw]:
    """Numbers typed with the unit of one of the clause's terms, and phrases typed instead of a marker."""
    units = {MARKERS[name].unit: name for name in sorted(own, key=list(MARKERS).index, reverse=True)}
    typed = [(one.text, units[one.unit]) for one in quantities_in(read) if one.unit in units]
    for name in own:
        for phrases in (MARKERS[name].phrases or {}).values():
            typed += [(phrase, name) for phrase in phrases if phrase.casefold() in read.casefold()]
    for text, name in typed:
        yield Flaw(
            clause.number,
            _about(
                clause,
                language,
                _(
                    "“%(typed)s” is typed, but %(term)s is a term. Insert the marker {{%(name)s}} instead; a number that "
                    "is no term goes into a clause of its own."
                )
                % {"typed": text, "term": term_name(name), "name": name},
            ),
        )
    for match in GLUED.finditer(read):
        shown = re.sub(ANY_PLACE, lambda sign: f"{{{{{NAMES[sign[0]]}}}}}", match[0])
        yield Flaw(
            clause.number,
            _about(
                clause,
                language,
                _("“%(text)s” would be read as another number. Nothing but words goes beside a marker.")
                % {"text": shown},
            ),
        )


def contradictions(clauses: Sequence[Worded], terms: Terms) -> list[str]:
    """Return the numbers of a text that was set up or loaded, not drafted, which are not those of the terms."""
    return [
        _about(
            clause,
            language,
            _("“%(typed)s” is not what the terms say. Correct the text or the term.") % {"typed": text},
        )
        for clause in clauses
        for name, language in WORDINGS
        for text in _other_than(clause.number, read_text(getattr(clause, name)), terms)
    ]


def _contradicted(clause: Worded, read: str, language: str, terms: Terms) -> Iterator[Flaw]:
    """Numbers in our summary that are not those of the clause's terms."""
    for text in _other_than(clause.number, read, terms):
        yield Flaw(
            clause.number,
            _about(
                clause,
                language,
                _("the summary says “%(typed)s”, which the terms do not. Insert a marker in its place.")
                % {"typed": text},
            ),
        )


def _other_than(number: str, read: str, terms: Terms) -> Iterator[str]:
    """Numbers with the unit of a clause's terms that are none of their values."""
    values: dict[Unit | None, set[Any]] = {}
    for name in own_terms(number):
        values.setdefault(MARKERS[name].unit, set()).add(value_of(terms, name))
    for one in quantities_in(read):
        if one.unit in values and one.value not in values[one.unit]:
            yield one.text


def _other_numbers(english: str, chinese: str) -> list[str]:
    one, other = all_numbers_in(english), all_numbers_in(chinese)
    return sorted({*(one - other), *(other - one)})


def _not_carried(read: Iterable[Read], terms: Terms, before: Terms | None) -> Iterator[Flaw]:
    carried = [marked(texts["wording"]) & marked(texts["wording_zh"]) for texts in read]
    for name, marker in MARKERS.items():
        if before and value_of(terms, name) != value_of(before, name) and not any(name in some for some in carried):
            yield Flaw(
                marker.clause,
                _(
                    "%(term)s changes, but no wording carries {{%(name)s}} in both languages. Insert it in clause %(number)s."
                )
                % {"term": term_name(name), "name": name, "number": marker.clause},
            )


def marker_choices(terms: Terms, language: str) -> list[tuple[str, str, str]]:
    """Return each term that has a marker: the marker, its name, and what it prints now."""
    return [
        (f"{{{{{name}}}}}", term_name(name), marker.printed(value_of(terms, name), language))
        for name, marker in MARKERS.items()
    ]
