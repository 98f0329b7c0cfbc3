"""Exclusions that claims wait for: proposed and undecided, or decided after the month was closed (4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import DateField, Exists, Max, Min, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, TruncMonth

from incidents.models import Outage
from sla_portal.availability.models import (
    ClosingRequest,
    Deviation,
    Exclusion,
    MonthClosing,
    RequestStatus,
    Status,
)
from sla_portal.availability.queries import changed_closed_months
from sla_portal.customers.models import Customer
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from ..models import Claim
from ..models.applying import OPEN

SHOWN_FOR = timedelta(days=60)
MOST = 20


def claims_waiting_for(exclusions: QuerySet[Exclusion], now: datetime) -> dict[int, Claim]:
    """Return the open claim received first for the months that each undecided exclusion touches, by its primary key.

    In two queries, however many exclusions.
    """
    of_incident = Outage.objects.filter(incident=OuterRef("incident")).order_by()
    first = of_incident.values("incident").annotate(at=Min("started_at")).values("at")
    last = of_incident.values("incident").annotate(at=Max(Coalesce("ended_at", Value(now)))).values("at")
    felt = Outage.objects.filter(incident=OuterRef(OuterRef("incident")), region=OuterRef("contract__customer__region"))
    waiting = Claim.objects.filter(
        Q(contract__customer=OuterRef("customer")) | Exists(felt),
        status__in=OPEN,
        month__gte=OuterRef("first_month"),
        month__lte=OuterRef("last_month"),
    ).order_by("received_at", "id")
    found = dict(
        exclusions.annotate(
            begins_at=Coalesce("starts_at", Subquery(first)), ends_at_last=Coalesce("ends_at", Subquery(last))
        )
        .annotate(first_month=_month_of("begins_at"), last_month=_month_of("ends_at_last"))
        .annotate(waiting=Subquery(waiting.values("pk")[:1]))
        .values_list("pk", "waiting")
    )
    claims = Claim.objects.in_bulk([pk for pk in found.values() if pk])
    return {exclusion: claims[pk] for exclusion, pk in found.items() if pk}


def _month_of(name: str) -> TruncMonth:
    return TruncMonth(name, output_field=DateField(), tzinfo=settings.SLA_ZONE)


@dataclass(frozen=True)
class Correction:
    """Time of one customer's own making that was decided after its month was closed, and what became of the month."""

    exclusion: Exclusion
    month: ServiceMonth
    request: ClosingRequest | None
    """The request to correct the month that waits for another person."""
    closing: MonthClosing | None
    """The correction that took it up; None: still to be made."""
    claim: Claim | None
    """The customer's open claim for the month."""


def corrections_of(exclusions: Iterable[Exclusion]) -> list[Correction]:
    """Return, of `exclusions` of single customers, those whose closed month is to be corrected or was, in five queries.

    One that changes no figure is not among them.
    """
    decided = {one: one.revoked_at or one.decided_at for one in exclusions if one.decided_at}
    month_of = {one: ServiceMonth.of(local_date(epoch(one.starts_at), settings.SLA_ZONE)) for one in decided}  # type: ignore[arg-type]
    days = {month.first_day for month in month_of.values()}
    closings = list(MonthClosing.objects.filter(month__in=days).order_by("revision"))
    deviating = {*Deviation.objects.filter(month__in=days).values_list("month", flat=True), *changed_closed_months()}
    requests = {one.month: one for one in ClosingRequest.objects.filter(month__in=days, status=RequestStatus.PENDING)}
    customers = {one.customer_id for one in decided}
    claims = {
        (claim.contract.customer_id, claim.month): claim
        for claim in Claim.objects.filter(month__in=days, contract__customer__in=customers, status__in=OPEN)
        .select_related("contract")
        .order_by("-received_at")
    }
    found = []
    for one, at in decided.items():
        day = month_of[one].first_day
        of_month = [closing for closing in closings if closing.month == day]
        later = next((closing for closing in of_month if closing.closed_at > at), None)
        was_closed = any(closing.closed_at <= at for closing in of_month)
        if was_closed and (later or day in deviating):
            found.append(
                Correction(one, month_of[one], requests.get(day), later, claims.get((one.customer_id, day)))  # type: ignore[arg-type]
            )
    return found


def corrections_for(person: int, now: datetime) -> list[Correction]:
    """Return the corrections of the last two months that `person`, by primary key, proposed or decided the time of.

    One that was made is listed as long as a claim waits for its decision.
    """
    theirs = Q(proposed_by=person) | Q(decided_by=person) | Q(revoked_by=person)
    found = corrections_of(_decided(Exclusion.objects.filter(theirs, decided_at__gt=now - SHOWN_FOR)))
    return [one for one in found if one.closing is None or one.claim]


def corrections_in(customer: Customer, month: ServiceMonth) -> list[Correction]:
    """Return the corrections of a customer's month for time of its own making."""
    own = _decided(Exclusion.objects.filter(customer=customer))
    return [one for one in corrections_of(own) if one.month == month]


def _decided(exclusions: QuerySet[Exclusion]) -> QuerySet[Exclusion]:
    of_customers = exclusions.filter(customer__isnull=False, status__in=[Status.CONFIRMED, Status.REVOKED])
    return of_customers.select_related("customer").order_by("-decided_at", "-id")[:MOST]
