"""Claim periods by the official calendar and the operator's own days (3.3.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings

from sla_portal.agreements.queries import published_versions, version_in_force
from sla_portal.availability.queries import months_in_service
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.kernel.remembering import remembered
from sla_portal.kernel.working_days import WorkingDays

from ..models import CalendarYear, OwnDay
from ..rules import ClaimWindow, claim_window


@remembered
def working_days() -> WorkingDays:
    """Return the official calendar of `SLA_WORKDAY_COUNTRY` with the operator's own days and the checked years."""
    return WorkingDays(
        settings.SLA_WORKDAY_COUNTRY,
        own=dict(OwnDay.objects.values_list("day", "working")),
        known_years=set(CalendarYear.objects.values_list("year", flat=True)),
    )


def window_of(month: ServiceMonth) -> ClaimWindow:
    """Return the claim period of `month` by the version in force on its first day. Raises `NoAgreementInForce`."""
    return claim_window(month, version_in_force(month.first_day).terms, working_days(), settings.SLA_ZONE)


def windows_of(months: Iterable[ServiceMonth]) -> dict[ServiceMonth, ClaimWindow]:
    """Return the claim periods of many months in a fixed number of queries, without months before the first version."""
    days = working_days()
    versions = published_versions()
    found = {}
    for month in months:
        in_force = [version for version in versions if version.takes_effect_on <= month.first_day]
        if in_force:
            found[month] = claim_window(month, in_force[-1].terms, days, settings.SLA_ZONE)
    return found


def claimable_months(now: datetime) -> list[tuple[ServiceMonth, ClaimWindow]]:
    """List the months in service that have begun and whose claim period is not closed, newest first."""
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    longest = max((version.claim_closes_after_months for version in published_versions()), default=0)
    windows = windows_of(months_in_service(present + -n for n in range(longest + 1)))
    return [(month, window) for month, window in windows.items() if now < window.closes_at]
