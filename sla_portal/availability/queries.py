"""Read the record as inputs of the rules, and judge service months from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import TypedDict, Unpack

from django.conf import settings
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from incidents.models import Incident, IncidentQuerySet, Outage, OutageClient, OutageFunction
from incidents.queries import connected_outages
from maintenance.models import MaintenanceWindow
from maintenance.queries import conduct, notices_given
from sla_portal.agreements.models import Contract
from sla_portal.agreements.queries import contracts_in_force, suspensions_of, terms_periods, version_in_force
from sla_portal.agreements.rules import MeasurementPeriod, Terms, TermsPeriod
from sla_portal.customers.models import Client, CoreFunction, Customer, Region
from sla_portal.kernel.intervals import Span, epoch, instant, intersection
from sla_portal.kernel.months import ServiceDays, ServiceMonth, days_span

from .models import CustomerMonth, Exclusion, MonthClosing, RegionMonth, Status
from .rules import (
    EVERYTHING,
    ExcludedTime,
    Judgement,
    MonthFigures,
    MonthStatus,
    ScopedOutage,
    cells,
    covered_by_notice,
    figures,
    for_customer,
    judge,
    month_status,
)


@dataclass(frozen=True)
class Judged:
    """The judged service days of a region or customer: the figures, and the judgement that they follow from."""

    month: ServiceMonth
    judgement: Judgement
    days: ServiceDays
    figures: MonthFigures


@dataclass(frozen=True)
class Grid:
    """All core functions and clients in their order, by which cells are numbered."""

    functions: tuple[CoreFunction, ...]
    clients: tuple[Client, ...]

    @classmethod
    def current(cls) -> Grid:
        return cls(tuple(CoreFunction.objects.all()), tuple(Client.objects.all()))

    def cells(self, functions: Collection[int], clients: Collection[int]) -> int:
        """Return the cells of a scope given by primary keys; an empty scope means all of them."""
        if not functions and not clients:
            return EVERYTHING
        return cells(
            [number for number, function in enumerate(self.functions) if function.pk in functions],
            [number for number, client in enumerate(self.clients) if client.pk in clients],
            functions=len(self.functions),
            clients=len(self.clients),
        )


class Decisions(TypedDict, total=False):
    """Exclusions to treat as if they were confirmed, or revoked."""

    as_if_confirmed: Iterable[Exclusion]
    as_if_revoked: Iterable[Exclusion]


def judged_region(
    region: Region,
    span: Span,
    now: datetime,
    *,
    as_if_confirmed: Iterable[Exclusion] = (),
    as_if_revoked: Iterable[Exclusion] = (),
    terms: Terms | None = None,
) -> Judgement:
    """Judge `span` (seconds since the epoch) of a region; ongoing outages run to `now`.

    `as_if_confirmed` and `as_if_revoked` preview a decision; `terms` previews an amendment, as if no other version had
    ever been in force.
    """
    grid = Grid.current()
    periods = [TermsPeriod(None, None, terms)] if terms else terms_periods()
    outages = connected_outages(region, instant(span[0]), instant(span[1]))
    scoped = list(_scoped_outages(outages, grid, now))
    exclusions = {
        exclusion.pk: exclusion
        for exclusion in _of_incidents(Exclusion.objects.filter(status=Status.CONFIRMED), outages)
    }
    exclusions |= {exclusion.pk: exclusion for exclusion in as_if_confirmed}
    for exclusion in as_if_revoked:
        exclusions.pop(exclusion.pk, None)
    reach = min((outage.start for outage in scoped), default=0), max((outage.end for outage in scoped), default=0)
    return judge(
        scoped,
        [
            time
            for exclusion in exclusions.values()
            for time in _excluded_times(exclusion, region, grid, periods, reach)
        ],
        periods,
        functions=len(grid.functions),
        clients=len(grid.clients),
        span=span,
        known_until=epoch(now),
    )


def region_month(region: Region, month: ServiceMonth, now: datetime, **decisions: Unpack[Decisions]) -> Judged:
    """Judge a service month of a region; `decisions` as in `judged_region`. Raises `NoAgreementInForce`."""
    judgement = judged_region(region, month.span(settings.SLA_ZONE), now, **decisions)
    days = ServiceDays.of(month.days, settings.SLA_ZONE)
    return Judged(month, judgement, days, figures(judgement, days, version_in_force(month.first_day).terms))


def customer_month(customer: Customer, month: ServiceMonth, now: datetime, **decisions: Unpack[Decisions]) -> Judged:
    """Judge a service month of a customer: its service days, with its own exclusions.

    `decisions` as in `judged_region`; the customer's own exclusions may be among them. Where the terms measure the
    contract period, the days are those of the contract to the end of the month. Raises `NoAgreementInForce`.
    """
    contracts = list(
        contracts_in_force(month.first_day, month.last_day).filter(customer=customer).order_by("starts_on")
    )
    in_force = [(contract.starts_on, contract.last_day) for contract in contracts]
    terms = version_in_force(first_service_day(in_force, month)).terms
    days = days_measured(in_force, month, terms)
    return _judged_customer(customer, contracts, month, days, terms, now, **decisions)


def contract_period_so_far(contract: Contract, month: ServiceMonth, now: datetime) -> Judged:
    """Judge a contract period up to the end of `month`, for information beside the month (1.6, 2.1)."""
    first = first_service_day([(contract.starts_on, contract.last_day)], month)
    days = _days_between(contract.starts_on, min(contract.last_day, month.last_day))
    return _judged_customer(contract.customer, [contract], month, days, version_in_force(first).terms, now)


InForce = tuple[date, date]
"""The first and last service day of a contract."""


def first_service_day(contracts: Iterable[InForce], month: ServiceMonth) -> date:
    """Return the day whose agreement version decides the month: the first on which a contract is in force."""
    return max(min((first for first, _last in contracts), default=month.first_day), month.first_day)


def days_measured(contracts: Iterable[InForce], month: ServiceMonth, terms: Terms) -> set[date]:
    """Return the days measured: the service days of the month or, where the terms say so, of the contracts to its end."""
    month_only = terms.measurement_period is MeasurementPeriod.MONTH
    return {
        day
        for first, last in contracts
        for day in _days_between(max(first, month.first_day) if month_only else first, min(last, month.last_day))
    }


def closing_of(month: ServiceMonth) -> MonthClosing | None:
    """Return the newest closing revision of a month; None where it is not closed."""
    return MonthClosing.objects.filter(month=month.first_day).order_by("-revision").first()


def closed_months(months: Collection[date]) -> set[date]:
    """Return those of `months` (first days) that are closed."""
    return set(MonthClosing.objects.filter(month__in=months).values_list("month", flat=True))


@dataclass(frozen=True)
class OpenItems:
    """The items that keep a month from being closed."""

    not_over: bool
    open: list[Incident]
    unclassified: list[Incident]
    undecided: list[Exclusion]

    def __bool__(self) -> bool:
        return bool(self.not_over or self.open or self.unclassified or self.undecided)


def open_items(month: ServiceMonth, now: datetime) -> OpenItems:
    """Return the incidents and exclusions that keep a month from being closed, oldest first."""
    _start, end = _edges(month)
    incidents = _incidents_in(month)
    ongoing = Q(resolved_at__isnull=True) | Q(outages__ended_at__isnull=True)
    return OpenItems(
        not_over=now < end,
        open=list(incidents.filter(ongoing)),
        unclassified=list(incidents.unclassified()),
        undecided=list(
            _undecided(incidents, month, Q(customer__isnull=False))
            .select_related("incident", "customer", "proposed_by")
            .order_by("proposed_at", "id")
        ),
    )


def status_of(subject: Region | Customer, judged: Judged, now: datetime) -> MonthStatus:
    """Return the status of a month's figures.

    What is open in the region counts, in all of the month: it keeps the month from being closed for its customers too.
    Time that one customer caused is pending for that customer only.
    """
    month = judged.month
    _start, end = _edges(month)
    region, own = (subject, Q(pk__in=[])) if isinstance(subject, Region) else (subject.region, Q(customer=subject))
    incidents = _incidents_in(month, outages__region=region)
    return month_status(
        over=end <= now,
        ongoing_outage=Outage.objects.filter(
            region=region, ended_at__isnull=True, started_at__lt=min(end, now)
        ).exists(),
        unclassified_incident=incidents.unclassified().exists(),
        undecided_exclusion=_undecided(incidents, month, own).exists(),
        closed=_is_closed_figure(subject, judged),
    )


def _is_closed_figure(subject: Region | Customer, judged: Judged) -> bool:
    """Whether the month is closed with these figures: one that the record has since left is not final."""
    if closing_of(judged.month) is None:
        return False
    figures, first_day = judged.figures, judged.month.first_day
    frozen: RegionMonth | CustomerMonth | None = (
        RegionMonth.objects.filter(region=subject, month=first_day).first()
        if isinstance(subject, Region)
        else CustomerMonth.objects.filter(customer=subject, month=first_day).first()
    )
    if frozen is None:
        # A customer without a contract in the month has no row.
        return figures.total_minutes == 0
    return (frozen.total_minutes, frozen.unavailable_minutes, frozen.excluded_minutes, frozen.met) == (
        figures.total_minutes,
        figures.unavailable_minutes,
        figures.excluded_minutes,
        figures.met,
    )


def _edges(month: ServiceMonth) -> tuple[datetime, datetime]:
    start, end = month.span(settings.SLA_ZONE)
    return instant(start), instant(end)


def _incidents_in(month: ServiceMonth, **scope: Region) -> IncidentQuerySet:
    """Incidents with an outage in the month, of the `scope` given, oldest first."""
    start, end = _edges(month)
    return (
        Incident.objects.filter(
            Q(outages__ended_at__isnull=True) | Q(outages__ended_at__gt=start), outages__started_at__lt=end, **scope
        )
        .distinct()
        .order_by("detected_at", "id")
    )


def _undecided(incidents: IncidentQuerySet, month: ServiceMonth, own: Q) -> QuerySet[Exclusion]:
    """Proposed exclusions of the incidents, and those of the customers `own` in the month."""
    start, end = _edges(month)
    return Exclusion.objects.filter(status=Status.PROPOSED).filter(
        Q(incident__in=incidents.order_by().values("pk")) | own & Q(starts_at__lt=end, ends_at__gt=start)
    )


def customer_exclusions(
    customers: Iterable[int] | QuerySet[Customer], start: datetime, end: datetime
) -> dict[int, list[ExcludedTime]]:
    """Return the confirmed exclusions of single customers (4.2 to 4.9) that touch `[start, end)`, by customer."""
    found: dict[int, list[ExcludedTime]] = defaultdict(list)
    for exclusion in Exclusion.objects.filter(
        status=Status.CONFIRMED, customer__in=customers, starts_at__lt=end, ends_at__gt=start
    ):
        found[exclusion.customer_id].append(_customer_exclusion(exclusion))  # type: ignore[index]  # the filter compares it
    return found


def _customer_exclusion(exclusion: Exclusion) -> ExcludedTime:
    """Return the time that a customer's own exclusion covers; it always has both instants."""
    starts_at, ends_at = exclusion.starts_at, exclusion.ends_at
    return ExcludedTime(None, exclusion.clause, epoch(starts_at), epoch(ends_at), key=exclusion.pk)  # type: ignore[arg-type]


