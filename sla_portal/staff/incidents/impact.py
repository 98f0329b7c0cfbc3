"""The impact of an incident on each region: outages, judged minutes, overlapping maintenance."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Unpack

from django.conf import settings
from django.db.models import Model
from django.utils.translation import get_language

from incidents.models import Incident, Outage
from maintenance.models import MaintenanceWindow
from maintenance.queries import conduct, notices_given, windows_of_region
from sla_portal.agreements.queries import version_in_force
from sla_portal.agreements.rules import Reading, TermsPeriod, terms_at
from sla_portal.availability.clauses import CLAUSES
from sla_portal.availability.queries import Decisions, Grid, judged_region, service_days_of
from sla_portal.availability.rules import Judgement, MonthFigures, covered_by_notice, figures
from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import Span, epoch, instant, intersection, merged, minutes_touching, seconds
from sla_portal.kernel.months import ServiceDays, ServiceMonth, local_date

from ..addresses import minutes_of_region
from ..grid import Scope


class MonthOfRegion(NamedTuple):
    """A month that an incident touches, with its figures in one region."""

    month: ServiceMonth
    figures: MonthFigures


@dataclass(frozen=True)
class Overlap:
    """A maintenance window that overlaps an incident in a region, and the seconds its notices cover (4.1)."""

    window: MaintenanceWindow
    lead_hours: int | None
    """Whole hours from the first notice to the start it announced; None: not announced."""
    covered_seconds: int


@dataclass(frozen=True)
class RegionImpact:
    """The impact of an incident on one region."""

    region: Region
    outages: Sequence[Outage]
    downtime_by_scope: list[tuple[Scope, list[Span]]]
    """The periods in which each scope was down."""
    down: list[Span]
    """The periods in which anything was down."""
    ongoing: bool
    judgement: Judgement
    months: list[MonthOfRegion]
    overlaps: list[Overlap]

    @property
    def minutes(self) -> str:
        """The address of its minutes, from its start on."""
        return minutes_of_region(self.region, self.down[0][0])

    def counted(self, reading: Reading | None = None) -> int:
        """Unavailable minutes during the incident, under a counting rule or the one in force."""
        read = self.judgement.under[reading] if reading else self.judgement.in_force
        return read.counted.within(minutes_touching(self.down))

    @property
    def excluded(self) -> int:
        """Excluded minutes during the incident."""
        return self.judgement.in_force.excluded.within(minutes_touching(self.down))

    @property
    def reading(self) -> Reading:
        """The counting rule in force when the incident started."""
        return terms_at(self.judgement.periods, self.down[0][0]).unavailability_reading


def impacts(incident: Incident, grid: Grid, now: datetime) -> list[RegionImpact]:
    """Calculate the impact of an incident on each region it affects."""
    outages = list(incident.outages.select_related("region").prefetch_related("functions", "clients"))
    by_region: dict[Region, list[Outage]] = {}
    for outage in outages:
        by_region.setdefault(outage.region, []).append(outage)
    return [
        _impact(region, by_region[region], grid, now) for region in sorted(by_region, key=lambda region: region.code)
    ]


def _impact(region: Region, outages: Sequence[Outage], grid: Grid, now: datetime) -> RegionImpact:
    down = [(epoch(outage.started_at), epoch(outage.ended_at or now)) for outage in outages]
    months = months_of(down)
    judgement = judged_region(region, _span(months), now)
    # An outage logged this very second has no length yet.
    down = merged(down) or [(down[0][0], down[0][0])]
    return RegionImpact(
        region=region,
        outages=outages,
        downtime_by_scope=_downtime_by_scope(outages, grid, epoch(now)),
        down=down,
        ongoing=any(outage.ended_at is None for outage in outages),
        judgement=judgement,
        months=figures_of(region, judgement, months),
        overlaps=_overlaps(region, outages, grid, judgement.periods, down),
    )


def months_of(spans: Iterable[Span]) -> list[ServiceMonth]:
    """The service months that the spans touch."""
    spans = list(spans)
    month = ServiceMonth.of(local_date(min(start for start, _ in spans), settings.SLA_ZONE))
    last = ServiceMonth.of(local_date(max(max(start, end - 1) for start, end in spans), settings.SLA_ZONE))
    months = [month]
    while month < last:
        month = month.next
        months.append(month)
    return months


def _span(months: Sequence[ServiceMonth]) -> Span:
    return months[0].span(settings.SLA_ZONE)[0], months[-1].span(settings.SLA_ZONE)[1]


def figures_of(region: Region, judgement: Judgement, months: Iterable[ServiceMonth]) -> list[MonthOfRegion]:
    """The figures of each month within a judgement of a region."""
    found = []
    for month in months:
        days = ServiceDays.of(service_days_of(region, month), settings.SLA_ZONE)
        first, _end = days.spans[0] if days.spans else month.span(settings.SLA_ZONE)
        found.append(MonthOfRegion(month, figures(judgement, days, terms_at(judgement.periods, first))))
    return found


def _downtime_by_scope(outages: Iterable[Outage], grid: Grid, now: int) -> list[tuple[Scope, list[Span]]]:
    scopes: dict[tuple[frozenset[int], frozenset[int]], list[Span]] = {}
    for outage in outages:
        named = frozenset(f.pk for f in outage.functions.all()), frozenset(c.pk for c in outage.clients.all())
        scopes.setdefault(named, []).append(
            (epoch(outage.started_at), epoch(outage.ended_at) if outage.ended_at else now)
        )
    return [
        (
            (_named(grid.functions, functions), _named(grid.clients, clients)),
            merged(spans),
        )
        for (functions, clients), spans in scopes.items()
    ]


def _named(rows: Sequence[Model], keys: Collection[int]) -> list[Model] | None:
    """The rows an outage names; None if it names none or all of them."""
    return None if len(keys) in {0, len(rows)} else [row for row in rows if row.pk in keys]


def _overlaps(
    region: Region, outages: Sequence[Outage], grid: Grid, periods: Sequence[TermsPeriod], down: list[Span]
) -> list[Overlap]:
    found = []
    for window in windows_of_region(region, instant(down[0][0]), instant(down[-1][1])):
        if not any(intersection(down, [span]) for span in _ever_announced(window)):
            continue
        concerned = grid.cells([row.pk for row in window.functions.all()], [row.pk for row in window.clients.all()])
        affected = merged(
            (epoch(outage.started_at), down[-1][1] if outage.ended_at is None else epoch(outage.ended_at))
            for outage in outages
            if concerned
            & grid.cells([row.pk for row in outage.functions.all()], [row.pk for row in outage.clients.all()])
        )
        covered = seconds(intersection(covered_by_notice(notices_given(window), conduct(window), periods), affected))
        found.append(Overlap(window, lead_hours(window), covered))
    return found


def _ever_announced(window: MaintenanceWindow) -> list[Span]:
    """The periods of the window as planned and as each notice announced it."""
    announced = [(notice.starts_at, notice.ends_at) for notice in window.notices.all()]
    return [
        (epoch(start), epoch(end)) for start, end in [(window.starts_at, window.ends_at), *announced] if start and end
    ]


def lead_hours(window: MaintenanceWindow) -> int | None:
    """Whole hours from the first notice of a window to the start it announced; None: not announced."""
    first = next((notice for notice in window.notices.all() if notice.starts_at), None)
    if first is None or first.starts_at is None:
        return None
    return (epoch(first.starts_at) - epoch(first.sent_at)) // 3600


class MonthEffect(NamedTuple):
    """The figures of a month of one region now and after a decision."""

    region: Region
    month: ServiceMonth
    current: MonthFigures
    changed: MonthFigures


def month_effects(affected: Iterable[RegionImpact], now: datetime, **decisions: Unpack[Decisions]) -> list[MonthEffect]:
    """Calculate each affected month as it would be after decisions (`judged_region`)."""
    effects = []
    for impact in affected:
        months = [row.month for row in impact.months]
        judgement = judged_region(impact.region, _span(months), now, **decisions)
        effects += [
            MonthEffect(impact.region, current.month, current.figures, changed.figures)
            for current, changed in zip(impact.months, figures_of(impact.region, judgement, months), strict=True)
        ]
    return effects


class ClauseText(NamedTuple):
    """A clause in the reader's language."""

    number: str
    heading: str
    summary: str
    wording: str


def clauses_of_section_4(now: datetime) -> list[ClauseText]:
    """The clauses of section 4 in the version in force now."""
    version = version_in_force(local_date(epoch(now), settings.SLA_ZONE))
    chinese = (get_language() or "").startswith("zh")
    found = {clause.number: clause for clause in version.printed_clauses() if clause.number in CLAUSES}
    return [
        ClauseText(
            number,
            (chinese and clause.heading_zh) or clause.heading,
            (chinese and clause.summary_zh) or clause.summary,
            (chinese and clause.wording_zh) or clause.wording,
        )
        for number in CLAUSES
        if (clause := found.get(number))
    ]
