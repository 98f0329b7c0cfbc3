"""Notify a claimant by e-mail, with a personal link to the claim."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from claims import emails
from claims.models import Claim, ClaimLink, Letter
from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Contact
from sla_portal.customers.queries import contacts_of_customer
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Kind, Notice
from sla_portal.notices.operations import give_notice
from sla_portal.notices.private import token
from sla_portal.notices.wording import File, Words

LINK_VALID = timedelta(days=180)


class NobodyToNotify(Refused):
    """The customer has no contact on record."""


def notify(actor: Actor, claim: Claim, step: str, now: datetime, **context: Any) -> None:
    """Queue the e-mail about a step of a claim, inside the caller's transaction."""
    send(actor, claim, emails.step_email(claim, step, context), now)


def send_letter(actor: Actor, claim: Claim, letter: Sequence[Words], now: datetime, files: Sequence[File] = ()) -> None:
    """Queue a letter, which is printed as well, inside the caller's transaction."""
    notice = send(actor, claim, letter, now, files)
    Letter.objects.create(claim=claim, notice=notice, language=emails.language_of(claim))


def send(actor: Actor, claim: Claim, words: Sequence[Words], now: datetime, files: Sequence[File] = ()) -> Notice:
    """Queue an e-mail to the claimant or, if that contact was deleted, to all contacts of the customer and its installer."""
    everyone = contacts_of_customer(claim.contract.customer)
    notice = give_notice(
        actor=actor,
        kind=Kind.CLAIM,
        about=claim.number,
        wordings=words,
        audience=Contact.objects.filter(pk=claim.contact_id) if claim.contact_id else everyone,
        public=False,
        attachments=files,
        now=now,
    )
    ClaimLink.objects.bulk_create(
        ClaimLink(claim=claim, token_hash=token_hash(token(delivery)), created_at=now, expires_at=now + LINK_VALID)
        for delivery in notice.deliveries.select_related("notice")
    )
    return notice


def require_addressee(claim: Claim) -> None:
    """Raise `NobodyToNotify` if the customer has no contact."""
    if claim.contact_id is None and not contacts_of_customer(claim.contract.customer).exists():
        raise NobodyToNotify(
            _("This customer has no contact on record, so no e-mail can be sent. Add a contact first.")
        )


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
