"""Take a stranger's application from the first word to the claim (3.3).

Until a code from the mailbox on record is typed, nothing says whether a contract or an address is on record: what a
stranger asks for is only noted, and a task looks it up and mails, so that page and time are the same either way.
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

from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Client, Contact, CoreFunction
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery, Kind
from sla_portal.notices.operations import give_notice
from sla_portal.notices.private import PRIVATE_CODE, code
from sla_portal.notices.wording import worded

from ..models import Application, Asked, Claim, Source, Try
from ..queries import window_of
from ..queries.applying import CONTRACT, hashed, named
from .proofs import remove_proof
from .receiving import receive_claim, send_link

log = logging.getLogger(__name__)

KEPT = timedelta(hours=24)
CODE_VALID = timedelta(minutes=30)
WRONG_CODES = 5
MAILS_AN_HOUR = 3
"""Codes for one application, codes to one contact, and links for one claim."""
AN_HOUR = timedelta(hours=1)
LINKS_AT_ONCE = 12
"""A year of claims."""

FORM = Actor.system("claim form")

Answers = Mapping[str, Sequence[str]]
"""What was typed at one step: each field with its texts."""


class TooManyTries(Refused):
    """Somebody did something more often within an hour than a person has reason to."""


class AlreadySent(Refused):
    """The application has become a claim."""


class WrongCode(Refused):
    """Not the newest code of this application, or too old; whether one was mailed at all is not said."""


class NotConfirmed(Refused):
    """Nobody has typed the code yet."""


def count_try(what: str, whose: str, most: int, now: datetime) -> None:
    """Note that somebody does something; raises `TooManyTries` after `most` within an hour."""
    of = salted_hmac(f"{__name__}.{what}", whose, algorithm="sha256").hexdigest()
    if Try.objects.filter(whose=of, at__gt=now - AN_HOUR).count() >= most:
        raise TooManyTries(_("Too many attempts within an hour. Try again later."))
    Try.objects.create(whose=of, at=now)


def start_application(*, language: str, answers: Mapping[str, Answers], now: datetime) -> str:
    """Start an application; return the key for its address, which stands nowhere on record."""
    key = token_urlsafe(24)
    Application.objects.create(
        key_hash=hashed(key), language=language, answers=_plain(answers), started_at=now, expires_at=now + KEPT
    )
    return key


def save_answers(*, application: Application, step: str, answers: Answers) -> None:
    """Keep what was typed at a step. Another contract or address has to be confirmed anew. Raises `AlreadySent`."""
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
    """Have a code mailed to the address named, if it is on record for the contract named.

    Raises `TooManyTries`, `AlreadySent`.
    """
    with transaction.atomic():
        locked = _locked(application)
        count_try("code", str(locked.pk), MAILS_AN_HOUR, now)
        locked.asked = Asked.CODE
        locked.wrong_codes = 0
        locked.answers |= {"code": {"asked_at": [now.isoformat()]}}
        locked.save()


def ask_for_links(*, language: str, answers: Answers, now: datetime) -> None:
    """Have new links mailed to the address named, to its claims under the contract named, if there are any."""
    Application.objects.create(
        key_hash=hashed(token_urlsafe(24)),
        language=language,
        answers=_plain({CONTRACT: answers}),
        asked=Asked.LINKS,
        started_at=now,
        expires_at=now + KEPT,
    )


def mail_what_is_asked(*, now: datetime) -> int:
    """Mail the codes and links asked for to those on record; return for how many applications that was done."""
    wanted = Application.objects.exclude(asked="").filter(expires_at__gt=now).order_by("pk")
    return sum(_mail_one(pk, now) for pk in list(wanted.values_list("pk", flat=True)))


def _mail_one(pk: int, now: datetime) -> bool:
    """Mail what one application asks for. Where that fails it stays noted, to be tried until the application expires."""
    try:
        return _mailed(pk, now)
    except Exception:
        # Whatever is wrong with this one, those behind it are others' mail.
        log.exception("What application %s asks for could not be mailed", pk)
        return False


def _mailed(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        application = Application.objects.select_for_update(skip_locked=True).exclude(asked="").filter(pk=pk).first()
        if application is None:
            return False
        asked, application.asked = application.asked, ""
        application.save(update_fields=["asked"])
        if asked == Asked.CODE:
            _mail_code(application, now)
        else:
            _mail_links(application, now)
    return True


def _mail_code(application: Application, now: datetime) -> None:
    found = named(application)
    if found is None:
        return
    contact, contract = found
    # Locked, so that of two applications at the same moment the second sees the first one's mail.
    Contact.objects.select_for_update(no_key=True).get(pk=contact.pk)
    mailed = Delivery.objects.filter(contact=contact, notice__kind=Kind.CODE, notice__given_at__gt=now - AN_HOUR)
    if mailed.count() >= MAILS_AN_HOUR:
        return
    words = {"code": PRIVATE_CODE, "contract": contract, "minutes": int(CODE_VALID.total_seconds() / 60)}
    notice = give_notice(
        actor=FORM,
        kind=Kind.CODE,
        about=contract.reference,
        wordings=worded("claims/emails/code", words),
        audience=Contact.objects.filter(pk=contact.pk),
        public=False,
        now=now,
    )
    application.code_hash = _code_hash(application, code(notice.deliveries.get()))
    application.code_sent_at = now
    application.contact, application.contract = contact, contract
    application.save()


def _mail_links(application: Application, now: datetime) -> None:
    found = named(application)
    if found is None:
        return
    contact, contract = found
    claims = Claim.objects.filter(Q(contact=contact) | Q(email__iexact=contact.email), contract=contract).order_by(
        "-received_at"
    )[:LINKS_AT_ONCE]
    # All of them before the trail, which the first letter takes: the desk may be sending a link to the last of them.
    list(Claim.objects.select_for_update().filter(pk__in=[claim.pk for claim in claims]).order_by("pk"))
    for claim in claims:
        if claim.links.filter(created_at__gt=now - AN_HOUR).count() < MAILS_AN_HOUR:
            send_link(actor=FORM, claim=claim, now=now)


def confirm_code(*, application: Application, typed: str, now: datetime) -> None:
    """Confirm that whoever fills in the form reads the mailbox on record.

    Raises `WrongCode`, and `TooManyTries` after five wrong ones until another code is asked for.
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
        raise WrongCode(
            _(
                "This is not the code from the latest e-mail, or the code is older than 30 minutes. "
                "Check the e-mail again, or request a new code."
            )
        )


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
    """Make a confirmed application a claim; sent twice, it is the same claim.

    Raises `NotConfirmed`, and whatever `receive_claim` refuses.
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
        # Outside of any transaction: it is refused, and the record of the attempt stays.
        return receive(application)
    with transaction.atomic():
        locked = Application.objects.select_for_update().get(pk=application.pk)
        if locked.claim is None:
            locked.claim = receive(locked)
            locked.answers = {}
            locked.save()
    return locked.claim


def purge_applications(*, now: datetime) -> int:
    """Forget applications that have expired, with their files, and tries that count no more; return how many."""
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
    """Whoever holds a private link or a confirmed code: by name of the address, without a right of the desk."""
    return Actor.system(f"claimant {email}")


def _locked(application: Application) -> Application:
    locked = Application.objects.select_for_update().get(pk=application.pk)
    if locked.claim_id:
        raise AlreadySent(_("This application has already been submitted."))
    return locked


def _code_hash(application: Application, digits: str) -> str:
    return salted_hmac(f"{__name__}.code", f"{application.pk}:{digits}", algorithm="sha256").hexdigest()


def _plain(answers: Mapping[str, Answers]) -> dict[str, dict[str, list[str]]]:
    """As JSON: without NUL, which PostgreSQL does not keep."""
    return {
        step: {name: [text.replace("\0", "") for text in texts] for name, texts in fields.items()}
        for step, fields in answers.items()
    }
