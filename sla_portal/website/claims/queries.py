"""Claim periods, and what a claimant may see of a claim."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum

from django.conf import settings

from claims.models import Claim, Compensation, Entry, Voucher
from claims.queries import contract_days, windows_of, working_days
from claims.rules import ClaimWindow
from sla_portal.agreements.models import Contract
from sla_portal.availability.queries import closed_row, customer_month, is_as_closed, months_in_service, status_of
from sla_portal.availability.rules import FigureStatus, MonthStatus
from sla_portal.kernel.intervals import epoch, instant, merged
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.notices.models import Kind, Notice
from sla_portal.notices.private import MARKER

from ..caching import cached
from ..queries import incidents_of
from ..rules import Named, PublicIncident

MONTHS_BACK = 4
"""Number of months shown before the current one: the open ones, the next, and those just closed."""


class PeriodStatus(Enum):
    """Status of the claim period of a month."""

    EARLY = "early"
    """A claim received now is submitted when the period opens."""
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class ClaimMonth:
    """A month with its claim period and the working days that determine the opening (3.3.1)."""

    month: ServiceMonth
    opens_at: datetime
    closes_at: datetime
    provisional: bool
    working_days: tuple[date, ...]

    def period_status(self, now: datetime) -> PeriodStatus:
        if now < self.opens_at:
            return PeriodStatus.EARLY
        return PeriodStatus.OPEN if now < self.closes_at else PeriodStatus.CLOSED


def claim_months(now: datetime) -> tuple[ClaimMonth, ...]:
    """List the months in service that have begun, up to `MONTHS_BACK` back, newest first."""
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    return _claim_months(present + -n for n in range(MONTHS_BACK + 1))


def earlier_claim_month(text: str, now: datetime) -> ClaimMonth | None:
    """Return a month in service before those of `claim_months`, as it stands in an address: `2025-01`."""
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    try:
        month = ServiceMonth.parse(text)
    except ValueError:
        return None
    return next(iter(_claim_months([month])), None) if month < present + -MONTHS_BACK else None


def _claim_months(months: Iterable[ServiceMonth]) -> tuple[ClaimMonth, ...]:
    calendar = working_days()

    def waited(window: ClaimWindow, month: ServiceMonth) -> tuple[date, ...]:
        days = (window.last_day_to_wait - month.next.first_day).days + 1
        first = (month.next.first_day + timedelta(days=n) for n in range(days))
        return tuple(day for day in first if calendar.is_working_day(day))

    return tuple(
        ClaimMonth(month, window.opens_at, window.closes_at, window.provisional, waited(window, month))
        for month, window in windows_of(months_in_service(months)).items()
    )


@dataclass(frozen=True)
class ListedIncident:
    """What the public record says of one incident in one region and month, to be ticked instead of typing its times."""

    incident: PublicIncident
    """With the outages of this region alone."""
    region: Named
    times: tuple[tuple[datetime, datetime], ...]
    """Within the month, and until now where it is ongoing."""

    @property
    def key(self) -> str:
        return f"{self.incident.reference}:{self.region.code}"


def listed_incidents(month: ServiceMonth, now: datetime) -> tuple[ListedIncident, ...]:
    """List the public incidents with an outage in a month by region, in the order of their times."""
    first, last = month.span(settings.SLA_ZONE)
    end = min(last, epoch(now))
    found = []
    for incident in cached(f"incidents {month}", lambda: incidents_of(month, now), now).value.rows:
        if incident.voided_at:
            continue
        for region in dict.fromkeys(outage.region for outage in incident.outages):
            here = tuple(outage for outage in incident.outages if outage.region == region)
            spans = [
                (max(epoch(one.started_at), first), min(epoch(one.ended_at) if one.ended_at else end, end))
                for one in here
            ]
            times = tuple((instant(start), instant(stop)) for start, stop in merged(s for s in spans if s[0] < s[1]))
            if times:
                found.append(ListedIncident(replace(incident, outages=here), region, times))
    return tuple(sorted(found, key=lambda one: (one.region.name, one.times)))


@dataclass(frozen=True)
class CountedSoFar:
    """The unavailable minutes of a contract in a month, as on record now; no decision."""

    minutes: int
    allowed: int
    """The most minutes that still meet the SLA (error budget)."""
    status: MonthStatus


def counted_so_far(contract: Contract, month: ServiceMonth, now: datetime) -> CountedSoFar | None:
    """Return what is counted for a contract in a month: the closed figures of a closed month; None without service days."""
    days = contract_days(contract, month)
    if not days.count:
        return None
    judged = customer_month(contract.customer, month, now)
    figures = judged.figures
    closed = closed_row(contract.customer, month)
    if closed and not is_as_closed(closed, figures):
        # The record has since left the figures that were closed; those are shown first wherever the month is.
        final = MonthStatus(FigureStatus.FINAL, ())
        return CountedSoFar(closed.unavailable_minutes, figures.budget_minutes, final)
    minutes = judged.judgement.in_force.counted.within(days.spans)
    return CountedSoFar(minutes, figures.budget_minutes, status_of(contract.customer, judged, now))


@dataclass(frozen=True)
class SentEmail:
    """An e-mail about a claim, without the paragraph with the personal link."""

    at: datetime
    subject: str
    text: str
    pdf: str
    """The number of the notice, if it is a letter that is printed."""


@dataclass(frozen=True)
class GrantedCompensation:
    """The compensation of a claim, with the status of its voucher."""

    compensation: Compensation
    extension: Entry | None
    voucher: Voucher | None
    voucher_step: str
    voucher_left: Decimal


def emails_about(claim: Claim, language: str) -> list[SentEmail]:
    """List the e-mails about a claim, newest first."""
    notices = Notice.objects.filter(kind=Kind.CLAIM, about=claim.number).prefetch_related("wordings")
    printed = set(claim.letters.filter(printed_at__isnull=False).values_list("notice", flat=True))
    return [
        SentEmail(
            notice.given_at,
            worded.subject,
            _without_link(worded.text),
            notice.number if notice.pk in printed else "",
        )
        for notice in notices
        for worded in [notice.wording(language)]
    ]


def _without_link(text: str) -> str:
    return "\n\n".join(paragraph for paragraph in text.split("\n\n") if not MARKER.search(paragraph))


def compensation_of(claim: Claim) -> GrantedCompensation | None:
    """Return the compensation of a claim; None if nothing is granted."""
    compensation = claim.compensations.order_by("-id").first()
    if compensation is None:
        return None
    entries = list(compensation.entries.select_related("voucher", "extended").order_by("id"))
    extensions = [entry for entry in entries if entry.extended]
    of_voucher = [entry for entry in entries if entry.voucher]
    return GrantedCompensation(
        compensation=compensation,
        extension=extensions[-1] if extensions else None,
        voucher=of_voucher[0].voucher if of_voucher else None,
        voucher_step=of_voucher[-1].step if of_voucher else "",
        voucher_left=of_voucher[-1].left if of_voucher else Decimal(0),
    )
