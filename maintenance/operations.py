"""Plan, announce, reschedule, cancel and record maintenance. Every notice is stored with the time of sending (4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, difference, record, require
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.notices.models import Kind
from sla_portal.notices.operations import give_notice

from . import emails
from .models import AnnouncementRequest, MaintenanceNotice, MaintenanceWindow, RequestStatus
from .queries import customers_to_notify, notices_given, pending_request
from .rules import DAY, FARTHEST_AHEAD, LONGEST, NoticeGiven, announced, needs_confirmation


class WindowEndsBeforeItStarts(Refused):
    """The window's end is not after its start."""

    field = "ends_at"


class WindowInThePast(Refused):
    """A window that is wholly in the past cannot be announced."""


class WindowTooLong(Refused):
    """A window is longer than any maintenance, for example because a date was mistyped."""


class WindowTooFarAhead(Refused):
    """A window starts years ahead, for example because a year was mistyped."""


class WindowDiscarded(Refused):
    """The draft was discarded."""


class WindowAnnounced(Refused):
    """An announced window is cancelled, not discarded."""


class ConfirmationNeeded(Refused):
    """A window longer than 24 hours is announced only when a second person confirms it."""


class ConfirmationNotNeeded(Refused):
    """A window of up to 24 hours is announced by one person."""


class ConfirmationPending(Refused):
    """The announcement of the window already waits for a second person."""


class RequestDecided(Refused):
    """The request is not pending any more."""


class SecondPersonNeeded(Refused):
    """Who requested the announcement cannot confirm it or send it back."""


class NotTheRequester(Refused):
    """Another person's request is sent back, not withdrawn."""


class WindowCancelled(Refused):
    """A cancelled window cannot be announced or started."""


class NothingAnnounced(Refused):
    """A window that was never announced cannot be cancelled or marked as not carried out."""


class NothingNewAnnounced(Refused):
    """The newest notice already announces the same period, for example after a double click."""


class WorkStarted(Refused):
    """The maintenance has already started."""


class WorkNotStarted(Refused):
    """Maintenance that has not started cannot be completed."""


class WorkFinished(Refused):
    """The maintenance is completed."""


class WorkTimesOutOfOrder(Refused):
    """A time of the work, named by `field`, does not fit the other, the window or the clock."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class WindowNotCarriedOut(Refused):
    """The window is marked as not carried out."""


class WindowNotBegun(Refused):
    """A window whose announced start is still to come is cancelled, not marked as not carried out."""


class ReasonMissing(Refused):
    """A reason is required."""


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
    check_period(starts_at, ends_at, now)
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

    Notifies the contacts of customers under contract in its regions by e-mail, and the public on the website. A pending
    request of the window is superseded. Raises `ConfirmationNeeded` for more than 24 hours.
    """
    require(actor, "maintenance.announce_maintenancewindow")
    with transaction.atomic():
        window = _locked(actor, window)
        _check_may_announce(window, starts_at, ends_at, now)
        if for_two(window, starts_at, ends_at, now):
            raise ConfirmationNeeded(
                _("A window longer than 24 hours is announced when a second person confirms it. Request it.")
            )
        _supersede(actor, window, now)
        return _announce(actor, window, starts_at, ends_at, reason, now)


def request_announcement(
    *,
    actor: Actor,
    window: MaintenanceWindow,
    starts_at: datetime,
    ends_at: datetime,
    why: str,
    now: datetime,
    reason: str = "",
) -> AnnouncementRequest:
    """Request the announcement of more than 24 hours; another person confirms it. Until then nothing is announced.

    `why` is for that person and the record, `reason` for the recipients of the notice.
    """
    require(actor, "maintenance.announce_maintenancewindow")
    with transaction.atomic():
        window = _locked(actor, window)
        _check_may_announce(window, starts_at, ends_at, now)
        if not for_two(window, starts_at, ends_at, now):
            raise ConfirmationNotNeeded(_("A window of up to 24 hours needs no second person. Announce it."))
        if pending := pending_request(window):
            raise ConfirmationPending(
                _("%(name)s already requested an announcement of this window. Withdraw that request first.")
                % {"name": pending.requested_by_name}
            )
        _check_reason(why)
        request = AnnouncementRequest.objects.create(
            window=window,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason,
            why=why,
            requested_by=actor.user,
            requested_by_name=actor.name[:200],
            requested_at=now,
        )
        record(
            actor=actor,
            action="requested the announcement of",
            subject=window,
            now=now,
            changes={"starts_at": [None, starts_at], "ends_at": [None, ends_at]},
            reason=why,
        )
    return request


