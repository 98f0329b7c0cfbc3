"""Whether the portal is open to the public."""

from __future__ import annotations

from sla_portal.audit.models import ClosedMonth, Document, Kind

from .rehearsal import rehearsal_number


def is_opened() -> bool:
    """Whether a month was closed or something announced; in a rehearsal that is tried out, too."""
    if rehearsal_number():
        return False
    announced = Document.objects.filter(kind=Kind.ANNOUNCEMENT, rehearsal=0)
    return ClosedMonth.objects.exists() or announced.exists()
