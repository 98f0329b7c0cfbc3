"""Write the audit log and check permissions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from .actors import Actor
from .documents import register
from .models import Chain, Check, Checkpoint, ClosedMonth, Entry, Kind, Occasion
from .queries import Inspected, entries_since, inspect_log, inspect_tail
from .rules import GENESIS, Mark, link
from .verbs import ADDING, NO_CHANGE


class NotAllowed(Refused):
    """The actor does not have the permission."""


def require(actor: Actor, permission: str) -> None:
    """Raise `NotAllowed` unless `actor` has `permission` (`incidents.add_incident`)."""
    if not actor.may(permission):
        raise NotAllowed(
            _("%(name)s does not have the required permission “%(right)s”.") % {"name": actor.name, "right": permission}
        )


class ChangedMeanwhile(Refused):
    """The record has changed since the page was made; `entries` are what the page did not show, oldest first.

    `refusal` says why the step cannot be taken on the record as it is now; empty where the actor may decide on it again.
    """

    def __init__(self, entries: Sequence[Entry], refusal: str = "") -> None:
        last = next(entry for entry in reversed(entries) if entry.action not in NO_CHANGE)
        changed = _("%(name)s changed “%(record)s” after this page was opened. Nothing was saved.") % {
            "name": last.actor_name,
            "record": last.subject,
        }
        super().__init__(f"{changed} {refusal}".strip())
        self.entries, self.refusal = list(entries), refusal


def check_unchanged(actor: Actor, *subjects: models.Model, refusal: str = "") -> None:
    """Raise `ChangedMeanwhile` if one of `subjects` has changed since the page was made from which `actor` acts.

    Call it with the rows locked, before other checks, and name every record on which the decision rests. `record` calls
    it for what is written. Who acts without a page is never refused.
    """
    if actor.seen is None:
        return
    entries = entries_since(actor.seen, *subjects)
    if any(entry.action not in NO_CHANGE for entry in entries):
        actor.seen.changed = ChangedMeanwhile(entries, refusal)
        raise actor.seen.changed


@contextmanager
def refusing_for_good(actor: Actor, *subjects: models.Model) -> Iterator[None]:
    """Convert a refusal into `ChangedMeanwhile` where one of `subjects` has changed since the page was made.

    The page then shows what has changed and does not offer to save all the same.
    """
    try:
        yield
    except Refused as refused:
        check_unchanged(actor, *subjects, refusal=str(refused))
        raise


Period = tuple[datetime, datetime]
"""Two instants: start, and end not included."""


class TouchesClosedMonth(Refused):
    """The write changes the record of closed `months` and does not state why."""

    def __init__(self, months: Sequence[ServiceMonth]) -> None:
        super().__init__(
            _("This changes the record of months that are closed: %(months)s. State why.")
            % {"months": ", ".join(map(str, months))}
        )
        self.months = months


@dataclass(frozen=True)
class Written:
    """A write to record: `action` is a past-tense verb, `changes` maps a field to `[before, after]`.

    `touching`: the time whose record it changes. Where that lies in a closed month, there must be a `reason`.
    """

    action: str
    subject: models.Model
    changes: Mapping[str, Any]
    reason: str = ""
    touching: Sequence[Period] = ()


def record(
    *,
    actor: Actor,
    action: str,
    subject: models.Model,
    now: datetime,
    changes: Mapping[str, Any] | None = None,
    reason: str = "",
    touching: Sequence[Period] = (),
) -> Entry:
    """Add one entry to the audit log in the caller's transaction; see `Written`.

    Raises `ChangedMeanwhile` and `TouchesClosedMonth`.
    """
    return record_many(actor=actor, entries=[Written(action, subject, changes or {}, reason, touching)], now=now)[0]


def record_many(*, actor: Actor, entries: Sequence[Written], now: datetime) -> list[Entry]:
    """Add entries to the audit log in their order, in the caller's transaction.

    Raises `ChangedMeanwhile` and `TouchesClosedMonth`.
    """
    # Months are closed under the same lock: a concurrent write is on record before the closing, or meets it here.
    chain = lock_chain()
    check_unchanged(actor, *(written.subject for written in entries if written.action not in ADDING))
    if actor.seen:
        adding = [written.subject for written in entries if written.action in ADDING]
        actor.seen.news += entries_since(actor.seen, *adding)
    closed = _closed_months() if any(written.touching for written in entries) else []
    added = []
    for written in (_with_closed_months(written, closed, now) for written in entries):
        chain.last_number += 1
        chain.entries += 1
        entry = Entry(
            # By the database's own sequence a transaction that is rolled back would leave a gap.
            pk=chain.last_number,
            at=now,
            actor=actor.user,
            actor_name=actor.name[:200],
            action=written.action,
            subject_type=written.subject._meta.label_lower,
            subject_id=str(written.subject.pk),
            subject=_recorded(written.subject)[:300],
            changes=json.loads(json.dumps(written.changes, cls=DjangoJSONEncoder)),
            reason=written.reason,
            previous_hash=chain.last_hash,
        )
        entry.hash = chain.last_hash = link(entry.previous_hash, entry.content())
        added.append(entry)
    Entry.objects.bulk_create(added)
    chain.save(update_fields=["last_hash", "last_number", "entries"])
    if actor.seen:
        actor.seen.own |= {entry.hash for entry in added}
    return added


def _with_closed_months(written: Written, closed: Collection[date], now: datetime) -> Written:
    """Name the closed months that a write touches among its changes, and mark them as changed."""
    touched = _touched(written.touching, closed)
    if not touched:
        return written
    if not written.reason.strip():
        raise TouchesClosedMonth(touched)
    ClosedMonth.objects.filter(month__in=[month.first_day for month in touched]).update(changed_at=now)
    return replace(written, changes={**written.changes, "closed_months": [None, [str(month) for month in touched]]})


def closed_months_touched(periods: Iterable[Period]) -> list[ServiceMonth]:
    """Return the closed months in which some of `periods` lies, in order."""
    periods = list(periods)
    return _touched(periods, _closed_months()) if periods else []


def _closed_months() -> list[date]:
    return list(ClosedMonth.objects.order_by("month").values_list("month", flat=True))


def _touched(periods: Iterable[Period], closed: Collection[date]) -> list[ServiceMonth]:
    reach = [
        (local_date(epoch(start), settings.SLA_ZONE).replace(day=1), local_date(epoch(end) - 1, settings.SLA_ZONE))
        for start, end in periods
        if start < end
    ]
    return [ServiceMonth.of(month) for month in closed if any(first <= month <= last for first, last in reach)]


def close_record(month: ServiceMonth) -> None:
    """Require a reason for every later change to the record of `month`; its record counts as unchanged from now on."""
    ClosedMonth.objects.update_or_create(month=month.first_day, defaults={"changed_at": None})


def lock_chain() -> Chain:
    """Lock the audit log until the end of the caller's transaction; other audited writes wait."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit entry belongs in the transaction of the write it records.")
    chain, _created = Chain.objects.select_for_update().get_or_create(pk=1, defaults={"last_hash": GENESIS})
    return chain


