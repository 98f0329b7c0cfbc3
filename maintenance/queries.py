"""Windows as the rules take them."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import epoch

from .models import MaintenanceWindow
from .rules import NoticeGiven


def notices_given(window: MaintenanceWindow) -> list[NoticeGiven]:
    """What the window's notices announced, in the order of sending; its cancellation announces nothing."""
    given = [
        NoticeGiven(
            sent=epoch(notice.sent_at),
            start=epoch(notice.starts_at) if notice.starts_at else None,
            end=epoch(notice.ends_at) if notice.ends_at else None,
        )
        for notice in window.notices.all()
    ]
    if window.cancelled_at:
        given.append(NoticeGiven(sent=epoch(window.cancelled_at), start=None, end=None))
    return sorted(given, key=lambda notice: notice.sent)


def windows_of_region(region: Region, start: datetime, end: datetime) -> QuerySet[MaintenanceWindow]:
    """Windows that concern a region and, by any notice or by their own row, touch `[start, end)`."""
    return (
        MaintenanceWindow.objects.filter(Q(regions=region) | Q(regions__isnull=True))
        .filter(
            Q(starts_at__lt=end, ends_at__gt=start) | Q(notices__starts_at__lt=end, notices__ends_at__gt=start)
        )
        .distinct()
        .order_by("starts_at", "id")
        .prefetch_related("notices", "functions", "clients", "regions")
    )
