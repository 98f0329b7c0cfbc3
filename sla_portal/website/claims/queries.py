"""When months are claimed, and what a claimant may see of a claim."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum

from django.conf import settings

from claims.models import Claim, Compensation, Entry, Voucher
from claims.queries import windows_of, working_days
from claims.rules import ClaimWindow
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.notices.models import Kind, Notice
from sla_portal.notices.private import MARKER

MONTHS_BACK = 4
"""So many months before the present one are shown: those open, the next, and those just closed."""


class Standing(Enum):
    """How a month stands to claims."""

    EARLY = "early"
    """What comes now is held until the opening day."""
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True)
class ClaimMonth:
    """A month, when claims for it are taken, and the working days on which the opening hangs (3.3.1)."""

    month: ServiceMonth
    opens_at: datetime
    closes_at: datetime
    provisional: bool
    working_days: tuple[date, ...]

    def standing(self, now: datetime) -> Standing:
        if now < self.opens_at:
            return Standing.EARLY
        return Standing.OPEN if now < self.closes_at else Standing.CLOSED


def claim_months(now: datetime) -> tuple[ClaimMonth, ...]:
    """The months begun and not long closed, newest first."""
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    calendar = working_days()

    def waited(window: ClaimWindow, month: ServiceMonth) -> tuple[date, ...]:
        days = (window.last_day_to_wait - month.next.first_day).days + 1
        first = (month.next.first_day + timedelta(days=n) for n in range(days))
        return tuple(day for day in first if calendar.is_working_day(day))

    return tuple(
        ClaimMonth(month, window.opens_at, window.closes_at, window.provisional, waited(window, month))
        for month, window in windows_of(present + -n for n in range(MONTHS_BACK + 1)).items()
    )


@dataclass(frozen=True)
class Told:
    """A letter about a claim, without the paragraph that links to the page on which it is shown."""

    at: datetime
    subject: str
    text: str


@dataclass(frozen=True)
class Given:
    """What a claim was granted, and where its voucher stands."""

    compensation: Compensation
    extension: Entry | None
    voucher: Voucher | None
    voucher_step: str


def letters_about(claim: Claim, language: str) -> list[Told]:
    """The letters about a claim, newest first."""
    notices = Notice.objects.filter(kind=Kind.CLAIM, about=claim.number).prefetch_related("wordings")
    return [
        Told(notice.given_at, worded.subject, _without_link(worded.text))
        for notice in notices
        for worded in [notice.wording(language)]
    ]


def _without_link(text: str) -> str:
    return "\n\n".join(paragraph for paragraph in text.split("\n\n") if not MARKER.search(paragraph))


def given_for(claim: Claim) -> Given | None:
    """What a claim was granted; None before."""
    compensation = claim.compensations.order_by("-id").first()
    if compensation is None:
        return None
    entries = list(compensation.entries.select_related("voucher", "extended").order_by("id"))
    extensions = [entry for entry in entries if entry.extended]
    of_voucher = [entry for entry in entries if entry.voucher]
    return Given(
        compensation=compensation,
        extension=extensions[-1] if extensions else None,
        voucher=of_voucher[0].voucher if of_voucher else None,
        voucher_step=of_voucher[-1].step if of_voucher else "",
    )
