"""What an incident costs: read for the pages of the desk."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db.models import Model
from django.utils.translation import get_language

from incidents.models import Incident, Outage
from maintenance.models import MaintenanceWindow
from maintenance.queries import notices_given, windows_of_region
from sla_portal.agreements.models import Clause
from sla_portal.agreements.queries import version_in_force
from sla_portal.agreements.rules import Reading, TermsPeriod, terms_at
from sla_portal.availability.clauses import CLAUSES
from sla_portal.availability.models import Exclusion
from sla_portal.availability.queries import Grid, judged_region
from sla_portal.availability.rules import Judgement, MonthFigures, covered_by_notice, figures
from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import Span, epoch, instant, intersection, merged, minutes_touching, seconds
from sla_portal.kernel.months import ServiceDays, ServiceMonth, local_date

from ..grid import Scope


class RegionsMonth(NamedTuple):
    """A month that an incident reaches into, as it stands in one region."""

    month: ServiceMonth
    figures: MonthFigures


@dataclass(frozen=True)
class Overlap:
    """A maintenance window that an incident overlaps in a region, and the seconds that its notices cover (4.1)."""

    window: MaintenanceWindow
    lead_hours: int | None
    """From the first notice to the start that it announced, whole hours; None: nothing was announced."""
    covered_seconds: int


@dataclass(frozen=True)
class RegionCost:
    """What an incident does to one region."""

    region: Region
    outages: Sequence[Outage]
    down_by_scope: list[tuple[Scope, list[Span]]]
    """What it kept down, and when."""
    down: list[Span]
    """When it kept something down."""
    ongoing: bool
    judgement: Judgement
    months: list[RegionsMonth]
    overlaps: list[Overlap]

    def counted(self, reading: Reading | None = None) -> int:
        """Minutes counted while it lasted, under a reading or the one in force."""
        read = self.judgement.under[reading] if reading else self.judgement.in_force
        return read.counted.within(minutes_touching(self.down))

    @property
    def excluded(self) -> int:
        """Minutes taken off while it lasted."""
        return self.judgement.in_force.excluded.within(minutes_touching(self.down))

    @property
    def reading(self) -> Reading:
        """The reading in force when it began."""
        return terms_at(self.judgement.periods, self.down[0][0]).unavailability_reading


def costs(incident: Incident, grid: Grid, now: datetime) -> list[RegionCost]:
    """What an incident costs each region that it was felt in."""
    outages = list(incident.outages.select_related("region").prefetch_related("functions", "clients"))
    by_region: dict[Region, list[Outage]] = {}
    for outage in outages:
        by_region.setdefault(outage.region, []).append(outage)
    return [_cost(region, by_region[region], grid, now) for region in sorted(by_region, key=lambda region: region.code)]


def _cost(region: Region, outages: Sequence[Outage], grid: Grid, now: datetime) -> RegionCost:
    down = [(epoch(outage.started_at), epoch(outage.ended_at or now)) for outage in outages]
    months = months_of(down)
    judgement = judged_region(region, _span(months), now)
    # An outage logged this very second has no length yet.
    down = merged(down) or [(down[0][0], down[0][0])]
    return RegionCost(
        region=region,
        outages=outages,
        down_by_scope=_down_by_scope(outages, grid, epoch(now)),
        down=down,
        ongoing=any(outage.ended_at is None for outage in outages),
        judgement=judgement,
        months=figures_of(judgement, months),
        overlaps=_overlaps(region, outages, grid, judgement.periods, down),
    )


def months_of(spans: Iterable[Span]) -> list[ServiceMonth]:
    """The service months into which spans reach."""
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


def figures_of(judgement: Judgement, months: Iterable[ServiceMonth]) -> list[RegionsMonth]:
    """The figures of a region's months within a judgement."""
    return [
        RegionsMonth(
            month,
            figures(
                judgement,
                ServiceDays.of(month.days, settings.SLA_ZONE),
                terms_at(judgement.periods, month.span(settings.SLA_ZONE)[0]),
            ),
        )
        for month in months
    ]


def _down_by_scope(outages: Iterable[Outage], grid: Grid, now: int) -> list[tuple[Scope, list[Span]]]:
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
    """The rows that an outage names; none, or every one, is all of them."""
    return None if len(keys) in {0, len(rows)} else [row for row in rows if row.pk in keys]


def _overlaps(
    region: Region, outages: Sequence[Outage], grid: Grid, periods: Sequence[TermsPeriod], down: list[Span]
) -> list[Overlap]:
    found = []
    for window in windows_of_region(region, instant(down[0][0]), instant(down[-1][1])):
        if not any(intersection(down, [span]) for span in _ever_announced(window)):
            continue
        concerned = grid.cells([row.pk for row in window.functions.all()], [row.pk for row in window.clients.all()])
        felt = merged(
            (epoch(outage.started_at), down[-1][1] if outage.ended_at is None else epoch(outage.ended_at))
            for outage in outages
            if concerned
            & grid.cells([row.pk for row in outage.functions.all()], [row.pk for row in outage.clients.all()])
        )
        covered = seconds(intersection(covered_by_notice(notices_given(window), periods), felt))
        found.append(Overlap(window, lead_hours(window), covered))
    return found


def _ever_announced(window: MaintenanceWindow) -> list[Span]:
    """The window as its row says, and as each notice announced it."""
    announced = [(notice.starts_at, notice.ends_at) for notice in window.notices.all()]
    return [
        (epoch(start), epoch(end)) for start, end in [(window.starts_at, window.ends_at), *announced] if start and end
    ]


def lead_hours(window: MaintenanceWindow) -> int | None:
    """Whole hours from a window's first notice to the start that it announced; None: nothing was announced."""
    first = next((notice for notice in window.notices.all() if notice.starts_at), None)
    if first is None or first.starts_at is None:
        return None
    return (epoch(first.starts_at) - epoch(first.sent_at)) // 3600


class Difference(NamedTuple):
    """A month of a region as it stands, and as it would stand after a decision."""

    region: Region
    month: ServiceMonth
    stands: MonthFigures
    would: MonthFigures


def difference_made(exclusion: Exclusion, costs: Iterable[RegionCost], now: datetime) -> list[Difference]:
    """What confirming a proposed exclusion, or revoking a confirmed one, does to each month that it reaches."""
    made = []
    for cost in costs:
        months = [row.month for row in cost.months]
        if exclusion.status == "proposed":
            judgement = judged_region(cost.region, _span(months), now, as_if_confirmed=[exclusion])
        else:
            judgement = judged_region(cost.region, _span(months), now, as_if_revoked=[exclusion])
        made += [
            Difference(cost.region, stands.month, stands.figures, would.figures)
            for stands, would in zip(cost.months, figures_of(judgement, months), strict=True)
        ]
    return made


class ClauseInWords(NamedTuple):
    """A clause in the reader's language."""

    number: str
    heading: str
    summary: str
    wording: str


def clauses_of_section_4(now: datetime) -> list[ClauseInWords]:
    """The clauses of section 4 in the version in force now."""
    version = version_in_force(local_date(epoch(now), settings.SLA_ZONE))
    chinese = (get_language() or "").startswith("zh")
    found = {clause.number: clause for clause in Clause.objects.filter(agreement_version=version, number__in=CLAUSES)}
    return [
        ClauseInWords(
            number,
            (chinese and clause.heading_zh) or clause.heading,
            (chinese and clause.summary_zh) or clause.summary,
            clause.wording,
        )
        for number in CLAUSES
        if (clause := found.get(number))
    ]
