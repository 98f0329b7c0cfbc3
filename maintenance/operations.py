"""Plan, announce, move and cancel maintenance. Every announcement is kept with the server's time of sending (4.1)."""

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


class WindowCancelled(Refused):
    """A cancelled window announces nothing more."""


class NothingAnnounced(Refused):
    """The window has no announcement that a cancellation could take back."""


class NothingNewAnnounced(Refused):
    """The newest notice announces just this already: a double click, or a slip."""


class WorkStarted(Refused):
    """The work has begun already."""


class WorkNotStarted(Refused):
    """Work that has not begun cannot be finished."""


class WorkFinished(Refused):
    """The work is finished."""


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
    *, actor: Actor, window: MaintenanceWindow, starts_at: datetime, ends_at: datetime, now: datetime, reason: str = ""
) -> MaintenanceNotice:
    """Announce a window for the first time, moved, lengthened or shortened; `now` is the server's time of sending.

    Everyone under contract where it is felt is told by mail, and the public on the website.
    """
    require(actor, "maintenance.announce_maintenancewindow")
    _check_order(starts_at, ends_at)
    with transaction.atomic():
        window = _locked(window)
        if window.cancelled_at:
            raise WindowCancelled(_("This window was cancelled. Plan a new one."))
        before = window.notices.last()
        if before and (before.starts_at, before.ends_at) == (starts_at, ends_at):
            raise NothingNewAnnounced(_("The window was announced for just this time already. Nobody was told again."))
        changes = difference(
            {"starts_at": window.starts_at, "ends_at": window.ends_at}, {"starts_at": starts_at, "ends_at": ends_at}
        )
        window.starts_at, window.ends_at = starts_at, ends_at
        window.save(update_fields=["starts_at", "ends_at"])
        notice = _tell(actor, window, starts_at, ends_at, reason, now)
        action = emails.step(before, starts_at, ends_at)
        record(actor=actor, action=ACTIONS[action], subject=window, now=now, changes=changes, reason=reason)
    return notice


def cancel_window(*, actor: Actor, window: MaintenanceWindow, reason: str, now: datetime) -> MaintenanceNotice:
    """Announce that a window will not be; from now on it covers nothing more."""
    require(actor, "maintenance.announce_maintenancewindow")
    with transaction.atomic():
        window = _locked(window)
        if window.cancelled_at:
            raise WindowCancelled(_("This window was cancelled already."))
        if window.completed_at:
            raise WorkFinished(_("The work is finished; there is nothing to cancel."))
        if not window.notices.exists():
            raise NothingAnnounced(_("This window was never announced; there is nothing to cancel."))
        window.cancelled_at = now
        window.save(update_fields=["cancelled_at"])
        notice = _tell(actor, window, None, None, reason, now)
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
    """Say that the work has begun. It decides nothing: what is covered was announced."""
    require(actor, "maintenance.change_maintenancewindow")
    with transaction.atomic():
        locked = _locked(window)
        if locked.cancelled_at:
            raise WindowCancelled(_("This window was cancelled. Plan a new one."))
        if locked.started_at:
            raise WorkStarted(_("The work has begun already."))
        locked.started_at = now.replace(microsecond=0)
        locked.save(update_fields=["started_at"])
        record(
            actor=actor, action="started", subject=locked, now=now, changes={"started_at": [None, locked.started_at]}
        )
    window.refresh_from_db()


def finish_work(*, actor: Actor, window: MaintenanceWindow, now: datetime) -> None:
    """Say that the work is done."""
    require(actor, "maintenance.change_maintenancewindow")
    with transaction.atomic():
        locked = _locked(window)
        if not locked.started_at:
            raise WorkNotStarted(_("The work has not begun. Start it first."))
        if locked.completed_at:
            raise WorkFinished(_("The work is finished already."))
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
    emails.Step.MOVED: "moved",
    emails.Step.LENGTHENED: "lengthened",
    emails.Step.SHORTENED: "shortened",
}


def _tell(
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
    told = give_notice(
        actor=actor,
        kind=Kind.MAINTENANCE,
        about=window.reference,
        wordings=emails.words(window, before, starts_at, ends_at, reason),
        audience=audience(window, now),
        public=True,
        attachments=[invitation],
        now=now,
    )
    return MaintenanceNotice.objects.create(
        window=window, sent_at=now, starts_at=starts_at, ends_at=ends_at, notice=told
    )


def _locked(window: MaintenanceWindow) -> MaintenanceWindow:
    return MaintenanceWindow.objects.select_for_update().get(pk=window.pk)


def _check_order(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise WindowEndsBeforeItStarts(_("The window ends before it starts. Give an end after the start."))
