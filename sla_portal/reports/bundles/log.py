"""The audit log entries of a bundle, the checkpoints at them, and the newest checkpoint, which covers the manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import CharField, Model, Q, QuerySet
from django.db.models.functions import Cast

from sla_portal.audit.models import Checkpoint, Entry
from sla_portal.audit.rules import canonical
from sla_portal.kernel.instants import instant_text

from .archive import CHUNK, Archive

MANIFEST, CHECKPOINT, NEWEST_ENTRY = "SHA256SUMS", "checkpoint.json", "checkpoint-entry.txt"


@dataclass(frozen=True)
class Noted:
    """The entry of the audit log that states the SHA-256 of a manifest, and the checkpoint at it."""

    entry: Entry
    checkpoint: Checkpoint


def about(rows: QuerySet[Any]) -> Q:
    """Select the entries about any of `rows`."""
    keys = rows.order_by().values_list(Cast("pk", CharField()))
    return Q(subject_type=rows.model._meta.label_lower, subject_id__in=keys)


def about_each(rows: Iterable[Model]) -> Q:
    """Select the entries about any of `rows`, of whatever kind."""
    keys: dict[str, list[str]] = {}
    for row in rows:
        keys.setdefault(row._meta.label_lower, []).append(str(row.pk))
    found = Q(pk__in=[])
    for kind, of_kind in keys.items():
        found |= Q(subject_type=kind, subject_id__in=of_kind)
    return found


def add_audit_log(archive: Archive, selected: Q) -> None:
    """Add the selected entries in their order, and every checkpoint that names one of them."""
    entries = Entry.objects.filter(selected)
    with archive.open("audit.jsonl") as log:
        for entry in entries.order_by("pk").iterator(chunk_size=CHUNK):
            log.write(f"{_line(entry)}\n".encode())
    at_them = Checkpoint.objects.filter(entry__in=entries.order_by().values("pk")).order_by("number")
    archive.add_json("checkpoints.json", [_stored(one) for one in at_them])


def add_newest_checkpoint(archive: Archive, noted: Noted) -> None:
    """Add the checkpoint whose entry states the manifest, with what its hash covers, byte for byte."""
    entry = noted.entry
    published = f"{settings.SITE_URL}/checkpoints/"
    where = {
        "published": f"{published}#checkpoint-{noted.checkpoint.number}",
        "feed": f"{settings.SITE_URL}/feeds/checkpoints.atom",
    }
    archive.add_json(CHECKPOINT, _stored(noted.checkpoint) | where)
    archive.add(NEWEST_ENTRY, f"{entry.previous_hash}\n{canonical(entry.content())}".encode())


def _line(entry: Entry) -> str:
    line = {
        "id": entry.pk,
        "content": entry.content(),
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }
    return json.dumps(line, ensure_ascii=False)


def _stored(one: Checkpoint) -> dict[str, Any]:
    return {
        "number": one.number,
        "made_at": instant_text(one.made_at),
        "entries": one.entries,
        "entry": one.entry,
        "hash": one.hash,
    }