def confirm_announcement(
    *, actor: Actor, request: AnnouncementRequest, now: datetime, reason: str = ""
) -> MaintenanceNotice:
    """Confirm a request of another person: the window is announced as requested, at `now`.

    Raises `RequestDecided` where it is not pending any more, so that nothing but what was shown is announced.
    """
    require(actor, "maintenance.confirm_maintenancewindow")
    with transaction.atomic():
        window = _locked(actor, request.window)
        locked = _pending(request)
        if _is_own(actor, locked):
            raise SecondPersonNeeded(_("You requested this announcement. Another person must confirm it."))
        _check_may_announce(window, locked.starts_at, locked.ends_at, now)
        notice = _announce(actor, window, locked.starts_at, locked.ends_at, locked.reason, now)
        _decide(locked, actor, RequestStatus.CONFIRMED, reason, now, sent=notice)
        record(actor=actor, action="confirmed the announcement of", subject=window, now=now, reason=reason)
    return notice


def return_request(*, actor: Actor, request: AnnouncementRequest, reason: str, now: datetime) -> None:
    """Send the request of another person back; nothing is announced."""
    require(actor, "maintenance.confirm_maintenancewindow")
    _check_reason(reason)
    with transaction.atomic():
        window = _locked(actor, request.window)
        locked = _pending(request)
        if _is_own(actor, locked):
            raise SecondPersonNeeded(_("You requested this. Withdraw the request instead of sending it back."))
        _close_request(locked, window, actor, RequestStatus.RETURNED, "sent back the request to announce", reason, now)


def withdraw_request(*, actor: Actor, request: AnnouncementRequest, reason: str, now: datetime) -> None:
    """Withdraw one's own request; nothing is announced."""
    require(actor, "maintenance.announce_maintenancewindow")
    _check_reason(reason)
    with transaction.atomic():
        window = _locked(actor, request.window)
        locked = _pending(request)
        if not _is_own(actor, locked):
            raise NotTheRequester(_("Another person requested this. Send the request back instead of withdrawing it."))
        _close_request(locked, window, actor, RequestStatus.WITHDRAWN, "withdrew the request to announce", reason, now)


def discard_draft(*, actor: Actor, window: MaintenanceWindow, reason: str, now: datetime) -> None:
    """Discard a window that was never announced; the row stays on record and is listed nowhere by default."""
    require(actor, "maintenance.change_maintenancewindow")
    _check_reason(reason)
    with transaction.atomic():
        locked = _locked(actor, window)
        _check_not_discarded(locked)
        if locked.notices.exists() or locked.cancelled_at:
            raise WindowAnnounced(_("This window was announced. Cancel it, so that customers are told."))
        if locked.completed_at:
            raise WorkFinished(_("The maintenance is already completed."))
        if locked.started_at:
            raise WorkStarted(_("The maintenance has already started."))
        _supersede(actor, locked, now)
        locked.discarded_at = now.replace(microsecond=0)
        locked.save(update_fields=["discarded_at"])
        record(
            actor=actor,
            action="discarded",
            subject=locked,
            now=now,
            changes={"discarded_at": [None, locked.discarded_at]},
            reason=reason,
        )
    window.refresh_from_db()


def cancel_window(*, actor: Actor, window: MaintenanceWindow, reason: str, now: datetime) -> MaintenanceNotice:
    """Cancel an announced window and notify; from now on it covers nothing."""
    require(actor, "maintenance.announce_maintenancewindow")
    with transaction.atomic():
        window = _locked(actor, window)
        if window.cancelled_at:
            raise WindowCancelled(_("This window is already cancelled."))
        if window.completed_at:
            raise WorkFinished(_("The maintenance is completed and can no longer be cancelled."))
        _check_carried_out(window)
        if not window.notices.exists():
            raise NothingAnnounced(_("This window has not been announced, so there is nothing to cancel."))
        _supersede(actor, window, now)
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
        locked = _locked(actor, window)
        _check_not_ended(locked)
        if locked.completed_at:
            raise WorkFinished(_("The maintenance is already completed."))
        if locked.started_at:
            raise WorkStarted(_("The maintenance has already started."))
        locked.started_at = now.replace(microsecond=0)
        locked.save(update_fields=["started_at"])
        record(
            actor=actor, action="started", subject=locked, now=now, changes={"started_at": [None, locked.started_at]}
        )
    window.refresh_from_db()


def finish_work(*, actor: Actor, window: MaintenanceWindow, now: datetime) -> None:
    """Record the completion of the work. The notices cover nothing after it (4.1)."""
    require(actor, "maintenance.change_maintenancewindow")
    with transaction.atomic():
        locked = _locked(actor, window)
        if not locked.started_at:
            raise WorkNotStarted(_("The maintenance has not started. Start it first."))
        if locked.completed_at:
            raise WorkFinished(_("The maintenance is already completed."))
        _supersede(actor, locked, now)
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


