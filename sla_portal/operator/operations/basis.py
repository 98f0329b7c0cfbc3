"""Note and change the time zone and country by which months are counted."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import difference, lock_chain, record, snapshot
from sla_portal.kernel.errors import Refused

from ..models import Basis
from ..queries import basis_differs, basis_in_force


class BasisUnchanged(Refused):
    """The settings say what is on record."""


class BasisDiffers(Refused):
    """The settings name another time zone or country than the record."""


def note_basis(*, actor: Actor, now: datetime) -> Basis:
    """Note, in the transaction of the first closing, by which time zone and country it was counted; later, that it is the same.

    Raises `BasisDiffers` where this process was started with other settings.
    """
    if basis_differs():
        raise BasisDiffers(
            _("The time zone or country of this process is not the one on record. Ask an administrator.")
        )
    if basis := basis_in_force():
        return basis
    basis = Basis.objects.create(
        since=now,
        time_zone=settings.SLA_TIME_ZONE,
        workday_country=settings.SLA_WORKDAY_COUNTRY,
        saved_by_name=actor.name[:200],
    )
    record(actor=actor, action="added", subject=basis, now=now, changes=difference({}, _counted_by(basis)))
    return basis


def change_basis(*, actor: Actor, reason: str, now: datetime) -> Basis:
    """Accept the time zone and country of the settings in the place of those on record, from now on."""
    if not reason.strip():
        raise Refused(_("Enter a reason."))
    with transaction.atomic():
        lock_chain()
        before = basis_differs()
        if before is None:
            raise BasisUnchanged(
                _("The settings name the time zone and country on record. There is nothing to change.")
            )
        basis = Basis.objects.create(
            since=now,
            time_zone=settings.SLA_TIME_ZONE,
            workday_country=settings.SLA_WORKDAY_COUNTRY,
            saved_by_name=actor.name[:200],
            reason=reason.strip(),
        )
        changes = difference(_counted_by(before), _counted_by(basis))
        record(actor=actor, action="changed", subject=basis, now=now, changes=changes, reason=basis.reason)
    return basis


def _counted_by(basis: Basis) -> dict[str, object]:
    return snapshot(basis, ["time_zone", "workday_country"])
