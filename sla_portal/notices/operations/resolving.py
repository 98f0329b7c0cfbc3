"""Decide what a machine must not: whether a mail arrived, and whether it goes out again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.kernel.errors import Refused

from ..models import Delivery, Status


class NotOpen(Refused):
    """The delivery is not in a status that a person decides."""


def confirm_delivery(*, actor: Actor, delivery: Delivery, reason: str, now: datetime) -> None:
    """Say that an unknown mail arrived; `reason` tells how that is known."""
    with _decision(delivery, actor, "confirmed", reason, now, among=(Status.UNKNOWN,)) as locked:
        locked.status = Status.SENT
        locked.sent_at = locked.handed_over_at


def send_again(*, actor: Actor, delivery: Delivery, reason: str, now: datetime) -> None:
    """Put an unknown or failed mail into the queue again, with all its attempts; it is the same mail, by its Message-ID."""
    with _decision(delivery, actor, "sent again", reason, now, among=(Status.UNKNOWN, Status.FAILED)) as locked:
        locked.status = Status.PENDING
        locked.attempts = 0
        locked.next_attempt_at = now
        locked.handed_over_at = None


@contextmanager
def _decision(
    delivery: Delivery, actor: Actor, action: str, reason: str, now: datetime, *, among: tuple[Status, ...]
) -> Iterator[Delivery]:
    require(actor, "notices.resolve_delivery")
    with transaction.atomic():
        locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
        if locked.status not in among:
            raise NotOpen(
                _("The mail to %(address)s is %(status)s: there is nothing to decide.")
                % {"address": locked.email, "status": locked.get_status_display()}
            )
        before = locked.status
        yield locked
        # Whoever still had it in hand, has it no more.
        locked.lease = None
        locked.resolved_at, locked.resolved_by = now, actor.name[:200]
        locked.save()
        record(
            actor=actor,
            action=action,
            subject=locked,
            now=now,
            changes={"status": [before, locked.status]},
            reason=reason,
        )