def record_work(
    *,
    actor: Actor,
    window: MaintenanceWindow,
    started_at: datetime,
    completed_at: datetime,
    now: datetime,
    reason: str = "",
) -> None:
    """Record when work took place that nobody recorded as it happened. The notices cover nothing after its completion.

    A recorded start is corrected; a recorded completion stays. Where time that was covered lies in a closed month,
    `reason` states why its record is changed; without it `TouchesClosedMonth` is raised.
    """
    require(actor, "maintenance.change_maintenancewindow")
    with transaction.atomic():
        locked = _locked(actor, window)
        _check_not_ended(locked)
        if locked.completed_at:
            raise WorkFinished(_("The maintenance is already completed."))
        newest = announced(notices_given(locked))
        if newest is None:
            raise NothingAnnounced(_("This window has not been announced. Announce it first."))
        check_work_times(locked, started_at, completed_at, now)
        changes = difference(
            {"started_at": locked.started_at, "completed_at": None},
            {"started_at": started_at, "completed_at": completed_at},
        )
        _supersede(actor, locked, now)
        locked.started_at, locked.completed_at = started_at, completed_at
        locked.save(update_fields=["started_at", "completed_at"])
        record(
            actor=actor,
            action="finished",
            subject=locked,
            now=now,
            changes=changes,
            reason=reason,
            touching=[(max(completed_at, instant(newest[0])), instant(newest[1]))],
        )
    window.refresh_from_db()


def mark_not_carried_out(*, actor: Actor, window: MaintenanceWindow, reason: str, now: datetime) -> None:
    """Record that an announced window passed without maintenance: its notices cover nothing (4.1). No notice is sent."""
    require(actor, "maintenance.change_maintenancewindow")
    _check_reason(reason)
    with transaction.atomic():
        locked = _locked(actor, window)
        if locked.cancelled_at:
            raise WindowCancelled(_("This window is already cancelled."))
        if locked.completed_at:
            raise WorkFinished(_("The maintenance is already completed."))
        if locked.started_at:
            raise WorkStarted(_("The maintenance has already started."))
        _check_carried_out(locked)
        newest = announced(notices_given(locked))
        if newest is None:
            raise NothingAnnounced(_("This window has not been announced. Announce it first."))
        if epoch(now) < newest[0]:
            raise WindowNotBegun(
                _("The announced start is still to come. Cancel the window, so that customers are told.")
            )
        _supersede(actor, locked, now)
        locked.not_carried_out_at = now.replace(microsecond=0)
        locked.save(update_fields=["not_carried_out_at"])
        record(
            actor=actor,
            action="marked as not carried out",
            subject=locked,
            now=now,
            changes={"not_carried_out_at": [None, locked.not_carried_out_at]},
            reason=reason,
            touching=[(instant(newest[0]), instant(newest[1]))],
        )
    window.refresh_from_db()


