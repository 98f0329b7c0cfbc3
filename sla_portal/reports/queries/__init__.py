"""The figures that reports state; which reports are due, and what became of those requested."""

from .record import RegionRecord, stated_contracts
from .runs import (
    FileDamaged,
    customers_to_report,
    file_of,
    in_service,
    progress,
    readable_by,
    without_report,
)

__all__ = [
    "FileDamaged",
    "RegionRecord",
    "customers_to_report",
    "file_of",
    "in_service",
    "progress",
    "readable_by",
    "stated_contracts",
    "without_report",
]
