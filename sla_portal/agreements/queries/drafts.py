"""The content of a draft: as it is, and as a page showed it before later changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sla_portal.audit.models import Entry

from ..models import CLAUSE_FIELDS, TERM_FIELDS, AgreementVersion
from ..rules import DraftedClause, plain_text

SUMMARIES = ("summary_of_changes", "summary_of_changes_zh")
CLAUSE = "clause "
"""How changes of a draft name a clause, as `clause 3.2`."""


@dataclass(frozen=True)
class DraftContent:
    """What is edited in a draft: its terms and summaries by their columns, and its clauses in their order."""

    values: Mapping[str, Any]
    clauses: Sequence[DraftedClause]

    def clause(self, number: str) -> DraftedClause | None:
        return next((clause for clause in self.clauses if clause.number == number), None)


def draft_content(draft: AgreementVersion) -> DraftContent:
    """Return the content of a draft, its clauses as they are now."""
    values = {name: getattr(draft, name) for name in TERM_FIELDS}
    return DraftContent(
        values | {name: plain_text(getattr(draft, name)) for name in SUMMARIES},
        [
            DraftedClause(**{name: plain_text(getattr(clause, name)) for name in CLAUSE_FIELDS})
            for clause in draft.clauses.all()
        ],
    )


def content_before(content: DraftContent, entries: Sequence[Entry]) -> DraftContent:
    """Return the content as it was before the changes of `entries`, oldest first, which led to it."""
    values = dict(content.values)
    clauses = {clause.number: vars(clause) for clause in content.clauses}
    for entry in reversed(entries):
        for name, (before, after) in entry.changes.items():
            if name in values:
                field: Any = AgreementVersion._meta.get_field(name)
                values[name] = field.to_python(before)
            elif name.startswith(CLAUSE):
                number = name.removeprefix(CLAUSE)
                if "number" in after and "number" not in before:
                    clauses.pop(number, None)
                else:
                    was = {text: before.get(text, "") for text in before | after}
                    clauses[number] = {**clauses.get(number, {}), "number": number, **was}
    in_order = sorted(clauses.values(), key=lambda clause: [int(part) for part in clause["number"].split(".")])
    return DraftContent(values, [DraftedClause(**clause) for clause in in_order])