def check_period(starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    """Refuse a period that cannot be announced: wholly in the past (no notice would be prior, 4.1), or mistyped."""
    if ends_at <= now:
        raise WindowInThePast(
            _("The window is wholly in the past and cannot be announced. Enter an end in the future.")
        )
    if starts_at > now + timedelta(seconds=FARTHEST_AHEAD):
        raise WindowTooFarAhead(_("The window starts more than two years from now. Check the year."))
    if ends_at - starts_at > timedelta(seconds=LONGEST):
        raise WindowTooLong(
            _("The window is longer than %(days)s days. Check the dates, or plan several windows.")
            % {"days": LONGEST // DAY}
        )


def check_work_times(window: MaintenanceWindow, started_at: datetime, completed_at: datetime, now: datetime) -> None:
    """Refuse work that was completed before it started or after `now`, or that started days before its window."""
    if started_at < window.starts_at - timedelta(seconds=DAY):
        raise WorkTimesOutOfOrder(
            "started_at", _("The work started more than a day before the window. Check the date.")
        )
    if completed_at < started_at:
        raise WorkTimesOutOfOrder(
            "completed_at", _("The work was completed before it started. Enter a completion after the start.")
        )
    if completed_at > now:
        raise WorkTimesOutOfOrder("completed_at", _("The completion is in the future. Enter a time in the past."))


def for_two(window: MaintenanceWindow, starts_at: datetime, ends_at: datetime, now: datetime) -> bool:
    """Whether announcing this period at `now` takes two people."""
    return needs_confirmation(
        notices_given(window), NoticeGiven(sent=epoch(now), start=epoch(starts_at), end=epoch(ends_at))
    )


ACTIONS = {
    emails.Step.FIRST: "announced",
    emails.Step.RESCHEDULED: "moved",
    emails.Step.EXTENDED: "lengthened",
    emails.Step.SHORTENED: "shortened",
}


def _check_may_announce(window: MaintenanceWindow, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    _check_order(starts_at, ends_at)
    _check_not_discarded(window)
    if window.cancelled_at:
        raise WindowCancelled(_("This window is cancelled. Plan a new one."))
    if window.completed_at:
        raise WorkFinished(_("The maintenance is completed, so nothing more can be announced."))
    _check_carried_out(window)
    check_period(starts_at, ends_at, now)
    before = window.notices.last()
    if before and (before.starts_at, before.ends_at) == (starts_at, ends_at):
        raise NothingNewAnnounced(
            _("The window is already announced for exactly this time. No further notice was sent.")
        )


def _announce(
    actor: Actor, window: MaintenanceWindow, starts_at: datetime, ends_at: datetime, reason: str, now: datetime
) -> MaintenanceNotice:
    before = window.notices.last()
    changes = difference(
        {"starts_at": window.starts_at, "ends_at": window.ends_at}, {"starts_at": starts_at, "ends_at": ends_at}
    )
    window.starts_at, window.ends_at = starts_at, ends_at
    window.save(update_fields=["starts_at", "ends_at"])
    notice = _notify(actor, window, starts_at, ends_at, reason, now)
    action = emails.step(before, starts_at, ends_at)
    record(actor=actor, action=ACTIONS[action], subject=window, now=now, changes=changes, reason=reason)
    return notice


def _is_own(actor: Actor, request: AnnouncementRequest) -> bool:
    return actor.user is not None and actor.user == request.requested_by


def _pending(request: AnnouncementRequest) -> AnnouncementRequest:
    """Return the request as it stands; the lock of its window holds it."""
    locked = AnnouncementRequest.objects.get(pk=request.pk)
    if locked.status != RequestStatus.PENDING:
        raise RequestDecided(
            _("This request is not pending any more: %(status)s. Nothing was sent.")
            % {"status": locked.get_status_display()}
        )
    return locked


def _decide(
    request: AnnouncementRequest,
    actor: Actor,
    status: RequestStatus,
    reason: str,
    now: datetime,
    sent: MaintenanceNotice | None = None,
) -> None:
    request.status, request.decision_reason, request.decided_at, request.sent = status, reason, now, sent
    request.decided_by, request.decided_by_name = actor.user, actor.name[:200]
    request.save(update_fields=["status", "decision_reason", "decided_at", "sent", "decided_by", "decided_by_name"])


def _close_request(
    request: AnnouncementRequest,
    window: MaintenanceWindow,
    actor: Actor,
    status: RequestStatus,
    action: str,
    reason: str,
    now: datetime,
) -> None:
    """Decide a request that announces nothing."""
    _decide(request, actor, status, reason, now)
    changes = {"starts_at": [request.starts_at, None], "ends_at": [request.ends_at, None]}
    record(actor=actor, action=action, subject=window, now=now, changes=changes, reason=reason)


def _supersede(actor: Actor, window: MaintenanceWindow, now: datetime) -> None:
    """Close a pending request, because the window that it was made for changed."""
    if request := pending_request(window):
        _close_request(request, window, actor, RequestStatus.SUPERSEDED, "superseded the request to announce", "", now)


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
        customers=customers_to_notify(window, now),
        public=True,
        attachments=[invitation],
        now=now,
    )
    return MaintenanceNotice.objects.create(
        window=window, sent_at=now, starts_at=starts_at, ends_at=ends_at, notice=notice
    )


def _locked(actor: Actor, window: MaintenanceWindow) -> MaintenanceWindow:
    """Lock a window that has not changed since `actor` saw it."""
    locked = MaintenanceWindow.objects.select_for_update().get(pk=window.pk)
    try:
        _check_not_ended(locked)
    except Refused as refused:
        check_unchanged(actor, locked, refusal=str(refused))
    check_unchanged(actor, locked)
    return locked


def _check_not_ended(window: MaintenanceWindow) -> None:
    _check_not_discarded(window)
    if window.cancelled_at:
        raise WindowCancelled(_("This window is cancelled. Plan a new one."))
    _check_carried_out(window)


def _check_carried_out(window: MaintenanceWindow) -> None:
    if window.not_carried_out_at:
        raise WindowNotCarriedOut(_("This window is marked as not carried out. Plan a new one."))


def _check_not_discarded(window: MaintenanceWindow) -> None:
    if window.discarded_at:
        raise WindowDiscarded(_("This draft was discarded. Plan a new window."))


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing(_("Enter a reason."))


def _check_order(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise WindowEndsBeforeItStarts(_("The window ends before it starts. Enter an end after the start."))
