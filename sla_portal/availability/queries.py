"""Read the record as inputs of the rules, and judge service months from it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from types import MappingProxyType
from typing import TypedDict, Unpack

from django.conf import settings
from django.db.models import F, Min, Model, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from incidents.models import Incident, IncidentQuerySet, Outage, OutageClient, OutageFunction
from incidents.queries import connected_outages, periods_of
from maintenance.models import MaintenanceWindow
from maintenance.queries import conduct, notices_given
from sla_portal.agreements.models import Contract
from sla_portal.agreements.queries import (
    NoAgreementInForce,
    contracts_in_force,
    suspensions_of,
    terms_periods,
    version_in_force,
)
from sla_portal.agreements.rules import MeasurementPeriod, Terms, TermsPeriod
from sla_portal.audit.models import ClosedMonth
from sla_portal.customers.models import Client, CoreFunction, Customer, Region
from sla_portal.customers.queries import clients, core_functions
from sla_portal.kernel.intervals import Span, epoch, instant, intersection
from sla_portal.kernel.months import ServiceDays, ServiceMonth, days_span, local_date
from sla_portal.kernel.remembering import remembered

from .models import (
    ClosingRequest,
    CustomerMonth,
    Exclusion,
    MonthClosing,
    RegionMonth,
    RequestStatus,
    Status,
)
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
        return cls(core_functions(), clients())

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
    """Exclusions to treat as if they were confirmed, or revoked, and outages as they would be."""

    as_if_confirmed: Iterable[Exclusion]
    as_if_revoked: Iterable[Exclusion]
    as_if_outages: Mapping[int, Outage | None]
    """By primary key: the outage with the incident and the end that it would have; None: it would not count."""


def judged_region(
    region: Region,
    span: Span,
    now: datetime,
    *,
    as_if_confirmed: Iterable[Exclusion] = (),
    as_if_revoked: Iterable[Exclusion] = (),
    as_if_outages: Mapping[int, Outage | None] = MappingProxyType({}),
    terms: Terms | None = None,
) -> Judgement:
    """Judge `span` (seconds since the epoch) of a region; ongoing outages run to `now`.

    `as_if_confirmed`, `as_if_revoked` and `as_if_outages` preview a decision (`Decisions`); `terms` previews an
    amendment, as if no other version had ever been in force.
    """
    grid = Grid.current()
    periods = [TermsPeriod(None, None, terms)] if terms else terms_periods()
    outages = connected_outages(region, instant(span[0]), instant(span[1]))
    scoped = list(_scoped_outages(outages, grid, now, as_if_outages))
    taken_over_by = [outage.incident_id for outage in as_if_outages.values() if outage]
    exclusions = {
        exclusion.pk: exclusion
        for exclusion in _of_incidents(Exclusion.objects.filter(status=Status.CONFIRMED), outages, taken_over_by)
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


def region_month(
    region: Region, month: ServiceMonth, now: datetime, *, terms: Terms | None = None, **decisions: Unpack[Decisions]
) -> Judged:
    """Judge a service month of a region; `terms` and `decisions` as in `judged_region`. Raises `NoAgreementInForce`."""
    judgement = judged_region(region, month.span(settings.SLA_ZONE), now, terms=terms, **decisions)
    in_service = service_days_of(region, month)
    days = ServiceDays.of(in_service, settings.SLA_ZONE)
    terms = terms or version_in_force(min(in_service, default=month.first_day)).terms
    return Judged(month, judgement, days, figures(judgement, days, terms))


def service_days_of(region: Region, month: ServiceMonth) -> list[date]:
    """Return the service days of a region's month.

    A closed month keeps those with which it was closed: none where it does not state the region.
    """
    if closing_of(month) is None:
        return region.service_days(month)
    closed = RegionMonth.objects.filter(region=region, month=month.first_day).first()
    return closed.days if closed else []


def regions_in_service(month: ServiceMonth) -> QuerySet[Region]:
    """Return the regions with a service day in the month or, where it is closed, those that the closing states."""
    if closing_of(month):
        return Region.objects.filter(months__month=month.first_day)
    return Region.objects.filter(
        Q(first_service_day__isnull=True) | Q(first_service_day__lte=month.last_day),
        Q(last_service_day__isnull=True) | Q(last_service_day__gte=month.first_day),
    )


def customer_month(customer: Customer, month: ServiceMonth, now: datetime, **decisions: Unpack[Decisions]) -> Judged:
    """Judge a service month of a customer: its service days, with its own exclusions.

    `decisions` as in `judged_region`; the customer's own exclusions may be among them. Where the terms measure the
    contract period, the days are those of the contract to the end of the month. Raises `NoAgreementInForce`.
    """
    contracts = (
        list(contracts_in_force(month.first_day, month.last_day).filter(customer=customer).order_by("starts_on"))
        if months_in_service([month])
        else []
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


@remembered
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


def records_of(month: ServiceMonth) -> list[Model]:
    """Return what the figures of a month rest on: its incidents, exclusions, maintenance windows, closings and the requests of these."""
    start, end = _edges(month)
    incidents = _incidents_in(month)
    return [
        *incidents,
        *Exclusion.objects.filter(
            Q(incident__in=incidents.order_by().values("pk"))
            | Q(customer__isnull=False, starts_at__lt=end, ends_at__gt=start)
        ),
        *MaintenanceWindow.objects.filter(starts_at__lt=end, ends_at__gt=start),
        *MonthClosing.objects.filter(month=month.first_day),
        *ClosingRequest.objects.filter(month=month.first_day),
    ]


@dataclass(frozen=True)
class MonthRecord:
    """What a person sees who closes a month: the figures of every region by the present record, and what is open."""

    month: ServiceMonth
    figures: tuple[tuple[Region, MonthFigures], ...]
    open: OpenItems
    breached: int
    """How many customers' months breached the SLA when they were last judged."""

    @property
    def digest(self) -> str:
        """The SHA-256 of what is shown, by which a later step knows that it has not changed."""
        shown = [
            str(self.month),
            self.breached,
            [
                (
                    region.code,
                    one.total_minutes,
                    one.unavailable_minutes,
                    one.excluded_minutes,
                    one.met,
                    *(under.unavailable_minutes for under in one.under.values()),
                )
                for region, one in self.figures
            ],
            self.open.not_over,
            *([row.pk for row in rows] for rows in (self.open.open, self.open.unclassified, self.open.undecided)),
        ]
        return sha256(repr(shown).encode()).hexdigest()


