"""Save a form once, even if it is sent several times; record who signed in, and count who failed to."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import F

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import Written, lock_chain, record, record_many

from .models import FailedSignIns, PrivateCalendar, Submission

HOUR = timedelta(hours=1)
LATEST_COUNT = timedelta(minutes=5)
"""How long after the end of an hour an attempt of that hour may still be counted."""
KEPT = timedelta(days=90)


def save_once(*, key: UUID, write: Callable[[], str], now: datetime) -> str:
    """Call `write` unless the form with this idempotency `key` was saved before; return the URL to redirect to.

    A concurrent second call waits at the unique key. An exception in `write` rolls the key back.
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


def give_private_calendar(*, actor: Actor, user: User, language: str, now: datetime) -> PrivateCalendar:
    """Give a member of staff an address for a calendar program; an earlier one does not work any more."""
    with transaction.atomic():
        said = {"nonce": secrets.token_hex(16), "language": language, "made_at": now}
        given, _new = PrivateCalendar.objects.update_or_create(user=user, defaults=said)
        record(actor=actor, action="gave a private calendar to", subject=user, now=now)
    return given


def revoke_private_calendar(*, actor: Actor, user: User, now: datetime) -> None:
    """Let the address of a member of staff not work any more."""
    with transaction.atomic():
        if PrivateCalendar.objects.filter(user=user).delete()[0]:
            record(actor=actor, action="revoked the private calendar of", subject=user, now=now)


def record_sign_in(*, user: User, now: datetime) -> None:
    """Record in the audit log that a member of staff signed in."""
    with transaction.atomic():
        record(actor=Actor.staff(user), action="signed in", subject=user, now=now)


def count_failed_sign_in(*, name: str, locked_out: bool, now: datetime) -> None:
    """Count a failed attempt by its account and hour; all unknown names are counted as one, and not kept.

    The first that the lock-out refuses in an hour is an entry of the audit log; of an unknown name none is. Otherwise nothing
    is written there, so that it waits for nobody outside and cannot be filled from there.
    """
    user = User.objects.filter(username=name).first()
    hour = now.replace(minute=0, second=0, microsecond=0)
    counted = FailedSignIns.objects.filter(user=user, hour=hour)
    with transaction.atomic():
        if user and locked_out and counted.filter(locked_out=0).update(failures=F("failures") + 1, locked_out=1):
            _record_lock_out(user, hour, now)
            return
        if counted.update(failures=F("failures") + 1, locked_out=F("locked_out") + int(locked_out)):
            return
    try:
        with transaction.atomic():
            FailedSignIns.objects.create(user=user, hour=hour, failures=1, locked_out=int(locked_out))
            if user and locked_out:
                _record_lock_out(user, hour, now)
    except IntegrityError:
        # Of two first attempts of an hour the constraint admits one.
        counted.update(failures=F("failures") + 1, locked_out=F("locked_out") + int(locked_out))


def _record_lock_out(user: User, hour: datetime, now: datetime) -> None:
    """Record that the lock-out refuses an account; one update or row of the hour admits it, so there is one an hour."""
    record(actor=Actor.system("sign-in"), action="locked out", subject=user, now=now, changes={"hour": [None, hour]})


def sum_up_failed_sign_ins(*, now: datetime) -> int:
    """Add one entry to the audit log for each account and hour with failed attempts; return the number of entries.

    Counts are kept for 90 days.
    """
    FailedSignIns.objects.filter(hour__lt=now - KEPT).delete()
    with transaction.atomic():
        lock_chain()
        over = FailedSignIns.objects.filter(hour__lte=now - HOUR - LATEST_COUNT, user__isnull=False, recorded=False)
        counted = list(over.select_related("user").order_by("hour", "user_id"))
        record_many(actor=Actor.system("sign-in"), entries=[_summed_up(one) for one in counted], now=now)
        FailedSignIns.objects.filter(pk__in=[one.pk for one in counted]).update(recorded=True)
    return len(counted)


def _summed_up(counted: FailedSignIns) -> Written:
    names = ("hour", "failures", "locked_out")
    return Written("failed to sign in", counted.user, {name: [None, getattr(counted, name)] for name in names})
