"""Recompute closed months under the terms of a draft amendment. Read-only: nothing is stored."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction

from django.conf import settings

from incidents.models import Outage
from sla_portal.agreements.rules import Terms
from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.months import ServiceDays, ServiceMonth

from .models import Deviation, MonthClosing, RegionMonth
from .queries import judged_region
from .rules import MonthFigures, availability, figures

MONTHS = 12


@dataclass(frozen=True)
class WhatIfMonth:
    """A closed month of a region: as closed, and as computed under other terms."""

    region: Region
    month: ServiceMonth
    was: RegionMonth | MonthFigures | None
    """As closed, or under the terms compared with. None: the closing does not state the region, which was opened later."""
    would: MonthFigures
    deviates: bool
    """The record has changed since the month was closed; `would` is computed from the present record."""

    @property
    def was_availability(self) -> Fraction | None:
        return availability(self.was.unavailable_minutes, self.was.total_minutes) if self.was else None

    @property
    def flips(self) -> bool:
        """Whether the outcome would change between SLA met and SLA breached."""
        return self.was is not None and self.was.met != self.would.met

    @property
    def changes(self) -> bool:
        return self.flips or (self.was is not None and self.was.unavailable_minutes != self.would.unavailable_minutes)


def recently_closed_months() -> list[ServiceMonth]:
    """Return the last twelve closed months, newest first."""
    months = MonthClosing.objects.filter(revision=1).order_by("-month").values_list("month", flat=True)
    return [ServiceMonth.of(month) for month in months[:MONTHS]]


def outages_to_judge() -> int:
    """Count the outages that `what_if` reads, to estimate its cost."""
    months = recently_closed_months()
    if not months:
        return 0
    start, end = instant(months[-1].span(settings.SLA_ZONE)[0]), instant(months[0].span(settings.SLA_ZONE)[1])
    return Outage.objects.valid().filter(started_at__lt=end).exclude(ended_at__lte=start).count()


def what_if(terms: Terms, now: datetime, compared_with: Terms | None = None) -> Iterator[WhatIfMonth]:
    """Judge the last twelve closed months of each region as if `terms` had always been in force, newest month first.

    They are set beside the months as they were closed or, with `compared_with`, under those terms on the same record.
    Each region is judged once for all months, on the service days with which each was closed, whatever measurement
    period `terms` name.
    """
    months = recently_closed_months()
    if not months:
        return
    span = months[-1].span(settings.SLA_ZONE)[0], months[0].span(settings.SLA_ZONE)[1]
    first_days = [month.first_day for month in months]
    deviating = set(Deviation.objects.filter(month__in=first_days).values_list("month", flat=True))
    judged = {
        (row.region_id, row.month): row
        for row in RegionMonth.objects.filter(month__in=first_days).select_related("agreement_version")
    }
    for region in Region.objects.all():
        judgement = judged_region(region, span, now, terms=terms)
        other = judged_region(region, span, now, terms=compared_with) if compared_with else None
        for month in months:
            was = judged.get((region.pk, month.first_day))
            days = ServiceDays.of(was.days if was else (), settings.SLA_ZONE)
            yield WhatIfMonth(
                region=region,
                month=month,
                was=figures(other, days, compared_with) if was and other and compared_with else was,
                would=figures(judgement, days, terms),
                deviates=month.first_day in deviating,
            )
