"""Close a service month that has no open items, and correct a closed one: one person requests it, another confirms."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import register
from sla_portal.audit.models import Kind, Occasion
from sla_portal.audit.operations import check_unchanged, close_record, lock_chain, make_checkpoint, record, require
from sla_portal.audit.rules import canonical
from sla_portal.customers.models import Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.operator.models import Basis
from sla_portal.operator.operations import note_basis
from sla_portal.operator.queries import rehearsal_number

from ..models import (
    ClosingRequest,
    CustomerMonth,
    Deviation,
    MonthClosing,
    RegionMonth,
    RequestStatus,
    stated_closing,
)
from ..queries import OpenItems, closing_of, not_in_service, open_items, pending_request, record_of, records_of
from .classification import ReasonMissing, SecondPersonNeeded
from .judging import judge_month, month_deviates


class MonthHasOpenItems(Refused):
    """Something in the month is open, unclassified or undecided; `items` lists what."""

    def __init__(self, items: OpenItems) -> None:
        super().__init__(_("This month cannot be closed yet. Complete the open items of the checklist first."))
        self.items = items


class MonthNotInService(Refused):
    """The month lies before the first agreement version or the first month of service."""


class MonthClosed(Refused):
    """The month is already closed."""


class MonthOpen(Refused):
    """The month is not closed, so it cannot be corrected."""


class CorrectionWithoutReason(Refused):
    """A correction needs a reason, which the reports state."""

    field = "reason"


class NothingToCorrect(Refused):
    """The figures of the closed month agree with the record."""


class MonthMovedOn(Refused):
    """The figures or open items are no longer those that were shown."""


class ClosingRequested(Refused):
    """A request to close or correct the month waits for another person already."""


class RequestDecided(Refused):
    """The request was confirmed, sent back or withdrawn already."""


class NotTheRequester(Refused):
    """Only the person who made a request withdraws it; others send it back."""


# By two persons


def request_closing(*, actor: Actor, month: ServiceMonth, shown: str, now: datetime) -> ClosingRequest:
    """Request to close a month; `shown` is the digest of the figures that were shown (`MonthRecord.digest`)."""
    require(actor, "availability.close_month")
    _check_open(month)
    return _request(actor, month, 1, "", shown, now)


def request_correction(*, actor: Actor, month: ServiceMonth, reason: str, shown: str, now: datetime) -> ClosingRequest:
    """Request to correct a closed month; `shown` as in `request_closing`."""
    require(actor, "availability.close_month")
    return _request(actor, month, _next_revision(month, reason, now), reason, shown, now)


def confirm_request(*, actor: Actor, request: ClosingRequest, now: datetime) -> MonthClosing:
    """Close or correct a month as another person requested it.

    Raises `MonthMovedOn` where the figures or open items are no longer those of the request.
    """
    require(actor, "availability.close_month")
    with transaction.atomic():
        locked = _locked(actor, request)
        if actor.user and locked.requested_by_id == actor.user.pk:
            raise SecondPersonNeeded(_("You requested this, so another person must confirm it."))
        month = locked.service_month
        closing = _close(
            actor,
            month,
            locked.revision,
            locked.reason,
            now,
            shown=locked.digest,
            requested_by=locked.requested_by,
            requested_by_name=locked.requested_by_name,
            one_person=False,
        )
        _decide(actor, locked, RequestStatus.CONFIRMED, "", now)
    return closing


def return_request(*, actor: Actor, request: ClosingRequest, reason: str, now: datetime) -> None:
    """Send a request back to the person who made it, with a reason."""
    require(actor, "availability.close_month")
    if not reason.strip():
        raise ReasonMissing(_("Say why the request is sent back."))
    with transaction.atomic():
        locked = _locked(actor, request)
        if actor.user and locked.requested_by_id == actor.user.pk:
            raise SecondPersonNeeded(_("You requested this. Withdraw the request instead of sending it back."))
        _decide(actor, locked, RequestStatus.RETURNED, reason, now)


def withdraw_request(*, actor: Actor, request: ClosingRequest, now: datetime) -> None:
    """Withdraw a request that one made."""
    require(actor, "availability.close_month")
    with transaction.atomic():
        locked = _locked(actor, request)
        if actor.user and locked.requested_by_id != actor.user.pk:
            raise NotTheRequester(_("Another person requested this. Send the request back instead of withdrawing it."))
        _decide(actor, locked, RequestStatus.WITHDRAWN, "", now)


# By one person, where the operator switched the second off


def close_month(*, actor: Actor, month: ServiceMonth, now: datetime) -> MonthClosing:
    """Freeze the figures of a month, of all regions and customers, as revision 1. Raises `SecondPersonNeeded`."""
    require(actor, "availability.close_month")
    _check_open(month)
    return _close(actor, month, 1, "", now, one_person=_alone(actor))


def correct_month(*, actor: Actor, month: ServiceMonth, reason: str, now: datetime) -> MonthClosing:
    """Judge a closed month again from the present record, and freeze the result. Raises `SecondPersonNeeded`."""
    require(actor, "availability.close_month")
    return _close(actor, month, _next_revision(month, reason, now), reason, now, one_person=_alone(actor))


def _alone(actor: Actor) -> bool | None:
    """Return what the closing says of its one person; None for the portal itself, which is none."""
    if actor.user is None:
        return None
    if settings.CLOSING_NEEDS_SECOND_PERSON:
        raise SecondPersonNeeded(
            _("Closing or correcting a month needs two persons. Request it; another person confirms.")
        )
    return True


def _check_open(month: ServiceMonth) -> None:
    if closing_of(month):
        raise MonthClosed(_("%(month)s is already closed.") % {"month": month})


def _next_revision(month: ServiceMonth, reason: str, now: datetime) -> int:
    closing = closing_of(month)
    if closing is None:
        raise MonthOpen(_("%(month)s is not closed. Close it first.") % {"month": month})
    if not reason.strip():
        raise CorrectionWithoutReason(_("Enter the reason for the correction."))
    if not month_deviates(month=month, now=now):
        raise NothingToCorrect(_("The figures of the closed month agree with the record. There is nothing to correct."))
    return closing.revision + 1


def _request(
    actor: Actor, month: ServiceMonth, revision: int, reason: str, shown: str, now: datetime
) -> ClosingRequest:
    if sentence := not_in_service(month):
        raise MonthNotInService(sentence)
    try:
        with transaction.atomic():
            lock_chain()
            check_unchanged(actor, *records_of(month))
            if pending_request(month):
                raise ClosingRequested(_("A request for this month waits for another person already."))
            _check_shown(month, shown, now)
            request = ClosingRequest.objects.create(
                month=month.first_day,
                revision=revision,
                reason=reason,
                digest=shown,
                requested_at=now,
                requested_by=actor.user,
                requested_by_name=actor.name[:200],
            )
            record(actor=actor, action="requested", subject=request, now=now, reason=reason)
    except IntegrityError as error:
        # Of two concurrent requests the constraint admits one.
        raise ClosingRequested(_("A request for this month waits for another person already.")) from error
    return request


def _check_shown(month: ServiceMonth, shown: str, now: datetime) -> None:
    present = record_of(month, now)
    if present.open:
        raise MonthHasOpenItems(present.open)
    if present.digest != shown:
        raise MonthMovedOn(
            _("The figures of this month have changed since they were shown. Check them below, and request it again.")
        )


def _locked(actor: Actor, request: ClosingRequest) -> ClosingRequest:
    locked = ClosingRequest.objects.select_for_update().get(pk=request.pk)
    check_unchanged(actor, locked)
    if locked.status != RequestStatus.PENDING:
        raise RequestDecided(
            _("The status of this request is now “%(status)s”. Reload the page and check it again.")
            % {"status": locked.get_status_display()}
        )
    return locked


def _decide(actor: Actor, request: ClosingRequest, status: RequestStatus, reason: str, now: datetime) -> None:
    request.status, request.decided_at, request.decided_by = status, now, actor.user
    request.decision_reason = reason
    request.save(update_fields=["status", "decided_at", "decided_by", "decision_reason"])
    actions = {
        RequestStatus.CONFIRMED: "confirmed",
        RequestStatus.RETURNED: "returned",
        RequestStatus.WITHDRAWN: "withdrew",
    }
    record(actor=actor, action=actions[status], subject=request, now=now, reason=reason)


def _close(
    actor: Actor, month: ServiceMonth, revision: int, reason: str, now: datetime, *, shown: str = "", **people: object
) -> MonthClosing:
    try:
        with transaction.atomic():
            # What is logged concurrently is either on record before this lock, or meets the closed month after it.
            lock_chain()
            if sentence := not_in_service(month):
                raise MonthNotInService(sentence)
            check_unchanged(actor, *records_of(month))
            items = open_items(month, now)
            if items:
                raise MonthHasOpenItems(items)
            if shown:
                _check_shown(month, shown, now)
            for region in Region.objects.all():
                judge_month(region=region, month=month, now=now)
            basis = note_basis(actor=actor, now=now)
            closing = MonthClosing(
                month=month.first_day,
                revision=revision,
                closed_at=now,
                closed_by=actor.user,
                closed_by_name=actor.name[:200],
                reason=reason,
                **people,
            )
            rehearsal = rehearsal_number()
            closing.statement = canonical(_stated(closing, basis) | ({"rehearsal": True} if rehearsal else {}))
            closing.save(force_insert=True)
            register(
                kind=Kind.CLOSING,
                number=str(month),
                revision=revision,
                sha256=sha256(closing.content()).hexdigest(),
                issued_at=now,
                rehearsal=rehearsal,
            )
            Deviation.objects.filter(month=month.first_day).delete()
            close_record(month)
            record(
                actor=actor,
                action="closed" if revision == 1 else "corrected",
                subject=closing,
                now=now,
                changes=_people(closing),
                reason=reason,
            )
            make_checkpoint(occasion=Occasion.CLOSING, about=closing, now=now)
    except IntegrityError as error:
        # Of two concurrent closings the constraint admits one.
        raise MonthClosed(_("%(month)s was closed by someone else at the same moment.") % {"month": month}) from error
    return closing


def _stated(closing: MonthClosing, basis: Basis) -> dict[str, object]:
    """Return what the sealed file of a closing states: by whom, by which time zone, and the figures of the regions."""
    figures = RegionMonth.objects.filter(month=closing.month).select_related("region", "agreement_version")
    return {
        **stated_closing(closing),
        "sla_time_zone": basis.time_zone,
        "workday_country": basis.workday_country,
        "regions": [
            {
                "code": one.region.code,
                "agreement_version": one.agreement_version.version,
                "reading": one.reading,
                "total_minutes": one.total_minutes,
                "unavailable_minutes": one.unavailable_minutes,
                "excluded_minutes": one.excluded_minutes,
                "met": one.met,
                # Of the minutes that the months of its customers follow from
                "sha256": one.digest,
            }
            for one in figures.order_by("region__code")
        ],
        "customers": CustomerMonth.objects.filter(month=closing.month).count(),
    }


def _people(closing: MonthClosing) -> dict[str, list[object]]:
    """Return who requested a closing, or that one person did it alone, as the audit log states it."""
    if closing.one_person:
        return {"one_person": [None, True]}
    return {"requested_by": [None, closing.requested_by_name]} if closing.requested_by_name else {}
