"""What closed months would have been under the terms of a draft. Only read: nothing of it is kept."""

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
class Supposed:
    """A closed month of a region as it was, and as it would have been."""

    region: Region
    month: ServiceMonth
    was: RegionMonth | None
    """None: the region is younger than the closing."""
    would: MonthFigures
    deviates: bool
    """The record says something else by now than what was closed; `would` follows the record."""

    @property
    def was_availability(self) -> Fraction | None:
        return availability(self.was.unavailable_minutes, self.was.total_minutes) if self.was else None

    @property
    def flips(self) -> bool:
        """Whether it would change between kept and missed."""
        return self.was is not None and self.was.met != self.would.met

    @property
    def changes(self) -> bool:
        return self.flips or (self.was is not None and self.was.unavailable_minutes != self.would.unavailable_minutes)


def closed_lately() -> list[ServiceMonth]:
    """The last twelve closed months, newest first."""
    months = MonthClosing.objects.filter(revision=1).order_by("-month").values_list("month", flat=True)
    return [ServiceMonth.of(month) for month in months[:MONTHS]]


def outages_to_judge() -> int:
    """How many outages `what_if` looks at: what it costs to ask."""
    months = closed_lately()
    if not months:
        return 0
    start, end = instant(months[-1].span(settings.SLA_ZONE)[0]), instant(months[0].span(settings.SLA_ZONE)[1])
    return Outage.objects.filter(started_at__lt=end).exclude(ended_at__lte=start).count()


def what_if(terms: Terms, now: datetime) -> Iterator[Supposed]:
    """Judge the last twelve closed months of each region as if `terms` had always been in force, newest month first.

    A region is judged once for all of them. Of a region all days are service days, whatever `terms` measure.
    """
    months = closed_lately()
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
        for month in months:
            yield Supposed(
                region=region,
                month=month,
                was=judged.get((region.pk, month.first_day)),
                would=figures(judgement, ServiceDays.of(month.days, settings.SLA_ZONE), terms),
                deviates=month.first_day in deviating,
            )
