"""What the text leaves open."""

from __future__ import annotations

from django.db.models import QuerySet

from ..models import RegisterEntry
from ..rules import in_order_of_numbers


def register(clause: str = "") -> list[RegisterEntry]:
    """The errata and readings in the order of the clauses; those of one clause where it is named."""
    rows: QuerySet[RegisterEntry] = RegisterEntry.objects.select_related("written_by", "approved_by")
    return sorted(rows.filter(clause=clause) if clause else rows, key=lambda row: in_order_of_numbers(row.clause))
