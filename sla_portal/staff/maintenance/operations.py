"""Send a maintenance notice as it was shown, or not at all."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from maintenance.models import MaintenanceWindow
from maintenance.operations import announce_window, cancel_window
from sla_portal.audit.actors import Actor
from sla_portal.kernel.errors import Refused


class AnnouncedMeanwhile(Refused):
    """Another notice went out since the one to be sent was shown."""


def announce_as_shown(
    *,
    actor: Actor,
    window: MaintenanceWindow,
    stretch: tuple[datetime, datetime] | None,
    reason: str,
    after: int | None,
    now: datetime,
) -> None:
    """Announce a window from and until, or cancel it (None), unless its newest notice is no longer `after`."""
    with transaction.atomic():
        window = MaintenanceWindow.objects.select_for_update().get(pk=window.pk)
        newest = window.notices.last()
        if (newest.pk if newest else None) != after:
            raise AnnouncedMeanwhile(
                _("Somebody announced something else meanwhile, so this was not sent. Look at it again.")
            )
        if stretch:
            starts_at, ends_at = stretch
            announce_window(actor=actor, window=window, starts_at=starts_at, ends_at=ends_at, reason=reason, now=now)
        else:
            cancel_window(actor=actor, window=window, reason=reason, now=now)