def exclusions_of_region(region: Region, span: Span) -> QuerySet[Exclusion]:
    """Return the exclusions, of any status, of the incidents that are read to judge `span` of a region."""
    return _of_incidents(Exclusion.objects.all(), connected_outages(region, instant(span[0]), instant(span[1])))


def suspended_spans(contracts: Iterable[Contract], first: date, last: date) -> list[Span]:
    """Return the days suspended for non-payment (4.7), as spans."""
    by_contract = suspensions_of([contract.pk for contract in contracts], first, last)
    return [
        days_span(max(suspension.first_on, first), min(suspension.last_on, last), settings.SLA_ZONE)
        for suspensions in by_contract.values()
        for suspension in suspensions
    ]


def _judged_customer(
    customer: Customer,
    contracts: list[Contract],
    month: ServiceMonth,
    measured: Collection[date],
    terms: Terms,
    now: datetime,
    *,
    as_if_confirmed: Iterable[Exclusion] = (),
    as_if_revoked: Iterable[Exclusion] = (),
) -> Judged:
    confirmed, revoked = list(as_if_confirmed), list(as_if_revoked)
    not_own = {exclusion.pk for exclusion in revoked}
    first = min(measured, default=month.first_day)
    last = max(measured, default=month.last_day)
    span = days_span(min(first, month.first_day), max(last, month.last_day), settings.SLA_ZONE)
    own = customer_exclusions([customer.pk], instant(span[0]), instant(span[1]))[customer.pk]
    judgement = for_customer(
        judged_region(
            customer.region,
            span,
            now,
            as_if_confirmed=[exclusion for exclusion in confirmed if exclusion.customer_id is None],
            as_if_revoked=revoked,
        ),
        [
            *(time for time in own if time.key not in not_own),
            *(_customer_exclusion(exclusion) for exclusion in confirmed if exclusion.customer_id == customer.pk),
        ],
        suspended_spans(contracts, first, last),
    )
    days = ServiceDays.of(measured, settings.SLA_ZONE)
    return Judged(month, judgement, days, figures(judgement, days, terms))


