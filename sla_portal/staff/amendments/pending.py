"""Amendments in progress: announced, drafted, or pending approval by a second person (5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet

from sla_portal.agreements.models import AgreementVersion, Withdrawal, WithdrawalStatus
from sla_portal.agreements.queries import deliveries_of, pending_versions
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.queries import Progress


@dataclass(frozen=True)
class PendingAmendment:
    """A published version that is not in force yet, with the days to go and its e-mails."""

    version: AgreementVersion
    days_to_go: int
    mails: Progress

    @property
    def reached_percent(self) -> int | None:
        """Percent of the recipients who were notified, rounded down; None without recipients."""
        return 100 * self.mails.reached // self.mails.total if self.mails.total else None


def today(now: datetime) -> date:
    """The day in the SLA time zone."""
    return local_date(epoch(now), settings.SLA_ZONE)


def days_until(day: date | None, now: datetime) -> int:
    """Return the days until `day` in the SLA time zone; zero or less if it has come, zero without a day."""
    return (day - today(now)).days if day else 0


def pending_amendments(now: datetime) -> list[PendingAmendment]:
    """Return the published versions that are not in force yet, in the order of their effective dates."""
    return [
        PendingAmendment(version, days_until(version.effective_on, now), mails(version))
        for version in pending_versions(today(now))
    ]


def mails(version: AgreementVersion) -> Progress:
    """Return the delivery progress of all e-mails about a version."""
    return Progress(dict(deliveries_of(version).order_by().values_list("status").annotate(Count("pk"))))


def drafts() -> QuerySet[AgreementVersion]:
    """Return unpublished versions, the last changed first."""
    return (
        AgreementVersion.objects.drafts()
        .select_related("drafted_by", "submitted_by", "based_on")
        .order_by("-changed_at", "-id")
    )


def to_publish(user: User) -> QuerySet[AgreementVersion]:
    """Return versions submitted by others that wait for `user`'s approval, the oldest first."""
    return drafts().filter(submitted_at__isnull=False).exclude(submitted_by=user).order_by("submitted_at")


def withdrawals_to_confirm(user: User, now: datetime) -> QuerySet[Withdrawal]:
    """Return requests of others to withdraw a version, the oldest first; none of a version that is in force by now."""
    waiting = Withdrawal.objects.filter(status=WithdrawalStatus.PENDING, version__effective_on__gt=today(now))
    return waiting.exclude(requested_by=user).select_related("version").order_by("requested_at")