def record_of(month: ServiceMonth, now: datetime) -> MonthRecord:
    """Judge a month of every region from the present record. Raises `NoAgreementInForce`."""
    version_in_force(month.first_day)
    return MonthRecord(
        month,
        tuple((region, region_month(region, month, now).figures) for region in regions_in_service(month)),
        open_items(month, now),
        CustomerMonth.objects.filter(month=month.first_day, met=False).count(),
    )


def service_began_on() -> date | None:
    """Return the first service day of the earliest region.

    A region without one begins with its first contract or outage on record. None where there is nothing of all this.
    """
    set_day = Region.objects.aggregate(first=Min("first_service_day"))["first"]
    without = Q(region__first_service_day__isnull=True)
    outage = Outage.objects.valid().filter(without).aggregate(first=Min("started_at"))["first"]
    contract = Contract.objects.filter(customer__region__first_service_day__isnull=True).aggregate(
        first=Min("starts_on")
    )["first"]
    days = [day for day in (set_day, contract, outage and local_date(epoch(outage), settings.SLA_ZONE)) if day]
    return min(days, default=None)


def regions_without_first_service_day() -> QuerySet[Region]:
    """Return the regions of which nobody recorded when they began."""
    return Region.objects.filter(first_service_day__isnull=True)


def in_service_since(present: ServiceMonth) -> ServiceMonth:
    """Return the first month in which a region is in service: the present one where nothing says when."""
    began = service_began_on()
    return ServiceMonth.of(began) if began else present


def months_in_service(months: Iterable[ServiceMonth]) -> list[ServiceMonth]:
    """Return those of `months` that are closed or do not end before the first service day of every region.

    Where a region has none, all of them.
    """
    months = list(months)
    first = Region.objects.aggregate(first=Min("first_service_day"))["first"]
    if first is None or regions_without_first_service_day().exists():
        return months
    closed = closed_months([month.first_day for month in months])
    return [month for month in months if first <= month.last_day or month.first_day in closed]


def not_in_service(month: ServiceMonth) -> str:
    """Return the sentence that says why a month can be neither closed nor reported; empty where it can.

    A closed month can always be corrected and reported.
    """
    try:
        version_in_force(month.first_day)
    except NoAgreementInForce as refused:
        return str(refused)
    if closing_of(month):
        return ""
    began = service_began_on()
    if began and month.last_day < began:
        sentence = (
            _(
                "%(month)s lies before the first service day (%(day)s): the service was not in operation, so there is "
                "nothing to close or report."
            )
            if Region.objects.filter(first_service_day__isnull=False).exists()
            else _(
                "%(month)s lies before the first contract and the first outage on record (%(day)s): the service was "
                "not in operation, so there is nothing to close or report."
            )
        )
        return sentence % {"month": month, "day": began.isoformat()}
    if began and not regions_in_service(month).exists():
        return _("No region is in service in %(month)s, so there is nothing to close or report.") % {"month": month}
    return ""


