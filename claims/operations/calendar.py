"""Keep the operator's calendar of working days."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import difference, record, require, snapshot

from ..models import CalendarYear


def check_year(*, actor: Actor, year: int, source: str, now: datetime) -> CalendarYear:
    """Record that the official calendar of a year was compared with the working days here; `source` published it (3.3.1)."""
    require(actor, "claims.add_calendaryear")
    with transaction.atomic():
        checked = CalendarYear.objects.create(year=year, source=source)
        record(actor=actor, action="added", subject=checked, changes=difference({}, snapshot(checked)), now=now)
    return checked
