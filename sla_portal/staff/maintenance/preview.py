"""The preview of a notice: its text, its recipients and what it would cover."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count
from django.db.models.functions import Lower

from maintenance.emails import Step, invitation, notice_wordings, step
from maintenance.models import MaintenanceWindow
from maintenance.queries import conduct, customers_to_notify, notices_given, overlapping
from maintenance.rules import NoticeGiven, announced, lead, needs_confirmation
from maintenance.words import format_lead_time, lead_time_warnings
from sla_portal.agreements.queries import terms_periods
from sla_portal.agreements.rules import Terms, terms_at
from sla_portal.availability.rules import covered_by_notice
from sla_portal.customers.models import Contact, Region
from sla_portal.customers.queries import contacts_of
from sla_portal.kernel.intervals import Span, difference, epoch, instant
from sla_portal.notices.wording import File, Words

from ..incidents.timeline import format_total_length

FIRST_NAMES = 5


class Recipients(NamedTuple):
    """The recipients: number of addresses, number in each region, and the first few."""

    addresses: int
    by_region: list[tuple[str, int]]
    first: list[Contact]

    @property
    def more(self) -> int:
        return self.addresses - len(self.first)


@dataclass(frozen=True)
class Preview:
    """A notice as it would be sent now."""

    step: Step
    starts_at: datetime | None
    ends_at: datetime | None
    wordings: list[Words]
    calendar: File
    recipients: Recipients
    lead: int | None
    warnings: list[str]
    overlapping: list[MaintenanceWindow]
    covered: list[Span]
    not_covered: list[Span]
    terms: Terms
    for_two: bool
    """Whether it takes a second person to announce it."""

    @property
    def lead_time(self) -> str:
        return "" if self.lead is None else format_lead_time(self.lead)

    @property
    def covered_length(self) -> str:
        return format_total_length(self.covered)

    @property
    def not_covered_length(self) -> str:
        return format_total_length(self.not_covered)

    @property
    def covered_between(self) -> list[tuple[datetime, datetime]]:
        return [(instant(start), instant(end)) for start, end in self.covered]

    @property
    def not_covered_between(self) -> list[tuple[datetime, datetime]]:
        return [(instant(start), instant(end)) for start, end in self.not_covered]


def preview(
    window: MaintenanceWindow, starts_at: datetime | None, ends_at: datetime | None, reason: str, now: datetime
) -> Preview:
    """Build the preview of a notice sent now; None and None cancel."""
    before = window.notices.last()
    notices = notices_given(window)
    periods = terms_periods()
    known = announced(notices) or (epoch(window.starts_at), epoch(window.ends_at))
    new = NoticeGiven(sent=epoch(now), start=_second(starts_at), end=_second(ends_at))
    period = (new.start, new.end) if new.start is not None and new.end is not None else known
    covered = covered_by_notice([*notices, new], conduct(window), periods)
    # The recipients depend on the times of the window, so use those the operation will set.
    window.starts_at, window.ends_at = instant(period[0]), instant(period[1])
    terms = terms_at(periods, period[0])
    ahead = lead([*notices, new]) if starts_at else None
    return Preview(
        step=step(before, starts_at, ends_at),
        starts_at=starts_at,
        ends_at=ends_at,
        wordings=notice_wordings(window, before, starts_at, ends_at, reason),
        calendar=invitation(window, len(notices), window.starts_at, window.ends_at, now, cancelled=starts_at is None),
        recipients=_recipients(window, now),
        lead=ahead,
        warnings=lead_time_warnings(ahead, period[0] - ahead, terms) if ahead is not None else [],
        overlapping=list(overlapping(window, starts_at, ends_at)) if starts_at and ends_at else [],
        covered=covered,
        not_covered=difference([period], covered) if starts_at else [],
        terms=terms,
        for_two=needs_confirmation(notices, new),
    )


def _second(at: datetime | None) -> int | None:
    return epoch(at) if at else None


def _recipients(window: MaintenanceWindow, now: datetime) -> Recipients:
    """An address shared by several contacts counts once."""
    regions = Region.objects.in_bulk()
    contacts = contacts_of(customers_to_notify(window, now))
    return Recipients(
        addresses=contacts.aggregate(count=Count(Lower("email"), distinct=True))["count"],
        by_region=[
            (str(regions[region]), count)
            for region, count in contacts.order_by("customer__region__code")
            .values_list("customer__region")
            .annotate(addresses=Count(Lower("email"), distinct=True))
        ],
        first=list(contacts.select_related("customer").order_by("customer__code", "email")[:FIRST_NAMES]),
    )
