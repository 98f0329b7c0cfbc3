"""Plan, announce, reschedule and cancel maintenance. Every notice is stored with the server time of sending (4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import difference, record, require
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Kind
from sla_portal.notices.operations import give_notice

from . import emails
from .models import MaintenanceNotice, MaintenanceWindow
from .queries import audience


class WindowEndsBeforeItStarts(Refused):
    """The window's end is not after its start."""

    field = "ends_at"


class WindowCancelled(Refused):
    """A cancelled window cannot be announced or started."""


class NothingAnnounced(Refused):
    """A window that was never announced cannot be cancelled."""


class NothingNewAnnounced(Refused):
    """The newest notice already announces the same period, for example after a double click."""


class WorkStarted(Refused):
    """The maintenance has already started."""


class WorkNotStarted(Refused):
    """Maintenance that has not started cannot be completed."""


class WorkFinished(Refused):
    """The maintenance is completed."""


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
    """Create a draft; it covers nothing until announced. Without regions, functions or clients it affects all of them."""
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
    *, actor: Actor, window: MaintenanceWindow, starts_at: datetime, ends_at: datetime, now: datetime, reason: str = ""
) -> MaintenanceNotice:
    """Announce a window, or reschedule, extend or shorten it; `now` is the server time of sending.

    Notifies the contacts of customers under contract in its regions by e-mail, and the public on the website.
    """
    require(actor, "maintenance.announce_maintenancewindow")
    _check_order(starts_at, ends_at)
    with transaction.atomic():
        window = _locked(window)
        if window.cancelled_at:
            raise WindowCancelled(_("This window is cancelled. Plan a new one."))
        before = window.notices.last()
        if before and (before.starts_at, before.ends_at) == (starts_at, ends_at):
            raise NothingNewAnnounced(
                _("The window is already announced for exactly this time. No further notice was sent.")
            )
        changes = difference(
            {"starts_at": window.starts_at, "ends_at": window.ends_at}, {"starts_at": starts_at, "ends_at": ends_at}
        )
        window.starts_at, window.ends_at = starts_at, ends_at
        window.save(update_fields=["starts_at", "ends_at"])
        notice = _notify(actor, window, starts_at, ends_at, reason, now)
        action = emails.step(before, starts_at, ends_at)
        record(actor=actor, action=ACTIONS[action], subject=window, now=now, changes=changes, reason=reason)
    return notice


def cancel_window(*, actor: Actor, window: MaintenanceWindow, reason: str, now: datetime) -> MaintenanceNotice:
    """Cancel an announced window and notify; from now on it covers nothing."""
    require(actor, "maintenance.announce_maintenancewindow")
    with transaction.atomic():
        window = _locked(window)
        if window.cancelled_at:
            raise WindowCancelled(_("This window is already cancelled."))
        if window.completed_at:
            raise WorkFinished(_("The maintenance is completed and can no longer be cancelled."))
        if not window.notices.exists():
            raise NothingAnnounced(_("This window has not been announced, so there is nothing to cancel."))
        window.cancelled_at = now
        window.save(update_fields=["cancelled_at"])
        notice = _notify(actor, window, None, None, reason, now)
        record(
            actor=actor,
            action="cancelled",
            subject=window,
            now=now,
            changes={"cancelled_at": [None, now]},
            reason=reason,
        )
    return notice


def start_work(*, actor: Actor, window: MaintenanceWindow, now: datetime) -> None:
    """Record the start of the work. It does not affect what the notices cover."""
    require(actor, "maintenance.change_maintenancewindow")
    with transaction.atomic():
        locked = _locked(window)
        if locked.cancelled_at:
            raise WindowCancelled(_("This window is cancelled. Plan a new one."))
        if locked.started_at:
            raise WorkStarted(_("The maintenance has already started."))
        locked.started_at = now.replace(microsecond=0)
        locked.save(update_fields=["started_at"])
        record(
            actor=actor, action="started", subject=locked, now=now, changes={"started_at": [None, locked.started_at]}
        )
    window.refresh_from_db()


def finish_work(*, actor: Actor, window: MaintenanceWindow, now: datetime) -> None:
    """Record the completion of the work."""
    require(actor, "maintenance.change_maintenancewindow")
    with transaction.atomic():
        locked = _locked(window)
        if not locked.started_at:
            raise WorkNotStarted(_("The maintenance has not started. Start it first."))
        if locked.completed_at:
            raise WorkFinished(_("The maintenance is already completed."))
        locked.completed_at = now.replace(microsecond=0)
        locked.save(update_fields=["completed_at"])
        record(
            actor=actor,
            action="finished",
            subject=locked,
            now=now,
            changes={"completed_at": [None, locked.completed_at]},
        )
    window.refresh_from_db()


ACTIONS = {
    emails.Step.FIRST: "announced",
    emails.Step.RESCHEDULED: "moved",
    emails.Step.EXTENDED: "lengthened",
    emails.Step.SHORTENED: "shortened",
}


def _notify(
    actor: Actor,
    window: MaintenanceWindow,
    starts_at: datetime | None,
    ends_at: datetime | None,
    reason: str,
    now: datetime,
) -> MaintenanceNotice:
    before = window.notices.last()
    invitation = emails.invitation(
        window,
        window.notices.count(),
        starts_at or window.starts_at,
        ends_at or window.ends_at,
        now,
        cancelled=starts_at is None,
    )
    notice = give_notice(
        actor=actor,
        kind=Kind.MAINTENANCE,
        about=window.reference,
        wordings=emails.notice_wordings(window, before, starts_at, ends_at, reason),
        audience=audience(window, now),
        public=True,
        attachments=[invitation],
        now=now,
    )
    return MaintenanceNotice.objects.create(
        window=window, sent_at=now, starts_at=starts_at, ends_at=ends_at, notice=notice
    )


def _locked(window: MaintenanceWindow) -> MaintenanceWindow:
    return MaintenanceWindow.objects.select_for_update().get(pk=window.pk)


def _check_order(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise WindowEndsBeforeItStarts(_("The window ends before it starts. Enter an end after the start."))
