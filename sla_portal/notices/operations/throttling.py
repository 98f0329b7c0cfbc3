"""Pause, resume and rate-limit the e-mails of a notice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, difference, lock_chain, record, require, snapshot
from sla_portal.kernel.errors import Refused

from ..models import Brake, Notice

LARGEST_LIMIT = 1_000_000
RECORDED = ("per_minute", "paused_at")


class NothingToDo(Refused):
    """The notice is paused already, or it is not."""


class NotALimit(Refused):
    """A limit is a number of e-mails per minute."""


class NoReason(Refused):
    """Pausing needs a reason."""


def pause_notice(*, actor: Actor, notice: Notice, reason: str, now: datetime) -> None:
    """Pause the e-mails of a notice; workers stop before the next one."""
    if not reason.strip():
        raise NoReason(_("Enter a reason. It is recorded in the audit log."))
    with _throttling(actor, "paused", notice, reason, now) as throttle:
        if throttle.paused_at:
            raise NothingToDo(_("This notice was already paused by %(name)s.") % {"name": throttle.paused_by})
        throttle.paused_at, throttle.paused_by, throttle.reason = now, actor.name[:200], reason


def resume_notice(*, actor: Actor, notice: Notice, reason: str, now: datetime) -> None:
    """Resume the e-mails of a notice."""
    with _throttling(actor, "resumed", notice, reason, now) as throttle:
        if not throttle.paused_at:
            raise NothingToDo(_("This notice is not paused."))
        throttle.paused_at, throttle.paused_by, throttle.reason = None, "", ""


def limit_notice(*, actor: Actor, notice: Notice, per_minute: int | None, reason: str, now: datetime) -> None:
    """Limit the e-mails of a notice per minute; None: only the portal's limit applies."""
    if per_minute is not None and not 1 <= per_minute <= LARGEST_LIMIT:
        raise NotALimit(_("Enter a number of e-mails per minute from 1 to %(most)s.") % {"most": LARGEST_LIMIT})
    with _throttling(actor, "limited", notice, reason, now) as throttle:
        throttle.per_minute, throttle.free_at = per_minute, now


@contextmanager
def _throttling(actor: Actor, action: str, notice: Notice, reason: str, now: datetime) -> Iterator[Brake]:
    require(actor, "notices.give_notice")
    with transaction.atomic():
        lock_chain()
        check_unchanged(actor, notice)
        Brake.objects.get_or_create(notice=notice, defaults={"free_at": now})
        throttle = Brake.objects.select_for_update().get(notice=notice)
        before = snapshot(throttle, RECORDED)
        yield throttle
        throttle.save()
        changes = difference(before, snapshot(throttle, RECORDED))
        record(actor=actor, action=action, subject=notice, now=now, changes=changes, reason=reason)
