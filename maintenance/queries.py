"""Read windows and convert them to the inputs of the rules."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Case, Exists, OuterRef, Q, QuerySet, Value, When

from sla_portal.agreements.queries import customers_under_contract
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date

from .models import AnnouncementRequest, MaintenanceNotice, MaintenanceWindow, WindowRegion
from .rules import Conduct, NoticeGiven, Stage, announced, stage


def notices_given(window: MaintenanceWindow) -> list[NoticeGiven]:
    """The notices of a window in the order of sending; a cancellation announces no period."""
    given = [
        NoticeGiven(
            # Instants are whole seconds: rounded up, so that a notice covers nothing before it was sent.
            sent=epoch(notice.sent_at) + bool(notice.notice_id and notice.sent_at.microsecond),
            start=epoch(notice.starts_at) if notice.starts_at else None,
            end=epoch(notice.ends_at) if notice.ends_at else None,
        )
        for notice in window.notices.all()
    ]
    if window.cancelled_at:
        given.append(NoticeGiven(sent=epoch(window.cancelled_at), start=None, end=None))
    return sorted(given, key=lambda notice: notice.sent)


def conduct(window: MaintenanceWindow) -> Conduct:
    """What the record says of the work of a window."""
    return Conduct(
        completed=epoch(window.completed_at) if window.completed_at else None,
        carried_out=window.not_carried_out_at is None,
    )


def stage_of(window: MaintenanceWindow, now: datetime) -> Stage:
    """The stage of a window at its newest announced time."""
    given = notices_given(window)
    return stage(
        announced(given),
        begun=window.started_at is not None,
        finished=window.completed_at is not None,
        cancelled=bool(given) and given[-1].start is None,
        carried_out=window.not_carried_out_at is None,
        discarded=window.discarded_at is not None,
        now=epoch(now),
    )


def pending_request(window: MaintenanceWindow) -> AnnouncementRequest | None:
    """The announcement of a window that waits for a second person."""
    return window.requests.pending().select_related("requested_by").first()


def requests_to_confirm(user: User) -> QuerySet[AnnouncementRequest]:
    """The requests that wait, oldest first; those that others made come first, because `user` may confirm them."""
    return (
        AnnouncementRequest.objects.pending()
        .select_related("window", "requested_by")
        .annotate(own=Case(When(requested_by=user, then=Value(True)), default=Value(False)))
        .order_by("own", "requested_at", "id")
    )


def next_reference(now: datetime) -> str:
    """Suggest the next free reference of the year: MW-2026-07."""
    prefix = f"MW-{now:%Y}-"
    taken = MaintenanceWindow.objects.filter(reference__startswith=prefix).values_list("reference", flat=True)
    numbers = [int(number) for number in (one.removeprefix(prefix) for one in taken) if number.isdecimal()]
    return f"{prefix}{max(numbers, default=0) + 1:02}"


def customers_to_notify(window: MaintenanceWindow, now: datetime) -> QuerySet[Customer]:
    """The customers to notify of a window: in its regions, under contract between now and its end."""
    today = local_date(epoch(now), settings.SLA_ZONE)
    last = local_date(epoch(window.ends_at), settings.SLA_ZONE)
    return customers_under_contract(window.regions.all(), today, max(today, last))


def overlapping(window: MaintenanceWindow, starts_at: datetime, ends_at: datetime) -> QuerySet[MaintenanceWindow]:
    """Other windows, drafts included, that affect a region of this one at the same time."""
    found = (
        MaintenanceWindow.objects.not_discarded()
        .filter(cancelled_at__isnull=True, not_carried_out_at__isnull=True)
        .filter(starts_at__lt=ends_at, ends_at__gt=starts_at)
        .exclude(pk=window.pk)
    )
    regions = [region.pk for region in window.regions.all()]
    if regions:
        found = found.filter(Q(regions__in=regions) | Q(regions__isnull=True))
    return found.distinct().order_by("starts_at", "id")


def windows_of_region(region: Region, start: datetime, end: datetime) -> QuerySet[MaintenanceWindow]:
    """Windows that affect a region and overlap `[start, end)`, as planned or as announced by any notice."""
    return (
        MaintenanceWindow.objects.not_discarded()
        .filter(Q(regions=region) | Q(regions__isnull=True))
        .filter(Q(starts_at__lt=end, ends_at__gt=start) | Q(notices__starts_at__lt=end, notices__ends_at__gt=start))
        .distinct()
        .order_by("starts_at", "id")
        .prefetch_related("notices", "functions", "clients", "regions")
    )


def windows_between(start: datetime, end: datetime) -> QuerySet[MaintenanceWindow]:
    """All windows, drafts included and discarded ones not, whose planned time overlaps `[start, end)`."""
    return (
        MaintenanceWindow.objects.not_discarded()
        .filter(starts_at__lt=end, ends_at__gt=start)
        .order_by("starts_at", "id")
        .prefetch_related("notices", "regions")
    )


def announced_since(region: Region, since: datetime) -> QuerySet[MaintenanceWindow]:
    """Windows that affect a region and were announced for a time that ends after `since`, cancelled ones included."""
    notices = MaintenanceNotice.objects.filter(window=OuterRef("pk"), ends_at__gt=since)
    of_region = WindowRegion.objects.filter(region=region)
    return (
        MaintenanceWindow.objects.filter(
            Q(pk__in=of_region.values("window")) | Q(regions__isnull=True), Exists(notices)
        )
        .order_by("starts_at", "id")
        .prefetch_related("notices", "regions", "functions", "clients")
    )
