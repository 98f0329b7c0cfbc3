"""Send a maintenance notice as previewed, or refuse."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from maintenance.models import MaintenanceWindow
from maintenance.operations import announce_window, cancel_window
from sla_portal.audit.actors import Actor
from sla_portal.kernel.errors import Refused


class AnnouncedMeanwhile(Refused):
    """Another notice was sent after the preview."""


def announce_as_shown(
    *,
    actor: Actor,
    window: MaintenanceWindow,
    period: tuple[datetime, datetime] | None,
    reason: str,
    after: int | None,
    now: datetime,
) -> None:
    """Announce a window for `period`, or cancel it (None); refuse if its newest notice is no longer `after`."""
    with transaction.atomic():
        window = MaintenanceWindow.objects.select_for_update().get(pk=window.pk)
        newest = window.notices.last()
        if (newest.pk if newest else None) != after:
            raise AnnouncedMeanwhile(
                _("Another notice was sent after this preview, so this one was not sent. Review the new preview.")
            )
        if period:
            starts_at, ends_at = period
            announce_window(actor=actor, window=window, starts_at=starts_at, ends_at=ends_at, reason=reason, now=now)
        else:
            cancel_window(actor=actor, window=window, reason=reason, now=now)