def record_password(*, actor: Actor, user: models.Model, now: datetime) -> Entry:
    """Record that the password of a user was set or changed, in the caller's transaction; never the password."""
    changes = {"password": [None, "new value set"]}
    return record(actor=actor, action="set the password of", subject=user, now=now, changes=changes)


# Checkpoints and checks


def make_checkpoint(*, occasion: Occasion, about: models.Model, now: datetime) -> Checkpoint:
    """Note where the audit log stands, in the transaction of the write it is made for; once for a record."""
    return _checkpoint(occasion, f"{about._meta.label_lower} {about.pk}", lock_chain(), now)


def make_daily_checkpoint(*, now: datetime) -> Checkpoint | None:
    """Note where the audit log stands, once a day of the SLA clock; None while it is empty."""
    with transaction.atomic():
        chain = lock_chain()
        day = local_date(epoch(now), settings.SLA_ZONE)
        return _checkpoint(Occasion.DAILY, day.isoformat(), chain, now) if chain.entries else None


def _checkpoint(occasion: Occasion, about: str, chain: Chain, now: datetime) -> Checkpoint:
    if made := Checkpoint.objects.filter(occasion=occasion, about=about).first():
        return made
    newest = Checkpoint.objects.aggregate(newest=models.Max("number"))["newest"] or 0
    checkpoint = Checkpoint.objects.create(
        number=newest + 1,
        made_at=now,
        occasion=occasion,
        about=about,
        entries=chain.entries,
        entry=chain.last_number,
        hash=chain.last_hash,
    )
    digest = hashlib.sha256(checkpoint.content()).hexdigest()
    register(kind=Kind.CHECKPOINT, number=str(checkpoint.number), sha256=digest, issued_at=now)
    return checkpoint


def check_log(*, now: datetime, outside: Sequence[Mark] = ()) -> Check:
    """Verify the whole audit log, against all checkpoints and marks from `outside` the portal; keep what was found."""
    return _check(inspect_log(outside), now, whole=True)


def check_tail(*, now: datetime) -> Check:
    """Verify the audit log from its newest checkpoint on; keep what was found."""
    return _check(inspect_tail(), now, whole=False)


def _check(inspected: Inspected, now: datetime, *, whole: bool) -> Check:
    return Check.objects.create(
        at=now, whole=whole, entries=inspected.entries, found=[one.stored() for one in inspected.findings]
    )


def snapshot(row: models.Model, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return the recorded values of a row's columns (`names`, or all but the primary key); a related row by its name."""
    fields = [f for f in row._meta.concrete_fields if not f.primary_key and (names is None or f.name in names)]
    return {f.name: _recorded(getattr(row, f.name) if f.is_relation else f.value_from_object(row)) for f in fields}


def _recorded(value: Any) -> Any:
    if not isinstance(value, models.Model):
        return value
    # What is recorded is the same whoever wrote it; it is translated when it is shown.
    with translation.override("en"):
        return str(value)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return `{field: [before, after]}` for what differs; a field missing on one side is None there."""
    names = [*before, *(name for name in after if name not in before)]
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}
