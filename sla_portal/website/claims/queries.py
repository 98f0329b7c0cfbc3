"""Claim periods, and what a claimant may see of a claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from django.conf import settings

from claims.models import Claim, Compensation, Entry, Voucher
from claims.queries import windows_of, working_days
from claims.rules import ClaimWindow
from sla_portal.availability.queries import months_in_service
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.notices.models import Kind, Notice
from sla_portal.notices.private import MARKER

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
    calendar = working_days()

    def waited(window: ClaimWindow, month: ServiceMonth) -> tuple[date, ...]:
        days = (window.last_day_to_wait - month.next.first_day).days + 1
        first = (month.next.first_day + timedelta(days=n) for n in range(days))
        return tuple(day for day in first if calendar.is_working_day(day))

    return tuple(
        ClaimMonth(month, window.opens_at, window.closes_at, window.provisional, waited(window, month))
        for month, window in windows_of(months_in_service(present + -n for n in range(MONTHS_BACK + 1))).items()
    )


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
    )
