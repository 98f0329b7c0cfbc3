"""Begin a rehearsal; `manage.py emptyrehearsal` ends it, because the running portal may not remove what is frozen."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Document, Kind
from sla_portal.audit.operations import lock_chain, record, require
from sla_portal.kernel.errors import Refused

from ..models import Rehearsal
from ..queries import is_opened, running_rehearsal


class PortalIsOpen(Refused):
    """The portal is open to the public: what is recorded is real and stays."""


class SomethingIssued(Refused):
    """A document was issued, and is real."""


class AlreadyRehearsing(Refused):
    """A rehearsal runs."""


def begin_rehearsal(*, actor: Actor, now: datetime) -> Rehearsal:
    """Begin a rehearsal: everything on record from now on is marked. Raises its refusals."""
    require(actor, "operator.begin_rehearsal")
    with transaction.atomic():
        # Opening the portal takes this lock, too.
        lock_chain()
        if running_rehearsal():
            raise AlreadyRehearsing(_("A rehearsal is running already."))
        if is_opened():
            raise PortalIsOpen(
                _(
                    "The portal is open to the public: what is recorded is real and stays. A rehearsal is not possible any more."
                )
            )
        issued = Document.objects.filter(rehearsal=0).exclude(kind__in=[Kind.CHECKPOINT, Kind.AGREEMENT]).first()
        if issued:
            raise SomethingIssued(
                _("%(document)s was issued already. It is real and stays, so a rehearsal is not possible any more.")
                % {"document": issued.number}
            )
        rehearsal = Rehearsal.objects.create(begun_at=now, begun_by=actor.user, begun_by_name=actor.name[:200])
        record(actor=actor, action="began", subject=rehearsal, now=now, changes={})
    return rehearsal
