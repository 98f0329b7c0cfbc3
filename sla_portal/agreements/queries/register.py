"""The register of errata and interpretations."""

from __future__ import annotations

from django.db.models import QuerySet

from ..models import RegisterEntry
from ..rules import in_order_of_numbers


def register(clause: str = "") -> list[RegisterEntry]:
    """Return the register entries in the order of the clauses, of one `clause` if given."""
    rows: QuerySet[RegisterEntry] = RegisterEntry.objects.select_related("written_by", "approved_by")
    return sorted(rows.filter(clause=clause) if clause else rows, key=lambda row: in_order_of_numbers(row.clause))
