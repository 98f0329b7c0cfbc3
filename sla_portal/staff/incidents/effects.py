"""The effect of a decision on the months that an incident touches, under each counting rule."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Unpack

from django.conf import settings

from sla_portal.availability.operations import count_changed_outcomes
from sla_portal.availability.queries import Decisions, closing_of, statuses_of_regions
from sla_portal.availability.rules import ReadingFigures, compared
from sla_portal.availability.words import pending_sentence, status_badge
from sla_portal.clocks import format_minutes, month_name
from sla_portal.kernel.intervals import epoch
from sla_portal.minutes import rule_name

from ..addresses import query_of
from ..words import verdict
from .impact import MonthEffect, RegionImpact, month_effects


def effects_of(affected: Iterable[RegionImpact], now: datetime, **decisions: Unpack[Decisions]) -> list[dict[str, Any]]:
    """Each affected month before and after decisions, and the number of customers whose SLA result changes."""
    effects = list(month_effects(affected, now, **decisions))
    statuses = statuses_of_regions({effect.month for effect in effects}, now)
    return [
        {
            "region": effect.region,
            "month": effect.month,
            "name": month_name(effect.month),
            "status": status_badge(statuses[effect.region.pk, effect.month.first_day].status),
            "pending": pending_sentence(statuses[effect.region.pk, effect.month.first_day]),
            "closed": closing_of(effect.month) is not None,
            "verdicts_changed": count_changed_outcomes(region=effect.region, month=effect.month, now=now, **decisions),
            "lines": _lines(effect, now),
            "preview": query_of(decisions),
        }
        for effect in effects
    ]


def _lines(effect: MonthEffect, now: datetime) -> list[dict[str, Any]]:
    over = effect.month.span(settings.SLA_ZONE)[1] <= epoch(now)

    def result(under: ReadingFigures) -> dict[str, str]:
        state, word = verdict(under.met, over)
        return {"minutes": format_minutes(under.unavailable_minutes), "state": state, "word": word}

    return [
        {
            "name": rule_name(reading),
            "code": reading and reading.value,
            "in_force": in_force,
            "current": result(before),
            "changed": result(after),
        }
        for reading, in_force, before, after in compared(effect.current, effect.changed)
    ]
