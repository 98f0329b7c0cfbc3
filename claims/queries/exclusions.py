"""Exclusions that claims wait for: proposed and undecided, or decided after the month was closed (4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q, QuerySet

from incidents.models import Outage
from sla_portal.availability.models import (
    ClosingRequest,
    Deviation,
    Exclusion,
    MonthClosing,
    RequestStatus,
    Status,
)
from sla_portal.availability.queries import changed_closed_months, periods_excluded
from sla_portal.customers.models import Customer
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from ..models import Claim
from ..models.applying import OPEN

SHOWN_FOR = timedelta(days=60)
MOST = 20


def claim_waiting_for(exclusion: Exclusion, now: datetime) -> Claim | None:
    """Return the open claim received first for a month that an undecided exclusion touches."""
    months = {
        ServiceMonth.of(local_date(epoch(edge), settings.SLA_ZONE)).first_day
        for start, end in periods_excluded(exclusion, now)
        for edge in (start, end - timedelta(seconds=1))
    }
    if exclusion.customer_id:
        whose = Q(contract__customer=exclusion.customer_id)
    else:
        whose = Q(contract__customer__region__in=Outage.objects.filter(incident=exclusion.incident_id).values("region"))
    waiting = Claim.objects.filter(whose, status__in=OPEN, month__in=months)
    return waiting.order_by("received_at", "id").first()


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