def _days_between(first: date, last: date) -> set[date]:
    return {first + timedelta(days=n) for n in range((last - first).days + 1)}


def _scoped_outages(outages: QuerySet[Outage], grid: Grid, now: datetime) -> Iterable[ScopedOutage]:
    functions: dict[int, list[int]] = defaultdict(list)
    for outage, function in OutageFunction.objects.filter(outage__in=outages).values_list("outage", "function"):
        functions[outage].append(function)
    clients: dict[int, list[int]] = defaultdict(list)
    for outage, client in OutageClient.objects.filter(outage__in=outages).values_list("outage", "client"):
        clients[outage].append(client)
    scope = cache(grid.cells)
    for pk, incident, started_at, ended_at in outages.values_list(
        "pk", "incident__reference", "started_at", "ended_at"
    ):
        yield ScopedOutage(
            incident=incident,
            start=epoch(started_at),
            end=epoch(ended_at or now),
            cells=scope(tuple(functions[pk]), tuple(clients[pk])),
            ongoing=ended_at is None,
        )


def _of_incidents(exclusions: QuerySet[Exclusion], outages: QuerySet[Outage]) -> QuerySet[Exclusion]:
    return (
        exclusions.filter(incident__in=outages.values("incident"))
        .select_related("incident", "maintenance", "proposed_by", "decided_by", "revoked_by")
        .prefetch_related(
            "maintenance__notices", "maintenance__regions", "maintenance__functions", "maintenance__clients"
        )
        .order_by("id")
    )


