"""Write the trail, and ask whether somebody may."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.utils.translation import gettext as _

from sla_portal.kernel.errors import Refused

from .actors import Actor
from .models import Chain, Entry
from .rules import GENESIS, link


class NotAllowed(Refused):
    """The actor's role does not have the right."""


def require(actor: Actor, permission: str) -> None:
    """Raise `NotAllowed` unless `actor` has `permission` (`incidents.add_incident`)."""
    if not actor.may(permission):
        raise NotAllowed(
            _("%(name)s does not have the required permission “%(right)s”.") % {"name": actor.name, "right": permission}
        )


@dataclass(frozen=True)
class Written:
    """A write to record: `action` is a verb in the past, `changes` maps a field to `[from, to]`."""

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
    """Add one entry to the trail, inside the caller's transaction; see `Written`."""
    return record_many(actor=actor, entries=[Written(action, subject, changes or {}, reason)], now=now)[0]


def record_many(*, actor: Actor, entries: Sequence[Written], now: datetime) -> list[Entry]:
    """Add entries to the trail in their order, inside the caller's transaction."""
    chain = lock_chain()
    added = []
    for written in entries:
        entry = Entry(
            at=now,
            actor=actor.user,
            actor_name=actor.name[:200],
            action=written.action,
            subject_type=written.subject._meta.label_lower,
            subject_id=str(written.subject.pk),
            subject=str(written.subject)[:300],
            changes=json.loads(json.dumps(written.changes, cls=DjangoJSONEncoder)),
            reason=written.reason,
            previous_hash=chain.last_hash,
        )
        entry.hash = chain.last_hash = link(entry.previous_hash, entry.content())
        added.append(entry)
    Entry.objects.bulk_create(added)
    chain.save(update_fields=["last_hash"])
    return added


def lock_chain() -> Chain:
    """Lock the trail, so that until the caller's transaction ends no other audited write can."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("An audit entry belongs in the transaction of the write it records.")
    chain, _created = Chain.objects.select_for_update().get_or_create(pk=1, defaults={"last_hash": GENESIS})
    return chain


def snapshot(row: models.Model, names: Iterable[str] | None = None) -> dict[str, Any]:
    """The values of a row's own columns (`names`, or all but the key) as they would be recorded; a related row by name."""
    fields = [f for f in row._meta.concrete_fields if not f.primary_key and (names is None or f.name in names)]
    return {f.name: _recorded(getattr(row, f.name) if f.is_relation else f.value_from_object(row)) for f in fields}


def _recorded(value: Any) -> Any:
    return str(value) if isinstance(value, models.Model) else value


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """`{field: [from, to]}` for what differs; a field that only one side has is `None` on the other."""
    names = [*before, *(name for name in after if name not in before)]
    return {name: [before.get(name), after.get(name)] for name in names if before.get(name) != after.get(name)}
