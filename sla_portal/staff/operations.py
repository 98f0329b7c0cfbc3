"""Save what a form says once, however often it is sent; log outages as people tell them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from incidents.models import Incident
from incidents.operations import OutageFacts, add_outage, log_incident, resolve_incident
from maintenance.models import MaintenanceWindow
from maintenance.operations import announce_window, cancel_window
from sla_portal.audit.actors import Actor
from sla_portal.kernel.errors import Refused

from .models import Submission


class AnnouncedMeanwhile(Refused):
    """Another notice went out since the one to be sent was shown."""


def save_once(*, key: UUID, write: Callable[[], str], now: datetime) -> str:
    """Call `write` unless the form with this `key` was saved before; return the address it led to, then or now.

    Of two at the same moment the second waits for the first at the unique key. What `write` raises undoes the claim.
    """
    with transaction.atomic():
        try:
            with transaction.atomic():
                submission = Submission.objects.create(key=key, at=now)
        except IntegrityError:
            return Submission.objects.get(key=key).location
        submission.location = write()
        submission.save(update_fields=["location"])
    return submission.location


def log_outages(
    *, actor: Actor, title: str, source: str, ticket_number: str, outages: Sequence[OutageFacts], now: datetime
) -> Incident:
    """Log an incident; one that is over already is resolved with it, at its last outage's end."""
    with transaction.atomic():
        incident = log_incident(
            actor=actor, title=title, source=source, ticket_number=ticket_number, outages=outages, now=now
        )
        ends = [facts.ended_at for facts in outages]
        if None not in ends:
            resolve_incident(actor=actor, incident=incident, at=max(filter(None, ends)), now=now)
    return incident


def add_outages(*, actor: Actor, incident: Incident, outages: Sequence[OutageFacts], now: datetime) -> None:
    """Add outages to an incident, all of them or none."""
    with transaction.atomic():
        for facts in outages:
            add_outage(actor=actor, incident=incident, facts=facts, now=now)


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
