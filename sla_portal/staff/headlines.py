"""The figures of a month in its headline: as it was closed, or by the present record."""

from __future__ import annotations

from typing import Any

from sla_portal.availability.models import CustomerMonth, RegionMonth
from sla_portal.availability.rules import FigureStatus, MonthFigures, MonthStatus, availability, cut, error_budget
from sla_portal.availability.words import pending_sentence, status_badge

from .words import verdict


def as_judged(figures: MonthFigures, status: MonthStatus) -> dict[str, Any]:
    """Return the headline of a month by the present record."""
    return {
        "availability": None if figures.availability is None else cut(figures.availability),
        "verdict": verdict(figures.met, over=True),
        "status": status_badge(status.status),
        "pending": pending_sentence(status),
        "target": figures.terms.target_text,
        "version": figures.terms.version,
        "budget": figures.budget_minutes,
        "unavailable": figures.unavailable_minutes,
        "excluded": figures.excluded_minutes,
        "days": figures.service_days,
        "total": figures.total_minutes,
        "reading_sensitive": figures.reading_sensitive,
        "provisional": figures.provisional,
    }


def as_closed(row: RegionMonth | CustomerMonth) -> dict[str, Any]:
    """Return the headline of a month as it was closed."""
    ratio = availability(row.unavailable_minutes, row.total_minutes)
    terms = row.agreement_version.terms
    return {
        "availability": None if ratio is None else cut(ratio),
        "verdict": verdict(row.met, over=True),
        "status": status_badge(FigureStatus.FINAL),
        "pending": "",
        "target": terms.target_text,
        "version": terms.version,
        "budget": error_budget(terms.availability_target, row.total_minutes),
        "unavailable": row.unavailable_minutes,
        "excluded": row.excluded_minutes,
        "days": row.service_days,
        "total": row.total_minutes,
        "reading_sensitive": row.reading_sensitive,
        "provisional": row.provisional,
    }
