"""Let nothing be published in which the text says something else than the terms (5.2), and freeze what is printed."""

from __future__ import annotations

from collections.abc import Iterable

from sla_portal.kernel.errors import Refused

from ..markers import flaws, printed_texts
from ..models import AgreementVersion, Clause


class TextAndTermsDiffer(Refused):
    """Text and terms are not one. `sentences` name each clause and term."""

    def __init__(self, sentences: Iterable[str]) -> None:
        self.sentences = list(sentences)
        super().__init__(" ".join(self.sentences))


def check_text_and_terms(version: AgreementVersion) -> None:
    """Raise `TextAndTermsDiffer` unless every wording is there and prints the terms by their markers."""
    before = version.based_on
    found = flaws(list(version.clauses.all()), version.terms, before.terms if before else None)
    if stopping := [flaw.sentence for flaw in found if not flaw.warns]:
        raise TextAndTermsDiffer(stopping)


def freeze_printed_texts(version: AgreementVersion) -> None:
    """Keep what each clause prints, its terms in place, in the caller's transaction."""
    terms, clauses = version.terms, list(version.clauses.all())
    for clause in clauses:
        clause.printed = printed_texts(clause, terms)
    Clause.objects.bulk_update(clauses, ["printed"])
