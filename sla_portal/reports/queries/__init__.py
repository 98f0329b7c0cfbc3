"""The figures that reports state; which reports are due, and what became of those requested."""

from .record import RegionRecord
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
    "without_report",
]
