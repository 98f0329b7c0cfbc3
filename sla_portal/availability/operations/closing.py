"""Close a service month when nothing in it is open, and correct a closed one."""

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
from ..queries import Unfinished, closing_of, unfinished
from .judging import judge_month, month_deviates


class MonthUnfinished(Refused):
    """Something in the month is open, unclassified or undecided; `missing` says what."""

    def __init__(self, missing: Unfinished) -> None:
        super().__init__(_("This month is not finished: see the list of what is missing."))
        self.missing = missing


class MonthClosed(Refused):
    """The month was closed already."""


class MonthOpen(Refused):
    """A month that was never closed is closed, not corrected."""


class CorrectionWithoutReason(Refused):
    """A closed month is corrected for a reason that is told."""


class NothingToCorrect(Refused):
    """The record says just what the closed month says."""


def close_month(*, actor: Actor, month: ServiceMonth, now: datetime) -> MonthClosing:
    """Freeze the judged figures of a month, everywhere, as revision 1."""
    require(actor, "availability.close_month")
    if closing_of(month):
        raise MonthClosed(_("%(month)s is closed already.") % {"month": month})
    return _close(actor, month, 1, "", now)


def correct_month(*, actor: Actor, month: ServiceMonth, reason: str, now: datetime) -> MonthClosing:
    """Judge a closed month again, from the record as it is now, and freeze that as the next revision."""
    require(actor, "availability.close_month")
    closing = closing_of(month)
    if closing is None:
        raise MonthOpen(_("%(month)s is not closed. Close it first.") % {"month": month})
    if not reason.strip():
        raise CorrectionWithoutReason(_("Say why the closed month is corrected."))
    if not month_deviates(month=month, now=now):
        raise NothingToCorrect(_("The record says just what the closed month says. There is nothing to correct."))
    return _close(actor, month, closing.revision + 1, reason, now)


def _close(actor: Actor, month: ServiceMonth, revision: int, reason: str, now: datetime) -> MonthClosing:
    try:
        with transaction.atomic():
            # Whatever is being logged meanwhile is either on record before this, or comes after the closing.
            lock_chain()
            missing = unfinished(month, now)
            if missing:
                raise MonthUnfinished(missing)
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
        # Two people at once: the constraint lets one revision through.
        raise MonthClosed(_("%(month)s was closed by somebody else at this moment.") % {"month": month}) from error
    return closing