def pending_request(month: ServiceMonth) -> ClosingRequest | None:
    """Return the request to close or correct a month that waits for another person."""
    return ClosingRequest.objects.filter(month=month.first_day, status=RequestStatus.PENDING).first()


def changed_closed_months() -> dict[date, datetime]:
    """Return the closed months whose record was changed since their figures were last compared with it, and when."""
    return {row.month: row.changed_at for row in ClosedMonth.objects.all() if row.changed_at}


def status_of(subject: Region | Customer, judged: Judged, now: datetime) -> MonthStatus:
    """Return the status of a month's figures.

    What is open in the region counts, in all of the month: it keeps the month from being closed for its customers too.
    Time that one customer caused is pending for that customer only.
    """
    month = judged.month
    _start, end = _edges(month)
    region = subject if isinstance(subject, Region) else subject.region
    return month_status(
        over=end <= now,
        ongoing_outage=Outage.objects.valid()
        .filter(region=region, ended_at__isnull=True, started_at__lt=min(end, now))
        .exists(),
        unclassified_incident=_incidents_in(month, outages__region=region).unclassified().exists(),
        undecided_exclusion=undecided_exclusions(subject, month).exists(),
        closed=_is_closed_figure(subject, judged),
    )


def undecided_exclusions(subject: Region | Customer, month: ServiceMonth) -> QuerySet[Exclusion]:
    """Return the proposed exclusions that would change a month of a region, or of a customer."""
    region, own = (subject, Q(pk__in=[])) if isinstance(subject, Region) else (subject.region, Q(customer=subject))
    return _undecided(_incidents_in(month, outages__region=region), month, own)


def closed_row(subject: Region | Customer, month: ServiceMonth) -> RegionMonth | CustomerMonth | None:
    """Return the figures with which a month was closed; None where it is not, or nothing was in service."""
    if closing_of(month) is None:
        return None
    if isinstance(subject, Region):
        return RegionMonth.objects.filter(region=subject, month=month.first_day).first()
    return CustomerMonth.objects.filter(customer=subject, month=month.first_day).first()


def closed_rows_of_regions(months: Collection[ServiceMonth]) -> dict[tuple[int, date], RegionMonth]:
    """Return the figures with which those of `months` that are closed were closed, by region and first day."""
    closed = closed_months([month.first_day for month in months])
    rows = RegionMonth.objects.filter(month__in=closed).select_related("agreement_version")
    return {(row.region_id, row.month): row for row in rows}


def _is_closed_figure(subject: Region | Customer, judged: Judged) -> bool:
    """Whether the month is closed with these figures: one that the record has since left is not final."""
    if closing_of(judged.month) is None:
        return False
    frozen = closed_row(subject, judged.month)
    # A customer without a contract in the month has no row.
    return judged.figures.total_minutes == 0 if frozen is None else is_as_closed(frozen, judged.figures)


def is_as_closed(frozen: RegionMonth | CustomerMonth, figures: MonthFigures) -> bool:
    """Return whether figures are those with which the month was closed."""
    return (frozen.total_minutes, frozen.unavailable_minutes, frozen.excluded_minutes, frozen.met) == (
        figures.total_minutes,
        figures.unavailable_minutes,
        figures.excluded_minutes,
        figures.met,
    )


def statuses_of_regions(
    months: Collection[ServiceMonth], now: datetime, regions: Iterable[Region] | None = None
) -> dict[tuple[int, date], MonthStatus]:
    """Return the status of the stored figures of `regions`, or of all, in `months`, by region and first day."""
    regions = list(Region.objects.all() if regions is None else regions)
    closed = closed_months([month.first_day for month in months])
    found = {}
    for month in months:
        _start, end = _edges(month)
        ongoing, unclassified, undecided = set(), set(), set()
        if month.first_day not in closed:
            incidents = _incidents_in(month).order_by()
            outages = Outage.objects.valid().filter(started_at__lt=min(end, now)).order_by()
            ongoing = set(outages.filter(ended_at__isnull=True).values_list("region", flat=True))
            touching = _outages_in(month).order_by()
            unclassified = set(
                touching.filter(incident__in=incidents.unclassified().values("pk")).values_list("region", flat=True)
            )
            proposed = _undecided(incidents, month, Q(pk__in=[])).values("incident")
            undecided = set(touching.filter(incident__in=proposed).values_list("region", flat=True))
        for region in regions:
            found[region.pk, month.first_day] = month_status(
                over=end <= now,
                ongoing_outage=region.pk in ongoing,
                unclassified_incident=region.pk in unclassified,
                undecided_exclusion=region.pk in undecided,
                closed=month.first_day in closed,
            )
    return found


