"""Send a maintenance notice as previewed, and discard a draft on which no exclusion rests, or refuse."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from maintenance.models import AnnouncementRequest, MaintenanceWindow
from maintenance.operations import announce_window, cancel_window, discard_draft, for_two, request_announcement
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import Exclusion
from sla_portal.kernel.errors import Refused


class AnnouncedMeanwhile(Refused):
    """Another notice was sent after the preview."""


class ExclusionsRestOnIt(Refused):
    """An exclusion under 4.1 names the window, so it stays listed."""


def announce_as_shown(
    *,
    actor: Actor,
    window: MaintenanceWindow,
    period: tuple[datetime, datetime] | None,
    reason: str,
    why: str,
    after: int | None,
    now: datetime,
) -> AnnouncementRequest | None:
    """Announce a window for `period`, or cancel it (None); refuse if its newest notice is no longer `after`.

    The announcement of more than 24 hours is requested with the reason `why`, and the request is returned.
    """
    with transaction.atomic():
        window = MaintenanceWindow.objects.select_for_update().get(pk=window.pk)
        newest = window.notices.last()
        if (newest.pk if newest else None) != after:
            raise AnnouncedMeanwhile(
                _("Another notice was sent after this preview, so this one was not sent. Review the new preview.")
            )
        if period is None:
            cancel_window(actor=actor, window=window, reason=reason, now=now)
            return None
        starts_at, ends_at = period
        if for_two(window, starts_at, ends_at, now):
            return request_announcement(
                actor=actor, window=window, starts_at=starts_at, ends_at=ends_at, reason=reason, why=why, now=now
            )
        announce_window(actor=actor, window=window, starts_at=starts_at, ends_at=ends_at, reason=reason, now=now)
        return None


def discard_unused(*, actor: Actor, window: MaintenanceWindow, reason: str, now: datetime) -> None:
    """Discard a draft; refuse if an exclusion names it, which only a history file can bring about."""
    with transaction.atomic():
        window = MaintenanceWindow.objects.select_for_update().get(pk=window.pk)
        if Exclusion.objects.filter(maintenance=window).exists():
            raise ExclusionsRestOnIt(_("An exclusion under 4.1 names this window, so it cannot be discarded."))
        discard_draft(actor=actor, window=window, reason=reason, now=now)
