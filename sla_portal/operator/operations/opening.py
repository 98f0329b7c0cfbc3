"""Name the day from which the service is reported, and open the portal to the public."""

from __future__ import annotations

from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import lock_chain, record, require
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date

from ..models import Opening
from ..queries import opening, running_rehearsal


class AlreadyOpened(Refused):
    """The portal is open to the public, and stays open."""


class StillRehearsing(Refused):
    """What is on record is for trying out."""


class DayPast(Refused):
    """The day on which reporting starts lies in the past."""

    field = "reported_from"


def set_reported_from(*, actor: Actor, day: date, now: datetime) -> Opening:
    """Name the day from which the service will be reported; the website says so until the portal is opened.

    Raises `DayPast`, and `AlreadyOpened`.
    """
    require(actor, "operator.open_portal")
    if day < local_date(epoch(now), settings.SLA_ZONE):
        raise DayPast(_("The day lies in the past. Enter today or a later day."))
    with transaction.atomic():
        row = _unopened()
        before, row.reported_from = row.reported_from, day
        row.save()
        record(
            actor=actor, action="set the opening day of", subject=row, changes={"reported_from": [before, day]}, now=now
        )
    return row


def open_portal(*, actor: Actor, now: datetime) -> Opening:
    """Open the portal to the public for good. Raises `AlreadyOpened` and `StillRehearsing`."""
    require(actor, "operator.open_portal")
    with transaction.atomic():
        row = _unopened()
        if running_rehearsal():
            raise StillRehearsing(
                _(
                    "A rehearsal is running: what is on record is for trying out. Empty it first (manage.py emptyrehearsal)."
                )
            )
        row.opened_at, row.opened_by = now, actor.user
        row.save()
        record(actor=actor, action="opened to the public", subject=row, changes={"opened_at": [None, now]}, now=now)
    return row


def _unopened() -> Opening:
    """Return the opening under the lock of the audit log, by which two who open it take turns."""
    lock_chain()
    row = opening()
    if row.opened_at:
        raise AlreadyOpened(_("The portal is already open to the public."))
    return row
