"""Closed months with their figures, and maps of their minutes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings

from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.queries import published_versions
from sla_portal.availability.models import MonthClosing, RegionMonth
from sla_portal.availability.queries import judged_region
from sla_portal.availability.rules import availability, cut, error_budget, figures, picture
from sla_portal.customers.models import Region
from sla_portal.kernel.instants import parse_instant
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import ServiceDays, ServiceMonth
from sla_portal.pictures import KINDS
from sla_portal.reports.models import Report

from ..rules import ClosedMonth, FailureEvent, MonthMap, Named
from .shared import Grid

MONTHS_SHOWN = 12


@dataclass(frozen=True)
class RegionYear:
    """The last closed months of a region, newest first; None where it was not yet measured."""

    region: Named
    months: tuple[ClosedMonth | None, ...]
    coming_on: date | None
    """The first service day of a region that is not in service yet."""
    gone_after: date | None
    """The last service day of one that is not in service any more."""


@dataclass(frozen=True)
class Years:
    """The last closed months, newest first, with the figures of each region."""

    months: tuple[ServiceMonth, ...]
    regions: tuple[RegionYear, ...]

    @property
    def listed(self) -> tuple[RegionYear, ...]:
        """The regions that are in service, and those that have any of the months."""
        return tuple(year for year in self.regions if any(year.months) or not (year.coming_on or year.gone_after))


def years(now: datetime) -> Years:
    """The last twelve closed months of every region."""
    return years_of(Grid.current(now))


def years_of(grid: Grid) -> Years:
    newest = MonthClosing.objects.order_by("-month").values_list("month", flat=True).distinct()[:MONTHS_SHOWN]
    months = [ServiceMonth.of(first) for first in newest]
    first_days = [month.first_day for month in months]
    closings = {row.month: row for row in MonthClosing.objects.filter(month__in=first_days).order_by("revision")}
    published = published_versions()
    judged = {
        (row.region.code, row.month): closed_month_of(row, closings[row.month], published)
        for row in RegionMonth.objects.filter(month__in=first_days).select_related("region", "agreement_version")
    }
    coming, gone = dict(grid.coming), dict(grid.gone)
    return Years(
        months=tuple(months),
        regions=tuple(
            RegionYear(
                region,
                tuple(judged.get((region.code, first)) for first in first_days),
                coming.get(region),
                gone.get(region),
            )
            for region in grid.every
        ),
    )


def closed_month_of(row: RegionMonth, closing: MonthClosing, published: Iterable[AgreementVersion]) -> ClosedMonth:
    """Return the figures with which a region's month was closed."""
    terms = row.agreement_version.terms
    month = ServiceMonth.of(row.month)
    within = [one for one in published if month.first_day < one.takes_effect_on <= month.last_day]
    reached = availability(row.unavailable_minutes, row.total_minutes)
    return ClosedMonth(
        month=month,
        availability=None if reached is None else cut(reached),
        met=row.met,
        versions=(terms.version, *(one.version for one in within)),
        target=terms.target_text,
        unavailable_minutes=row.unavailable_minutes,
        excluded_minutes=row.excluded_minutes,
        total_minutes=row.total_minutes,
        budget_minutes=error_budget(terms.availability_target, row.total_minutes),
        revision=closing.revision,
        closed_at=closing.closed_at,
    )


def maps(code: str, months: Sequence[ClosedMonth]) -> tuple[MonthMap, ...]:
    """Which minutes of closed months counted in a region, in the order of `months`.

    As the issued report states it; a month without a report is judged from the record as of the newest closing.
    """
    region = Region.objects.get(code=code)
    found = _stated_maps(region, months)
    missing = [month for month in months if month.month not in found]
    if missing:
        found |= _judged_maps(region, missing)
    return tuple(found[month.month] for month in months)


def _stated_maps(region: Region, months: Sequence[ClosedMonth]) -> dict[ServiceMonth, MonthMap]:
    """What the newest report of each month states, where its figures are those of the closed month."""
    closed = {month.month.first_day: month for month in months}
    reports = Report.objects.filter(region=region, month__in=closed).order_by("revision")
    newest = {first: statement["figures"] for first, statement in reports.values_list("month", "statement")}
    return {
        closed[first].month: _stated(closed[first].month, said)
        for first, said in newest.items()
        if not said["provisional"]
        and said["unavailable_minutes"] == closed[first].unavailable_minutes
        and said["excluded_minutes"] == closed[first].excluded_minutes
    }


def _stated(month: ServiceMonth, figures: dict[str, Any]) -> MonthMap:
    runs = [
        (epoch(parse_instant(start)), epoch(parse_instant(end)), kind)
        for shade, kind in KINDS.items()
        for start, end in figures["map"][shade.value]
    ]
    events = [
        FailureEvent(
            started_at=parse_instant(event["started_at"]),
            ended_at=parse_instant(event["ended_at"]),
            minutes=event["minutes"],
            excluded_minutes=event["excluded_minutes"],
            incidents=tuple(incident["reference"] for incident in event["incidents"]),
        )
        for event in figures["events"]
    ]
    return MonthMap(month, tuple(sorted(runs)), tuple(events))


def _judged_maps(region: Region, months: Sequence[ClosedMonth]) -> dict[ServiceMonth, MonthMap]:
    zone = settings.SLA_ZONE
    spans = [month.month.span(zone) for month in months]
    whole = min(start for start, _ in spans), max(end for _, end in spans)
    judgement = judged_region(region, whole, max(month.closed_at for month in months))
    rows = {
        row.month: row
        for row in RegionMonth.objects.filter(
            region=region, month__in=[month.month.first_day for month in months]
        ).select_related("agreement_version")
    }
    found = {}
    for month, span in zip(months, spans, strict=True):
        row = rows[month.month.first_day]
        days = ServiceDays.of(row.days, zone)
        runs = tuple((start, end, KINDS[shade]) for start, end, shade in picture(judgement, days, span))
        events = tuple(
            FailureEvent(
                instant(event.start), instant(event.end), event.minutes, event.excluded_minutes, event.incidents
            )
            for event in figures(judgement, days, row.agreement_version.terms).events
        )
        found[month.month] = MonthMap(month.month, runs, events)
    return found
