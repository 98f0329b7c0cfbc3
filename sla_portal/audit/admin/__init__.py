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
from .closed_months import ClosedMonthsAdmin, ClosedMonthsForm, check_closed_months_named
from .entries import EntryAdmin

__all__ = [
    "AuditedForm",
    "AuditedModelAdmin",
    "CappedPaginator",
    "ChosenFilter",
    "ClosedMonthsAdmin",
    "ClosedMonthsForm",
    "EntryAdmin",
    "Link",
    "MonthFilter",
    "ReadOnlyModelAdmin",
    "ReadOnlyRows",
    "RowSelect",
    "Rows",
    "check_closed_months_named",
    "clock_column",
    "day_column",
]
