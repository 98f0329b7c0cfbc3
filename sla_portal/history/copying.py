"""Make a restored database a staging copy: nothing of the original is good on it any more."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection, models, transaction

from claims.models import Application, Claim, ClaimLink, RefusedApplication
from sla_portal.agreements.models import Answer, Reinstatement
from sla_portal.audit.actors import Actor
from sla_portal.audit.guards import may_lift_guards, unguarded
from sla_portal.audit.operations import lock_chain, record
from sla_portal.customers.models import AccountSession, Contact, Customer, SignInCode
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Bounce, Delivery, UnmatchedReport
from sla_portal.notices.operations import hold_queued
from sla_portal.operator.models import StagingCopy
from sla_portal.operator.rules import STAGING
from sla_portal.reports.models import Bundle

CHUNK = 1000
MASKED: tuple[tuple[type[models.Model], str, str], ...] = (
    (Customer, "name", "Customer"),
    (Contact, "name", "Contact"),
    (Contact, "email", ""),
    (Delivery, "name", "Contact"),
    (Delivery, "email", ""),
    (Bounce, "recipient", ""),
    (Claim, "email", ""),
    (RefusedApplication, "email", ""),
    (Bundle, "email", ""),
    (Answer, "by_name", "Contact"),
    (Answer, "email", ""),
    (Reinstatement, "consent_by", "Contact"),
)
"""Columns that hold the name or address of a customer or contact, with the word before a masked name; addresses have none."""


class NotStaging(Refused):
    """The installation is not a staging copy."""


class NotTheOwner(Refused):
    """The role of the database connection may not change what is frozen."""


def make_staging_copy(*, actor: Actor, mask: bool, now: datetime) -> dict[str, int]:
    """End what the original handed out, hold its e-mails, mask customers where asked; return how much of each.

    Personal links, codes and sessions end with the key, which is another in a staging copy; what is stored as a plain hash
    is ended here: claim forms that are not submitted, and the links to claims. Raises `NotStaging` and `NotTheOwner`.
    """
    if settings.SITE_ROLE != STAGING:
        raise NotStaging("SITE_ROLE is not staging: this could be the real database.")
    tables = [model._meta.db_table for model in dict.fromkeys(model for model, _field, _word in MASKED)]
    if mask and not may_lift_guards(connection, tables):
        raise NotTheOwner(
            "The role of DATABASE_URL may not change what is frozen. Run this as the owner of the tables, as `migrate` "
            "(docs/operations.md)."
        )
    with transaction.atomic():
        lock_chain()
        done = {
            "sessions ended": Session.objects.all().delete()[0] + _end_account_sessions(),
            "links revoked": ClaimLink.objects.filter(revoked_at__isnull=True).update(revoked_at=now),
            "claim forms ended": _end_forms(),
            "e-mails held": hold_queued(),
        }
        if mask:
            with unguarded(connection, tables):
                done["addresses masked"] = _mask()
        copy = StagingCopy.objects.create(made_at=now, masked=mask)
        changes = {name: [None, count] for name, count in done.items()} | {"masked": [None, mask]}
        record(actor=actor, action="made a staging copy", subject=copy, now=now, changes=changes)
    return done


def _end_account_sessions() -> int:
    SignInCode.objects.all().delete()
    return AccountSession.objects.all().delete()[0]


def _end_forms() -> int:
    """Give each claim form a key that nobody has; it expires as any other."""
    forms = list(Application.objects.only("pk"))
    for form in forms:
        form.key_hash = secrets.token_hex(32)
    Application.objects.bulk_update(forms, ["key_hash"], batch_size=CHUNK)
    return len(forms)


def _mask() -> int:
    """Replace names and addresses, an address everywhere by the same; nobody keeps the key by which that is done."""
    key = secrets.token_bytes(32)
    masked = sum(_rewrite(model, field, word, key) for model, field, word in MASKED)
    Application.objects.update(answers={})
    # Replies and reports of mail servers name the address in words.
    Delivery.objects.exclude(last_error="").update(last_error="")
    Bounce.objects.exclude(said="").update(said="")
    UnmatchedReport.objects.all().delete()
    return masked


def _rewrite(model: type[models.Model], field: str, word: str, key: bytes) -> int:
    rows: Sequence[Any]
    last, written = 0, 0
    given = model._base_manager.exclude(**{field: ""}).exclude(**{field: None})
    while rows := list(given.filter(pk__gt=last).order_by("pk").only("pk", field)[:CHUNK]):
        for row in rows:
            digest = hmac.new(key, getattr(row, field).strip().lower().encode(), "sha256").hexdigest()[:12]
            setattr(row, field, f"{word} {digest}" if word else f"{digest}@example.invalid")
        model._base_manager.bulk_update(rows, [field])
        last, written = rows[-1].pk, written + len(rows)
    return written
