"""Write and approve register entries."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, difference, record, require, snapshot
from sla_portal.kernel.errors import Refused

from ..models import TERM_FIELDS, Clause, RegisterEntry
from .refusals import NotAcceptable, check_second_person, cleaned

APPROVAL = ("approved_by", "approved_by_name", "approved_at")
TEXTS = (
    "clause",
    "matter",
    "term",
    "question",
    "question_zh",
    "answer",
    "answer_zh",
    "why",
    "why_zh",
    "proposed_wording",
    "proposed_wording_zh",
)


class ApprovedAlready(Refused):
    """The entry is already approved."""


def write_entry(*, actor: Actor, now: datetime, entry: RegisterEntry | None = None, **texts: Any) -> RegisterEntry:
    """Add an entry, or change the `texts` named of one (`TEXTS`): it is then pending approval. Raises `NotAcceptable`."""
    require(actor, "agreements.write_registerentry")
    with transaction.atomic():
        row = RegisterEntry.objects.select_for_update().get(pk=entry.pk) if entry else RegisterEntry()
        if entry:
            check_unchanged(actor, row)
        errors = {name: [_("There is no such text.")] for name in texts if name not in TEXTS}
        texts = {name: text for name, text in texts.items() if name in TEXTS}
        if entry is None:
            texts = {"clause": "", "question": "", "answer": "", "why": ""} | texts
        values = cleaned(row, texts, errors)
        if "clause" in values and not Clause.objects.filter(number=values["clause"]).exists():
            errors["clause"] = [_("No version has a clause %(number)s.") % {"number": values["clause"]}]
        if values.get("term") and values["term"] not in TERM_FIELDS:
            errors["term"] = [_("There is no such term.")]
        if errors:
            raise NotAcceptable(errors)
        before = snapshot(row, (*TEXTS, "approved_by_name")) if entry else {}
        changed = difference(before, before | values) if entry else values
        if not changed:
            return row
        for name, value in {**values, "written_by": actor.user, "written_at": now}.items():
            setattr(row, name, value)
        row.approved_by, row.approved_by_name, row.approved_at = None, "", None
        row.save()
        changes = difference(before, snapshot(row, (*TEXTS, "approved_by_name")))
        record(actor=actor, action="changed" if entry else "added", subject=row, changes=changes, now=now)
    return row


def approve_entry(*, actor: Actor, entry: RegisterEntry, now: datetime) -> None:
    """Approve an entry that another person wrote."""
    require(actor, "agreements.approve_registerentry")
    with transaction.atomic():
        row = RegisterEntry.objects.select_for_update().get(pk=entry.pk)
        check_unchanged(actor, row)
        if row.approved_at:
            raise ApprovedAlready(_("The entry was already approved by %(name)s.") % {"name": row.approved_by_name})
        check_second_person(actor, row.written_by, _("You wrote this entry. Another person must approve it."))
        row.approved_by, row.approved_by_name, row.approved_at = actor.user, actor.name[:200], now
        row.save(update_fields=APPROVAL)
        record(actor=actor, action="approved", subject=row, changes={"approved_by": [None, actor.name]}, now=now)
    entry.refresh_from_db()
