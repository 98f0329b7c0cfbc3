"""Read an agreement's numbered text into its clauses.

A clause begins with its number at the start of a line: `1. Terms`, `1.1 Title`, `4.2 Whole text.`, or, repeated before
the text itself, `1.7Text`. Its text follows on that line, on the lines below, or both.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

# After the number a dot, a blank, a letter, a quotation mark or nothing; so that 99.99% at the start of a line is none.
NUMBERED = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)+|[0-9]+(?=\.(?![0-9])))(?:\.|(?=[\s“\"]|[^\W\d_]|$))(?P<rest>.*)")
SENTENCE = re.compile(r"[.!?;:。！？；：]$")
LONGEST_HEADING = 200


class NotAnAgreement(ValueError):
    """The text cannot be read as numbered clauses; `str()` of it is a sentence."""


@dataclass
class ClauseText:
    """A clause as it stands in a text."""

    number: str
    first_line: str
    """What stands on the line of the number."""
    paragraphs: list[str] = field(default_factory=list)

    @property
    def heading(self) -> str:
        """The first line, where it is no sentence and the text stands below it or in further clauses."""
        return "" if SENTENCE.search(self.first_line) or len(self.first_line) > LONGEST_HEADING else self.first_line

    def is_repeated_by(self, number: str) -> bool:
        """Whether `number` below a bare heading is that of the clause said again, before the text itself."""
        return number == self.number and bool(self.heading) and not self.paragraphs

    @property
    def wording(self) -> str:
        """The text without the heading, which is shown above it; empty for a clause that only heads others."""
        return "\n\n".join(part for part in (not self.heading and self.first_line, *self.paragraphs) if part)


@dataclass(frozen=True)
class NumberedText:
    """The clauses in their order, and what stands before the first and after the last."""

    clauses: tuple[ClauseText, ...]
    preamble: tuple[str, ...]
    left_over: tuple[str, ...]

    @property
    def title(self) -> str:
        return self.preamble[0] if self.preamble else ""

    @property
    def opening(self) -> str:
        """What stands between the title and the first clause."""
        return "\n\n".join(self.preamble[1:])


def read_numbered_text(text: str) -> NumberedText:
    """Find the clauses of `text`; raises `NotAnAgreement` where a number does not follow the one before it.

    Of the last clause one paragraph is text: what a web page shows below an agreement would else be its end. It is
    returned as left over.
    """
    preamble: list[str] = []
    clauses: list[ClauseText] = []
    blank = True
    for position, line in enumerate(map(str.strip, text.splitlines()), 1):
        numbered = NUMBERED.fullmatch(line)
        if numbered and clauses and clauses[-1].is_repeated_by(numbered["number"]):
            clauses[-1].paragraphs.append(numbered["rest"].strip())
        elif numbered and (clauses or numbered["number"] == "1"):
            _check_order(clauses, numbered["number"], position)
            clauses.append(ClauseText(numbered["number"], numbered["rest"].strip()))
        elif line:
            paragraphs = clauses[-1].paragraphs if clauses else preamble
            if blank or not paragraphs:
                paragraphs.append(line)
            else:
                paragraphs[-1] += f"\n{line}"
        blank = not line
    if not clauses:
        raise NotAnAgreement(_("No line of the text begins with the number of a first clause, as in “1. Terms”."))
    return NumberedText(tuple(clauses), tuple(preamble), _cut_left_over(clauses[-1]))


def _cut_left_over(last: ClauseText) -> tuple[str, ...]:
    kept = 0 if last.first_line and not last.heading else 1
    last.paragraphs, left_over = last.paragraphs[:kept], last.paragraphs[kept:]
    return tuple(left_over)


def _check_order(clauses: Sequence[ClauseText], number: str, position: int) -> None:
    if len(number) > 10:
        raise NotAnAgreement(
            _("Line %(line)d begins with %(number)s, which is too long for a clause's number.")
            % {"line": position, "number": number}
        )
    if clauses and number not in may_follow(clauses[-1].number):
        raise NotAnAgreement(
            _(
                "Line %(line)d begins with %(number)s, which does not follow %(before)s. Where it is no clause, join the "
                "line with the one before it."
            )
            % {"line": position, "number": number, "before": clauses[-1].number}
        )


def may_follow(number: str) -> set[str]:
    """`1.2` may be followed by 1.2.1, 1.3 and 2."""
    parts = [int(part) for part in number.split(".")]
    following = {f"{number}.1"}
    for depth in range(len(parts)):
        following.add(".".join(map(str, [*parts[:depth], parts[depth] + 1])))
    return following


def numbered_text(title: str, opening: str, clauses: Sequence[tuple[str, str, str]]) -> str:
    """Return a text that `read_numbered_text` reads into these clauses: number, heading and wording."""
    parts = [title, opening]
    for number, heading, wording in clauses:
        dot = "" if "." in number else "."
        parts.append(" ".join(part for part in (f"{number}{dot}", heading or wording) if part))
        if heading and wording:
            parts.append(wording)
    return "\n\n".join(part for part in parts if part) + "\n"