def _excluded_times(
    exclusion: Exclusion, region: Region, grid: Grid, periods: Sequence[TermsPeriod], reach: Span
) -> Iterable[ExcludedTime]:
    """Return the time that an exclusion covers in a region: under 4.1 what was announced, otherwise its whole interval."""
    start = epoch(exclusion.starts_at) if exclusion.starts_at else reach[0]
    end = epoch(exclusion.ends_at) if exclusion.ends_at else reach[1]
    if start >= end:
        return
    spans, scope = [(start, end)], EVERYTHING
    if exclusion.maintenance:
        spans, scope = _announced(exclusion.maintenance, region, grid, periods, (start, end))
    reference = exclusion.incident.reference  # type: ignore[union-attr]  # it was found by its incident
    for start, end in spans:
        yield ExcludedTime(reference, exclusion.clause, start, end, scope, key=exclusion.pk)


def _announced(
    window: MaintenanceWindow, region: Region, grid: Grid, periods: Sequence[TermsPeriod], span: Span
) -> tuple[list[Span], int]:
    """Return the part of `span` that a window's notices cover in a region (4.1), and the cells that they name."""
    regions = {named.pk for named in window.regions.all()}
    if regions and region.pk not in regions:
        return [], 0
    scope = grid.cells([row.pk for row in window.functions.all()], [row.pk for row in window.clients.all()])
    return intersection(covered_by_notice(notices_given(window), conduct(window), periods), [span]), scope


def exclusions_resting_on(window: MaintenanceWindow) -> QuerySet[Exclusion]:
    """The proposed and confirmed exclusions under 4.1 that name a window, oldest first."""
    return (
        Exclusion.objects.filter(maintenance=window, status__in=[Status.PROPOSED, Status.CONFIRMED])
        .select_related("incident")
        .order_by("proposed_at", "id")
    )


def exclusions_without_cover() -> QuerySet[Exclusion]:
    """The proposed and confirmed exclusions under 4.1 whose window was not carried out, or completed before they begin.

    Their window covers nothing of them any more, so they take nothing off.
    """
    first = Outage.objects.filter(incident=OuterRef("incident")).order_by("started_at").values("started_at")[:1]
    return (
        Exclusion.objects.filter(clause="4.1", status__in=[Status.PROPOSED, Status.CONFIRMED])
        .annotate(begins_at=Coalesce("starts_at", Subquery(first)))
        .filter(Q(maintenance__not_carried_out_at__isnull=False) | Q(maintenance__completed_at__lte=F("begins_at")))
        .select_related("incident", "maintenance")
        .order_by("proposed_at", "id")
    )


def covered_by_window(window: MaintenanceWindow, outage: Outage, span: Span) -> list[Span]:
    """Return the part of `span` in which a window's notices cover some cell of an outage (4.1)."""
    grid = Grid.current()
    spans, announced = _announced(window, outage.region, grid, terms_periods(), span)
    down = grid.cells([row.pk for row in outage.functions.all()], [row.pk for row in outage.clients.all()])
    return spans if announced & down else []