def _edges(month: ServiceMonth) -> tuple[datetime, datetime]:
    start, end = month.span(settings.SLA_ZONE)
    return instant(start), instant(end)


def _incidents_in(month: ServiceMonth, **scope: Region) -> IncidentQuerySet:
    """Incidents with an outage in the month, of the `scope` given, oldest first."""
    start, end = _edges(month)
    return (
        Incident.objects.valid()
        .filter(
            Q(outages__ended_at__isnull=True) | Q(outages__ended_at__gt=start), outages__started_at__lt=end, **scope
        )
        .distinct()
        .order_by("detected_at", "id")
    )


def _outages_in(month: ServiceMonth) -> QuerySet[Outage]:
    start, end = _edges(month)
    return Outage.objects.valid().filter(Q(ended_at__isnull=True) | Q(ended_at__gt=start), started_at__lt=end)


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


def periods_excluded(exclusion: Exclusion, now: datetime) -> list[tuple[datetime, datetime]]:
    """Return the time of its incident, or of its customer, that an exclusion is about; an ongoing outage lasts to `now`."""
    if exclusion.incident is None:
        return [(exclusion.starts_at, exclusion.ends_at)]  # type: ignore[list-item]  # a customer's own has both
    return [
        (max(start, exclusion.starts_at or start), min(end, exclusion.ends_at or end))
        for start, end in periods_of(exclusion.incident, now)
        if (exclusion.starts_at or start) < end and start < (exclusion.ends_at or end)
    ]


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
    as_if_outages: Mapping[int, Outage | None] = MappingProxyType({}),
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
            as_if_outages=as_if_outages,
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


def _scoped_outages(
    outages: QuerySet[Outage], grid: Grid, now: datetime, as_if: Mapping[int, Outage | None]
) -> Iterable[ScopedOutage]:
    functions: dict[int, list[int]] = defaultdict(list)
    for outage, function in OutageFunction.objects.filter(outage__in=outages).values_list("outage", "function"):
        functions[outage].append(function)
    clients: dict[int, list[int]] = defaultdict(list)
    for outage, client in OutageClient.objects.filter(outage__in=outages).values_list("outage", "client"):
        clients[outage].append(client)
    scope = cache(grid.cells)
    for pk, reference, started_at, until in outages.values_list("pk", "incident__reference", "started_at", "ended_at"):
        changed = as_if.get(pk)
        if changed is None and pk in as_if:
            continue
        ended_at = changed.ended_at if changed else until
        yield ScopedOutage(
            incident=changed.incident.reference if changed else reference,
            start=epoch(started_at),
            end=epoch(ended_at or now),
            cells=scope(tuple(functions[pk]), tuple(clients[pk])),
            ongoing=ended_at is None,
            key=pk,
        )


def _of_incidents(
    exclusions: QuerySet[Exclusion], outages: QuerySet[Outage], others: Collection[int] = ()
) -> QuerySet[Exclusion]:
    """Those of the incidents of `outages`, and of `others`."""
    return (
        exclusions.filter(Q(incident__in=outages.values("incident")) | Q(incident__in=others))
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
        Exclusion.objects.filter(
            maintenance=window, status__in=[Status.PROPOSED, Status.CONFIRMED], incident__voided_at__isnull=True
        )
        .select_related("incident")
        .order_by("proposed_at", "id")
    )


def exclusions_without_cover() -> QuerySet[Exclusion]:
    """The proposed and confirmed exclusions under 4.1 whose window was not carried out, or completed before they begin.

    Their window covers nothing of them any more, so they take nothing off.
    """
    first = Outage.objects.filter(incident=OuterRef("incident")).order_by("started_at").values("started_at")[:1]
    return (
        Exclusion.objects.filter(
            clause="4.1", status__in=[Status.PROPOSED, Status.CONFIRMED], incident__voided_at__isnull=True
        )
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
