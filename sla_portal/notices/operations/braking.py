"""Hold the mail of a notice back, let it go on, and set how fast it goes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import difference, lock_chain, record, require, snapshot
from sla_portal.kernel.errors import Refused

from ..models import Brake, Notice

LARGEST_LIMIT = 1_000_000
TOLD = ("per_minute", "paused_at")


class NothingToDo(Refused):
    """The notice is paused already, or it is not."""


class NotALimit(Refused):
    """A limit is a number of mails a minute."""


class NoReason(Refused):
    """What holds mail back needs a reason."""


def pause_notice(*, actor: Actor, notice: Notice, reason: str, now: datetime) -> None:
    """Send no further mail of a notice: workers stop before the next one."""
    if not reason.strip():
        raise NoReason(_("Enter a reason. It is recorded in the audit log."))
    with _braking(actor, "paused", notice, reason, now) as brake:
        if brake.paused_at:
            raise NothingToDo(_("This notice was already paused by %(name)s.") % {"name": brake.paused_by})
        brake.paused_at, brake.paused_by, brake.reason = now, actor.name[:200], reason


def resume_notice(*, actor: Actor, notice: Notice, reason: str, now: datetime) -> None:
    """Let the mail of a notice go on."""
    with _braking(actor, "resumed", notice, reason, now) as brake:
        if not brake.paused_at:
            raise NothingToDo(_("This notice is not paused."))
        brake.paused_at, brake.paused_by, brake.reason = None, "", ""


def limit_notice(*, actor: Actor, notice: Notice, per_minute: int | None, reason: str, now: datetime) -> None:
    """Send at most so many mails of a notice a minute; None: as many as the portal may."""
    if per_minute is not None and not 1 <= per_minute <= LARGEST_LIMIT:
        raise NotALimit(_("Enter a number of e-mails per minute from 1 to %(most)s.") % {"most": LARGEST_LIMIT})
    with _braking(actor, "limited", notice, reason, now) as brake:
        brake.per_minute, brake.free_at = per_minute, now


@contextmanager
def _braking(actor: Actor, action: str, notice: Notice, reason: str, now: datetime) -> Iterator[Brake]:
    require(actor, "notices.give_notice")
    with transaction.atomic():
        lock_chain()
        Brake.objects.get_or_create(notice=notice, defaults={"free_at": now})
        brake = Brake.objects.select_for_update().get(notice=notice)
        before = snapshot(brake, TOLD)
        yield brake
        brake.save()
        changes = difference(before, snapshot(brake, TOLD))
        record(actor=actor, action=action, subject=notice, now=now, changes=changes, reason=reason)
