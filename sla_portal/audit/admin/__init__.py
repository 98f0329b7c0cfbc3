"""The admin classes that every app uses, and the audit log itself."""

from .base import (
    AuditedForm,
    AuditedModelAdmin,
    CappedPaginator,
    ChosenFilter,
    Link,
    MonthFilter,
    ReadOnlyModelAdmin,
    ReadOnlyRows,
    Rows,
    RowSelect,
    clock_column,
    day_column,
)
from .entries import EntryAdmin

__all__ = [
    "AuditedForm",
    "AuditedModelAdmin",
    "CappedPaginator",
    "ChosenFilter",
    "EntryAdmin",
    "Link",
    "MonthFilter",
    "ReadOnlyModelAdmin",
    "ReadOnlyRows",
    "RowSelect",
    "Rows",
    "clock_column",
    "day_column",
]
