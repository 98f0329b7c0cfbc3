"""Plan, announce, move and cancel maintenance. Every announcement is kept with the server's time of sending (4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.errors import Refused

from .models import MaintenanceNotice, MaintenanceWindow


class WindowEndsBeforeItStarts(Refused):
    """The window's end is not after its start."""


class WindowCancelled(Refused):
    """A cancelled window announces nothing more."""


class NothingAnnounced(Refused):
    """The window has no announcement that a cancellation could take back."""


def plan_window(
    *,
    actor: Actor,
    reference: str,
    title: str,
    kind: str,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    regions: Iterable[Region] = (),
    functions: Iterable[CoreFunction] = (),
    clients: Iterable[Client] = (),
) -> MaintenanceWindow:
    """Record a draft; until it is announced it covers nothing. No region, function or client means all of them."""
    require(actor, "maintenance.add_maintenancewindow")
    _check_order(starts_at, ends_at)
    with transaction.atomic():
        window = MaintenanceWindow.objects.create(
            reference=reference, title=title, kind=kind, starts_at=starts_at, ends_at=ends_at
        )
        window.regions.set(regions)
        window.functions.set(functions)
        window.clients.set(clients)
        record(
            actor=actor,
            action="planned",
            subject=window,
            now=now,
            changes={"starts_at": [None, starts_at], "ends_at": [None, ends_at], "kind": [None, kind]},
        )
    return window


def announce_window(
    *, actor: Actor, window: MaintenanceWindow, starts_at: datetime, ends_at: datetime, now: datetime
) -> MaintenanceNotice:
    """Announce a window for the first time, moved or lengthened; `now` is the server's time of sending."""
    require(actor, "maintenance.announce_maintenancewindow")
    _check_order(starts_at, ends_at)
    with transaction.atomic():
        window = MaintenanceWindow.objects.select_for_update().get(pk=window.pk)
        if window.cancelled_at:
            raise WindowCancelled(_("This window was cancelled. Plan a new one."))
        before = [window.starts_at, window.ends_at]
        window.starts_at, window.ends_at = starts_at, ends_at
        window.save(update_fields=["starts_at", "ends_at"])
        notice = MaintenanceNotice.objects.create(window=window, sent_at=now, starts_at=starts_at, ends_at=ends_at)
        record(
            actor=actor,
            action="announced",
            subject=window,
            now=now,
            changes={"starts_at": [before[0], starts_at], "ends_at": [before[1], ends_at]},
        )
    return notice


def cancel_window(*, actor: Actor, window: MaintenanceWindow, reason: str, now: datetime) -> MaintenanceNotice:
    """Announce that a window will not be; from now on it covers nothing more."""
    require(actor, "maintenance.announce_maintenancewindow")
    with transaction.atomic():
        window = MaintenanceWindow.objects.select_for_update().get(pk=window.pk)
        if window.cancelled_at:
            raise WindowCancelled(_("This window was cancelled already."))
        if not window.notices.exists():
            raise NothingAnnounced(_("This window was never announced; there is nothing to cancel."))
        window.cancelled_at = now
        window.save(update_fields=["cancelled_at"])
        notice = MaintenanceNotice.objects.create(window=window, sent_at=now)
        record(
            actor=actor, action="cancelled", subject=window, now=now, changes={"cancelled_at": [None, now]}, reason=reason
        )
    return notice


def _check_order(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise WindowEndsBeforeItStarts(_("The window ends before it starts. Give an end after the start."))
