"""How claims went in a period: received, granted, how soon, and what they cost by region and by incident; in four queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db.models import Avg, Count, DurationField, ExpressionWrapper, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, TruncDate, TruncMonth

from incidents.models import Incident, Outage
from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import Span, clipped, epoch, instant, merged, seconds
from sla_portal.kernel.months import ServiceMonth

from ..models import Claim, Decision, Entry, Source, Status
from ..rules import apportioned


@dataclass(frozen=True)
class Received:
    """The claims received in a month, or in all of the period."""

    month: ServiceMonth | None
    """None: all of the period."""
    count: int
    granted: int
    refused: int
    withdrawn: int
    to_answer: timedelta | None
    """The mean time to the first answer; of an early claim from the opening of its claim period."""
    to_decision: timedelta | None
    promised: int
    """Of how many a first answer was given, or a decision made, whose date was told to the customer."""
    kept: int
    """Of how many of them by that date."""

    @property
    def open(self) -> int:
        return self.count - self.granted - self.refused - self.withdrawn


@dataclass(frozen=True)
class Cost:
    """What was granted, less what was reversed, in one currency."""

    of: Region | Incident | None
    """None: of no incident of ours on record."""
    currency: str
    value: Decimal


@dataclass(frozen=True)
class Statistics:
    received: list[Received]
    """By month, the newest first."""
    whole: Received
    by_region: list[Cost]
    by_incident: list[Cost]


def statistics(first: ServiceMonth, last: ServiceMonth) -> Statistics:
    """Return the statistics of the claims received, and of the ledger entries posted, from `first` to `last`."""
    start, end = instant(first.span(settings.SLA_ZONE)[0]), instant(last.span(settings.SLA_ZONE)[1])
    claims = _timed(Claim.objects.filter(received_at__gte=start, received_at__lt=end).exclude(source=Source.CREDIT))
    months = claims.annotate(of=TruncMonth("received_at", tzinfo=settings.SLA_ZONE)).values("of").annotate(**SUMS)
    costs = _costs(start, end)
    return Statistics(
        received=[_received(ServiceMonth.of(row["of"].date()), row) for row in months.order_by("-of")],
        whole=_received(None, claims.aggregate(**SUMS)),
        by_region=_by_region(costs),
        by_incident=_by_incident(costs),
    )


def _timed(claims: QuerySet[Claim]) -> QuerySet[Claim]:
    decision = Decision.objects.filter(recommendation__claim=OuterRef("pk"), agreed=True).order_by("id")
    begun = Coalesce("told_opens_at", "received_at")
    return claims.order_by().annotate(
        first_decided_at=Subquery(decision.values("decided_at")[:1]),
        answer_took=_length(F("first_answered_at"), begun),
        decision_took=_length(Subquery(decision.values("decided_at")[:1]), begun),
        answered_on=TruncDate("first_answered_at", tzinfo=settings.SLA_ZONE),
    )


def _length(end: Any, start: Any) -> ExpressionWrapper:
    return ExpressionWrapper(end - start, output_field=DurationField())


IN_TIME = Q(first_answered_at__isnull=False, answer_due_on__isnull=False)
SUMS: dict[str, Any] = {
    "count": Count("pk"),
    "granted": Count("pk", filter=Q(status=Status.GRANTED)),
    "refused": Count("pk", filter=Q(status=Status.REFUSED)),
    "withdrawn": Count("pk", filter=Q(status=Status.WITHDRAWN)),
    "to_answer": Avg("answer_took"),
    "to_decision": Avg("decision_took"),
    "promised": Count("pk", filter=IN_TIME),
    "kept": Count("pk", filter=IN_TIME & Q(answered_on__lte=F("answer_due_on"))),
}


def _received(month: ServiceMonth | None, sums: Mapping[str, Any]) -> Received:
    return Received(month=month, **{name: sums[name] for name in SUMS})


@dataclass(frozen=True)
class _MonthCost:
    month: date
    region: int
    currency: str
    value: Decimal


def _costs(start: datetime, end: datetime) -> list[_MonthCost]:
    """What was granted less what was reversed, by service month, region and currency."""
    rows = (
        Entry.objects.filter(at__gte=start, at__lt=end)
        .order_by()
        .values_list("compensation__claim__month", "contract__customer__region", "currency")
        .annotate(value=Sum("value"))
    )
    return [_MonthCost(*row) for row in rows]


def _by_region(costs: Iterable[_MonthCost]) -> list[Cost]:
    sums: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
    for cost in costs:
        sums[cost.region, cost.currency] += cost.value
    regions = Region.objects.in_bulk([region for region, _currency in sums])
    return _sorted(Cost(regions[region], currency, value) for (region, currency), value in sums.items())


def _by_incident(costs: Iterable[_MonthCost]) -> list[Cost]:
    """Share what a month cost in a region among its incidents, by the length of their outages in it."""
    costs = list(costs)
    spans = {cost.month: ServiceMonth.of(cost.month).span(settings.SLA_ZONE) for cost in costs}
    if not spans:
        return []
    start, end = instant(min(spans.values())[0]), instant(max(spans.values())[1])
    felt: dict[int, dict[Incident, list[Span]]] = defaultdict(lambda: defaultdict(list))
    outages = Outage.objects.valid().filter(
        region__in={cost.region for cost in costs}, started_at__lt=end, ended_at__gt=start, incident__attributable=True
    )
    for outage in outages.select_related("incident"):
        if outage.ended_at:
            felt[outage.region_id][outage.incident].append((epoch(outage.started_at), epoch(outage.ended_at)))
    sums: dict[tuple[Incident | None, str], Decimal] = defaultdict(Decimal)
    for cost in costs:
        lengths = {
            incident: seconds(clipped(merged(times), spans[cost.month]))
            for incident, times in felt[cost.region].items()
        }
        shares: list[Incident | None] = [incident for incident, length in lengths.items() if length]
        shares = shares or [None]
        weights = [lengths.get(incident, 1) if incident else 1 for incident in shares]
        for incident, value in zip(shares, apportioned(cost.value, weights, cost.currency), strict=True):
            sums[incident, cost.currency] += value
    return _sorted(Cost(incident, currency, value) for (incident, currency), value in sums.items())


def _sorted(costs: Iterable[Cost]) -> list[Cost]:
    return sorted((cost for cost in costs if cost.value), key=lambda cost: (cost.currency, -cost.value, str(cost.of)))
