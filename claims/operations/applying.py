"""Take an application from the first entry to the claim (3.3).

Until the code from the e-mail is entered, no response reveals whether a contract or address is on record: a request for
an e-mail is only stored, and a task looks it up and sends it, so that page and response time are the same either way.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_urlsafe

from django.db import transaction
from django.db.models import Q
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from sla_portal.agreements.models import Contract
from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Client, Contact, CoreFunction, Right
from sla_portal.customers.queries import marked_contacts
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery, Kind
from sla_portal.notices.operations import give_notice
from sla_portal.notices.private import PRIVATE_CODE, code
from sla_portal.notices.wording import worded

from ..models import Application, Asked, Claim, RefusedApplication, Source, Try
from ..queries import window_of
from ..queries.applying import (
    CONTRACT,
    contact_and_contract,
    contact_with_address,
    contracts_to_claim_for,
    hashed,
    may_claim,
)
from .proofs import remove_proof
from .receiving import receive_claim, record_late_attempt, send_link

log = logging.getLogger(__name__)

SAVED_FOR = timedelta(hours=24)
CODE_VALID = timedelta(minutes=30)
WRONG_CODES = 5
MAILS_AN_HOUR = 3
"""Limit per hour: codes per application, codes per contact, and links per claim."""
AN_HOUR = timedelta(hours=1)
LINKS_AT_ONCE = 12
"""A year of claims."""

FORM = Actor.system("claim form")

Answers = Mapping[str, Sequence[str]]
"""The entries of one step: field name to texts."""


class TooManyTries(Refused):
    """An hourly limit is reached."""


class AlreadySent(Refused):
    """The application has become a claim."""


class WrongCode(Refused):
    """Not the newest code of this application, or expired; does not reveal whether a code was sent."""


class NotConfirmed(Refused):
    """The e-mail address is not confirmed yet."""


class NoSuchContract(Refused):
    """The holder of the confirmed address may not claim for the contract and month."""


def count_try(what: str, whose: str, most: int, now: datetime) -> int:
    """Count an attempt and return how many are left; raise `TooManyTries` after `most` within an hour."""
    left = tries_left(what, whose, most, now)
    if not left:
        raise TooManyTries(_("Too many attempts within an hour. Try again later."))
    Try.objects.create(whose=_whose(what, whose), at=now)
    return left - 1


def tries_left(what: str, whose: str, most: int, now: datetime) -> int:
    """Return how many attempts of `most` are left within the hour."""
    return max(most - Try.objects.filter(whose=_whose(what, whose), at__gt=now - AN_HOUR).count(), 0)


def codes_left(application: Application, now: datetime) -> int:
    """Return how many more codes can be requested for an application within the hour."""
    return tries_left("code", str(application.pk), MAILS_AN_HOUR, now)


def _whose(what: str, whose: str) -> str:
    return salted_hmac(f"{__name__}.{what}", whose, algorithm="sha256").hexdigest()


def start_application(*, language: str, answers: Mapping[str, Answers], now: datetime) -> str:
    """Start an application; return the key for its address, of which only the hash is stored."""
    key = token_urlsafe(24)
    Application.objects.create(
        key_hash=hashed(key), language=language, answers=_plain(answers), started_at=now, expires_at=now + SAVED_FOR
    )
    return key


def start_confirmed_application(
    *, contract: Contract, contact: Contact, month: ServiceMonth, language: str, confirmed_at: datetime, now: datetime
) -> str:
    """Start an application of a contact whose address was confirmed by signing in; return the key for its address.

    Raises `NoSuchContract`.
    """
    if not may_claim(contract, contact.email) or not contact_with_address(contract, contact.email):
        raise NoSuchContract(_("Choose a contract from the list."))
    key = token_urlsafe(24)
    Application.objects.create(
        key_hash=hashed(key),
        language=language,
        answers=_plain(
            {CONTRACT: {"reference": [contract.reference], "email": [contact.email], "month": [str(month)]}}
        ),
        contact=contact,
        contract=contract,
        confirmed_at=confirmed_at,
        started_at=now,
        expires_at=now + SAVED_FOR,
    )
    return key


def save_answers(*, application: Application, step: str, answers: Answers) -> None:
    """Save the entries of a step; a changed contract or address must be confirmed again. Raises `AlreadySent`."""
    with transaction.atomic():
        locked = _locked(application)
        before = locked.answers.get(step, {})
        locked.answers |= _plain({step: answers})
        after = locked.answers[step]
        if step == CONTRACT and any(before.get(name) != after.get(name) for name in ("reference", "email")):
            locked.contact = locked.contract = locked.confirmed_at = locked.code_sent_at = None
            locked.code_hash = ""
        locked.save()


def ask_for_code(*, application: Application, now: datetime) -> None:
    """Request a code to the entered address, sent only if it is on record for the entered contract.

    Raises `TooManyTries`, `AlreadySent`.
    """
    with transaction.atomic():
        locked = _locked(application)
        count_try("code", str(locked.pk), MAILS_AN_HOUR, now)
        locked.asked = Asked.CODE
        locked.wrong_codes = 0
        locked.answers |= {"code": {"asked_at": [now.isoformat()]}}
        locked.save()


def note_late(*, application: Application, month: ServiceMonth, now: datetime) -> None:
    """Request that an attempt for a month whose claim period has ended is recorded, once for each month (3.3.1).

    It is recorded only if the entered contract and address are on record. Raises `AlreadySent`.
    """
    with transaction.atomic():
        locked = _locked(application)
        late = locked.answers.get(Asked.LATE, {})
        if str(month) in late:
            return
        locked.asked = Asked.LATE
        locked.answers |= _plain({Asked.LATE: {**late, str(month): [now.isoformat()]}})
        locked.save()


def ask_for_links(*, language: str, answers: Answers, now: datetime) -> None:
    """Request new links to the claims of the entered address and contract, if there are any."""
    Application.objects.create(
        key_hash=hashed(token_urlsafe(24)),
        language=language,
        answers=_plain({CONTRACT: answers}),
        asked=Asked.LINKS,
        started_at=now,
        expires_at=now + SAVED_FOR,
    )


def mail_requested(*, now: datetime) -> int:
    """Send the requested codes and links to addresses on record, and record late attempts of these.

    Returns the number of processed applications.
    """
    wanted = Application.objects.exclude(asked="").filter(expires_at__gt=now).order_by("pk")
    return sum(_mail_one(pk, now) for pk in list(wanted.values_list("pk", flat=True)))


def _mail_one(pk: int, now: datetime) -> bool:
    """Process the request of one application; on an error it is retried until the application expires."""
    try:
        return _mailed(pk, now)
    except Exception:
        # An error in one application must not stop the others.
        log.exception("The e-mail requested by application %s could not be queued", pk)
        return False


def _mailed(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        application = Application.objects.select_for_update(skip_locked=True).exclude(asked="").filter(pk=pk).first()
        if application is None:
            return False
        asked, application.asked = application.asked, ""
        application.save(update_fields=["asked"])
        {Asked.CODE: _mail_code, Asked.LINKS: _mail_links, Asked.LATE: _record_late}[Asked(asked)](application, now)
    return True


def _record_late(application: Application, now: datetime) -> None:
    """Record the newest late attempt; nobody has confirmed the address yet, so only so many of them an hour."""
    found = contact_and_contract(application)
    if found is None:
        return
    contact, contract = found
    text, said = list(application.answers[Asked.LATE].items())[-1]
    month, at = ServiceMonth.parse(text), datetime.fromisoformat(said[0])
    # Locked, so that of two concurrent applications the second counts the attempt of the first.
    Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
    lately = RefusedApplication.objects.filter(contract=contract, email=contact.email, at__gt=now - AN_HOUR)
    if lately.count() < MAILS_AN_HOUR:
        record_late_attempt(
            actor=FORM,
            contract=contract,
            month=month,
            contact=contact,
            source=Source.FORM,
            confirmed=False,
            at=at,
            now=now,
        )


def _mail_code(application: Application, now: datetime) -> None:
    found = contact_and_contract(application)
    if found is None:
        return
    contact, contract = found
    # Locked, so that of two concurrent applications the second counts the e-mail of the first.
    Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
    mailed = Delivery.objects.filter(contact=contact, notice__kind=Kind.CODE, notice__given_at__gt=now - AN_HOUR)
    if mailed.count() >= MAILS_AN_HOUR:
        return
    may = may_claim(contract, contact.email)
    words = {
        "code": PRIVATE_CODE if may else "",
        "contract": contract,
        "minutes": int(CODE_VALID.total_seconds() / 60),
        "authorised": ", ".join(one.email for one in marked_contacts(contract.customer, Right.CLAIM)),
    }
    notice = give_notice(
        actor=FORM,
        kind=Kind.CODE,
        about=contract.reference,
        wordings=worded("claims/emails/code", words),
        audience=Contact.objects.filter(pk=contact.pk),
        public=False,
        now=now,
    )
    if not may:
        return
    application.code_hash = _code_hash(application, code(notice.deliveries.get()))
    application.code_sent_at = now
    application.contact, application.contract = contact, contract
    application.save()


def _mail_links(application: Application, now: datetime) -> None:
    found = contact_and_contract(application)
    if found is None:
        return
    contact, contract = found
    claims = Claim.objects.filter(Q(contact=contact) | Q(email__iexact=contact.email), contract=contract).order_by(
        "-received_at"
    )[:LINKS_AT_ONCE]
    # Lock all claims before the audit log, which the first e-mail locks: staff may be sending a link to one of them.
    list(Claim.objects.select_for_update().filter(pk__in=[claim.pk for claim in claims]).order_by("pk"))
    for claim in claims:
        if claim.links.filter(created_at__gt=now - AN_HOUR).count() < MAILS_AN_HOUR:
            send_link(actor=FORM, claim=claim, now=now)


def confirm_code(*, application: Application, typed: str, now: datetime) -> None:
    """Confirm the e-mail address with the code.

    Raises `WrongCode` with the number of tries left, and `TooManyTries` after five wrong codes until a new one is requested.
    """
    with transaction.atomic():
        locked = _locked(application)
        if locked.wrong_codes >= WRONG_CODES:
            raise TooManyTries(_("Five wrong codes were entered. Request a new code."))
        fresh = locked.code_sent_at is not None and now < locked.code_sent_at + CODE_VALID
        right = constant_time_compare(locked.code_hash, _code_hash(locked, typed)) and fresh
        if right:
            locked.confirmed_at = now
        else:
            locked.wrong_codes += 1
        locked.save()
    if not right:
        wrong = _("This is not the code from the latest e-mail, or the code is older than 30 minutes.")
        left = WRONG_CODES - locked.wrong_codes
        next_step = (
            ngettext(
                "Check the e-mail again, or request a new code. %(count)s try is left for this code.",
                "Check the e-mail again, or request a new code. %(count)s tries are left for this code.",
                left,
            )
            % {"count": left}
            if left
            else _("No tries are left for this code. Request a new code.")
        )
        raise WrongCode(f"{wrong} {next_step}")


def choose_contract(*, application: Application, reference: str, month: ServiceMonth) -> None:
    """Claim for another contract of the confirmed address, such as one of another site of an installer.

    Raises `AlreadySent`, `NotConfirmed` and `NoSuchContract`.
    """
    with transaction.atomic():
        locked = _locked(application)
        if not locked.confirmed_at or not locked.contact:
            raise NotConfirmed(_("The e-mail address is not confirmed yet."))
        email = locked.contact.email
        contract = contracts_to_claim_for(email, month).filter(reference=reference).first()
        contact = contact_with_address(contract, email) if contract else None
        if contract is None or contact is None:
            raise NoSuchContract(_("Choose a contract from the list."))
        locked.contract, locked.contact = contract, contact
        locked.answers[CONTRACT] = locked.answers.get(CONTRACT, {}) | {"reference": [contract.reference]}
        locked.save()


def submit_application(
    *,
    application: Application,
    month: ServiceMonth,
    times: Sequence[tuple[datetime, datetime]],
    time_zone: str,
    functions: Sequence[CoreFunction],
    clients: Sequence[Client],
    description: str,
    now: datetime,
) -> Claim:
    """Turn a confirmed application into a claim; submitted twice, it returns the same claim.

    Raises `NotConfirmed` and the refusals of `receive_claim`.
    """

    def receive(confirmed: Application) -> Claim:
        if not confirmed.confirmed_at or not confirmed.contact or not confirmed.contract:
            raise NotConfirmed(
                _("The e-mail address is not confirmed yet. Enter the code from the e-mail, then submit the claim.")
            )
        return receive_claim(
            actor=claimant(confirmed.contact.email),
            contract=confirmed.contract,
            month=month,
            contact=confirmed.contact,
            times=times,
            functions=functions,
            clients=clients,
            description=description,
            time_zone=time_zone,
            source=Source.FORM,
            proofs=list(confirmed.proofs.all()),
            now=now,
        )

    if now >= window_of(month).closes_at:
        # Outside a transaction: it is refused, and the recorded attempt must be kept.
        return receive(application)
    with transaction.atomic():
        locked = Application.objects.select_for_update().get(pk=application.pk)
        if locked.claim is None:
            locked.claim = receive(locked)
            locked.answers = {}
            locked.save()
    return locked.claim


def purge_applications(*, now: datetime) -> int:
    """Delete expired applications with their files, and expired attempts; return the number of applications."""
    Try.objects.filter(at__lte=now - AN_HOUR).delete()
    expired = Application.objects.filter(expires_at__lte=now)
    return sum(_purge(pk, now) for pk in list(expired.values_list("pk", flat=True)))


def _purge(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        application = Application.objects.select_for_update(skip_locked=True).filter(pk=pk).first()
        if application is None:
            return False
        for proof in application.proofs.all():
            remove_proof(actor=FORM, proof=proof, now=now)
        application.delete()
    return True


def claimant(email: str) -> Actor:
    """Return the actor for the holder of a personal link or confirmed code, named by e-mail address."""
    return Actor.system(f"claimant {email}")


def _locked(application: Application) -> Application:
    locked = Application.objects.select_for_update().get(pk=application.pk)
    if locked.claim_id:
        raise AlreadySent(_("This application has already been submitted."))
    return locked


def _code_hash(application: Application, digits: str) -> str:
    return salted_hmac(f"{__name__}.code", f"{application.pk}:{digits}", algorithm="sha256").hexdigest()


def _plain(answers: Mapping[str, Answers]) -> dict[str, dict[str, list[str]]]:
    """Convert to JSON without NUL, which PostgreSQL does not store."""
    return {
        step: {name: [text.replace("\0", "") for text in texts] for name, texts in fields.items()}
        for step, fields in answers.items()
    }
