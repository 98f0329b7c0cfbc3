"""Note who took a list out of the portal."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from django.db import transaction

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require


class Taken(Enum):
    """What can be taken out, as the trail says it."""

    LEDGER = "exported the ledger as"
    COULD_HAVE_CLAIMED = "exported who could have claimed as"


RIGHTS = {Taken.LEDGER: "claims.view_entry", Taken.COULD_HAVE_CLAIMED: "availability.view_customermonth"}


def record_export(*, actor: Actor, taken: Taken, form: str, wanted: Mapping[str, str], now: datetime) -> None:
    """Put down that a list was taken out, in which form and with which filters. The entry stands with the person."""
    require(actor, RIGHTS[taken])
    changes = {"format": [None, form], **{name: [None, value] for name, value in wanted.items()}}
    with transaction.atomic():
        record(actor=actor, action=taken.value, subject=actor.user, changes=changes, now=now)
