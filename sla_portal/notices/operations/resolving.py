"""Resolve undelivered mail: confirm, resend, correct the address, or record a letter."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, record, require
from sla_portal.kernel.errors import Refused

from ..mail.message import Unwritable, envelope_address
from ..models import OPEN, Delivery, Status

LONGEST_ADDRESS = 254
"""Characters, RFC 5321, 4.5.3.1.3, without the angle brackets."""


class NotOpen(Refused):
    """The delivery is not undelivered mail."""


class NotAnAddress(Refused):
    """An invalid address, or the same address."""


class NotALetter(Refused):
    """A letter needs a reference and a date between its notice and today."""


def confirm_delivery(*, actor: Actor, delivery: Delivery, reason: str, now: datetime) -> None:
    """Mark an unknown or bounced e-mail as delivered, with a reason."""
    among = (Status.UNKNOWN, Status.BOUNCED)
    with _decision(delivery, actor, "confirmed", reason, now, among=among) as (locked, _changes):
        if locked.status == Status.UNKNOWN or locked.sent_at is None:
            locked.sent_at = locked.handed_over_at or now
        locked.status = Status.SENT


def send_again(*, actor: Actor, delivery: Delivery, reason: str, now: datetime) -> None:
    """Queue an e-mail again with new attempts; its Message-ID stays the same."""
    with _decision(delivery, actor, "sent again", reason, now) as (locked, _changes):
        _queue(locked, now)


def reached_by_letter(
    *, actor: Actor, delivery: Delivery, letter_on: date, reference: str, reason: str, now: datetime
) -> None:
    """Record that the recipient was notified by letter: its date and reference."""
    if not reference.strip():
        raise NotALetter(_("Enter the reference of the letter."))
    given_on, today = (at.astimezone(settings.SLA_ZONE).date() for at in (delivery.notice.given_at, now))
    if not given_on <= letter_on <= today:
        raise NotALetter(_("The date of the letter must be between the date of the notice and today."))
    with _decision(delivery, actor, "told by letter", reason, now) as (locked, changes):
        locked.status = Status.LETTER
        locked.letter_on, locked.letter_reference = letter_on, reference.strip()[:100]
        changes["letter"] = [None, f"{letter_on} {locked.letter_reference}"]


def correct_address(*, actor: Actor, delivery: Delivery, email: str, reason: str, now: datetime) -> Delivery:
    """Send the e-mail to the correct address and correct the customer's contact; return the replacing delivery.

    The old delivery stays on record and its personal link stops working. If the notice already goes to the correct
    address, that delivery is the replacement.
    """
    email = email.strip()
    _check_address(email, delivery.email)
    with _decision(delivery, actor, "corrected", reason, now) as (locked, changes):
        there = locked.notice.deliveries.select_for_update().filter(email__iexact=email, site=locked.site_id).first()
        if there is None:
            there = Delivery(
                notice=locked.notice, contact=locked.contact, site=locked.site, email=email, name=locked.name,
                language=locked.language, urgency=locked.urgency, next_attempt_at=now,
            )  # fmt: skip
            there.save()
            for one in locked.customers.all():
                there.customers.create(customer_id=one.customer_id, named=one.named)
        elif there.status == Status.CORRECTED:
            # It had been replaced, and is now correct again.
            there.replacement, there.resolved_at, there.resolved_by = None, now, actor.name[:200]
            _queue(there, now)
            there.save()
        locked.status, locked.replacement = Status.CORRECTED, there
        changes["email"] = [locked.email, email]
        _correct_contact(locked, email, actor, reason, now)
    return there


def _queue(delivery: Delivery, now: datetime) -> None:
    delivery.status = Status.PENDING
    delivery.attempts = 0
    delivery.next_attempt_at = now
    delivery.handed_over_at = None


def _check_address(email: str, wrong: str) -> None:
    try:
        validate_email(email)
        MaxLengthValidator(LONGEST_ADDRESS)(email)
        envelope_address(email)
    except (ValidationError, Unwritable):
        raise NotAnAddress(_("“%(address)s” is not an e-mail address.") % {"address": email}) from None
    if email.lower() == wrong.lower():
        raise NotAnAddress(_("This is the same address. Use Send again, or enter another address."))


def _correct_contact(delivery: Delivery, email: str, actor: Actor, reason: str, now: datetime) -> None:
    """Correct the contact if it still has the wrong address and the customer does not have the correct one."""
    contact = delivery.contact
    if contact is None or contact.email.lower() != delivery.email.lower():
        return
    if contact.customer.contacts.filter(email__iexact=email).exclude(pk=contact.pk).exists():
        return
    changes, contact.email = {"email": [contact.email, email]}, email
    contact.save(update_fields=["email"])
    record(actor=actor, action="corrected", subject=contact, now=now, changes=changes, reason=reason)


@contextmanager
def _decision(
    delivery: Delivery,
    actor: Actor,
    action: str,
    reason: str,
    now: datetime,
    *,
    among: tuple[Status, ...] = OPEN,
) -> Iterator[tuple[Delivery, dict[str, Any]]]:
    require(actor, "notices.resolve_delivery")
    with transaction.atomic():
        locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
        check_unchanged(actor, locked)
        if locked.status not in among:
            raise NotOpen(
                _("The e-mail to %(address)s is %(status)s. There is nothing to resolve.")
                % {"address": locked.email, "status": locked.get_status_display()}
            )
        before, changes = locked.status, dict[str, Any]()
        yield locked, changes
        # Revoke the lease of a worker that may still hold it.
        locked.lease = None
        locked.resolved_at, locked.resolved_by = now, actor.name[:200]
        locked.save()
        changes = {"status": [before, locked.status]} | changes
        record(actor=actor, action=action, subject=locked, now=now, changes=changes, reason=reason)
