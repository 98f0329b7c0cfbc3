"""Close a service month that has no open items, and correct a closed one."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import lock_chain, record, require
from sla_portal.customers.models import Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth

from ..models import Deviation, MonthClosing
from ..queries import OpenItems, closing_of, open_items
from .judging import judge_month, month_deviates


class MonthHasOpenItems(Refused):
    """Something in the month is open, unclassified or undecided; `items` lists what."""

    def __init__(self, items: OpenItems) -> None:
        super().__init__(_("This month cannot be closed yet. Complete the open items of the checklist first."))
        self.items = items


class MonthClosed(Refused):
    """The month is already closed."""


class MonthOpen(Refused):
    """The month is not closed, so it cannot be corrected."""


class CorrectionWithoutReason(Refused):
    """A correction needs a reason, which the reports state."""

    field = "reason"


class NothingToCorrect(Refused):
    """The figures of the closed month agree with the record."""


def close_month(*, actor: Actor, month: ServiceMonth, now: datetime) -> MonthClosing:
    """Freeze the figures of a month, of all regions and customers, as revision 1."""
    require(actor, "availability.close_month")
    if closing_of(month):
        raise MonthClosed(_("%(month)s is already closed.") % {"month": month})
    return _close(actor, month, 1, "", now)


def correct_month(*, actor: Actor, month: ServiceMonth, reason: str, now: datetime) -> MonthClosing:
    """Judge a closed month again from the present record, and freeze the result as the next revision."""
    require(actor, "availability.close_month")
    closing = closing_of(month)
    if closing is None:
        raise MonthOpen(_("%(month)s is not closed. Close it first.") % {"month": month})
    if not reason.strip():
        raise CorrectionWithoutReason(_("Enter the reason for the correction."))
    if not month_deviates(month=month, now=now):
        raise NothingToCorrect(_("The figures of the closed month agree with the record. There is nothing to correct."))
    return _close(actor, month, closing.revision + 1, reason, now)


def _close(actor: Actor, month: ServiceMonth, revision: int, reason: str, now: datetime) -> MonthClosing:
    try:
        with transaction.atomic():
            # What is logged concurrently is either on record before this lock, or recorded after the closing.
            lock_chain()
            items = open_items(month, now)
            if items:
                raise MonthHasOpenItems(items)
            closing = MonthClosing.objects.create(
                month=month.first_day,
                revision=revision,
                closed_at=now,
                closed_by=actor.user,
                closed_by_name=actor.name,
                reason=reason,
            )
            for region in Region.objects.all():
                judge_month(region=region, month=month, now=now)
            Deviation.objects.filter(month=month.first_day).delete()
            action = "closed" if revision == 1 else "corrected"
            record(actor=actor, action=action, subject=closing, now=now, reason=reason)
    except IntegrityError as error:
        # Of two concurrent closings the constraint admits one.
        raise MonthClosed(_("%(month)s was closed by someone else at the same moment.") % {"month": month}) from error
    return closing
