"""Record exports in the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum

from django.db import transaction

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require


class Export(Enum):
    """Lists that can be exported, each with its action in the audit log."""

    LEDGER = "exported the ledger as"
    BALANCES = "exported the balances of vouchers as"
    ENTITLED_CONTRACTS = "exported who could have claimed as"


RIGHTS = {
    Export.LEDGER: "claims.view_entry",
    Export.BALANCES: "claims.view_entry",
    Export.ENTITLED_CONTRACTS: "availability.view_customermonth",
}


def record_export(*, actor: Actor, export: Export, form: str, wanted: Mapping[str, str], now: datetime) -> None:
    """Record an export with its format and filters; the subject of the entry is the user."""
    require(actor, RIGHTS[export])
    changes = {"format": [None, form], **{name: [None, value] for name, value in wanted.items()}}
    with transaction.atomic():
        record(actor=actor, action=export.value, subject=actor.user, changes=changes, now=now)
