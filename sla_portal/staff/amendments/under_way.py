"""Amendments as they wait at the desk: under way, drafted, to be published by a second person (5.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Count, QuerySet

from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.queries import deliveries_of, pending_versions
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.queries import Progress


@dataclass(frozen=True)
class UnderWay:
    """A published version whose day has not come: how far off it is, and whom its mails have reached."""

    version: AgreementVersion
    days_to_go: int
    mails: Progress

    @property
    def reached_percent(self) -> int | None:
        """Of all recipients those who were reached, cut; None where there were none."""
        return 100 * self.mails.reached // self.mails.total if self.mails.total else None


def today(now: datetime) -> date:
    """The day on the SLA clock."""
    return local_date(epoch(now), settings.SLA_ZONE)


def days_until(day: date | None, now: datetime) -> int:
    """Days on the SLA clock; none or fewer where the day has come, or there is none."""
    return (day - today(now)).days if day else 0


def under_way(now: datetime) -> list[UnderWay]:
    """The amendments that were published and are not in force yet, in the order in which they will be."""
    return [
        UnderWay(version, days_until(version.effective_on, now), mails(version))
        for version in pending_versions(today(now))
    ]


def mails(version: AgreementVersion) -> Progress:
    """What became of all mails about a version."""
    return Progress(dict(deliveries_of(version).order_by().values_list("status").annotate(Count("pk"))))


def drafts() -> QuerySet[AgreementVersion]:
    """What is not published, the one changed last first."""
    return (
        AgreementVersion.objects.drafts()
        .select_related("drafted_by", "submitted_by", "based_on")
        .order_by("-changed_at", "-id")
    )


def to_publish(user: User) -> QuerySet[AgreementVersion]:
    """What another person asked to publish, the oldest first."""
    return drafts().filter(submitted_at__isnull=False).exclude(submitted_by=user).order_by("submitted_at")
