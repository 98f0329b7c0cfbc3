"""Write the audit log and check permissions."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from sla_portal.kernel.errors import Refused

from .actors import Actor
from .models import Chain, Entry
from .queries import entries_since
from .rules import GENESIS, link
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
    """The record has changed since the page was made; `entries` are what the page did not show, oldest first."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        last = next(entry for entry in reversed(entries) if entry.action not in NO_CHANGE)
        super().__init__(
            _("%(name)s changed “%(record)s” after this page was opened. Nothing was saved.")
            % {"name": last.actor_name, "record": last.subject}
        )
        self.entries = list(entries)


def check_unchanged(actor: Actor, *subjects: models.Model) -> None:
    """Raise `ChangedMeanwhile` if one of `subjects` has changed since the page was made from which `actor` acts.

    Call it with the rows locked, before other checks, and name every record on which the decision rests. `record` calls
    it for what is written. Who acts without a page is never refused.
    """
    if actor.seen is None:
        return
    entries = entries_since(actor.seen, *subjects)
    if any(entry.action not in NO_CHANGE for entry in entries):
        actor.seen.changed = ChangedMeanwhile(entries)
        raise actor.seen.changed


@dataclass(frozen=True)
class Written:
    """A write to record: `action` is a past-tense verb, `changes` maps a field to `[before, after]`."""

    action: str
    subject: models.Model
    changes: Mapping[str, Any]
    reason: str = ""


def record(
    *,
    actor: Actor,
    action: str,
    subject: models.Model,
    now: datetime,
    changes: Mapping[str, Any] | None = None,
    reason: str = "",
) -> Entry:
    """Add one entry to the audit log in the caller's transaction; see `Written`. Raises `ChangedMeanwhile`."""
    return record_many(actor=actor, entries=[Written(action, subject, changes or {}, reason)], now=now)[0]


def record_many(*, actor: Actor, entries: Sequence[Written], now: datetime) -> list[Entry]:
    """Add entries to the audit log in their order, in the caller's transaction. Raises `ChangedMeanwhile`."""
    chain = lock_chain()
    check_unchanged(actor, *(written.subject for written in entries if written.action not in ADDING))
    if actor.seen:
        adding = [written.subject for written in entries if written.action in ADDING]
        actor.seen.news += entries_since(actor.seen, *adding)
    added = []
    for written in entries:
        entry = Entry(
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
    chain.save(update_fields=["last_hash"])
    if actor.seen:
        actor.seen.own |= {entry.hash for entry in added}
    return added


def lock_chain() -> Chain:
    """Lock the audit log until the end of the caller's transaction; other audited writes wait."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit entry belongs in the transaction of the write it records.")
    chain, _created = Chain.objects.select_for_update().get_or_create(pk=1, defaults={"last_hash": GENESIS})
    return chain


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
