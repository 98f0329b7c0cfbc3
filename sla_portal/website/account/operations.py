"""Sign a contact in to the customer account: a code and a link by e-mail, then a session of its own; no password.

No answer reveals whether an address is on record: a request is only stored, and a task looks the address up, so that page
and response time are the same either way. Codes, links and cookies are stored as hashes.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from django.db import transaction
from django.db.models import F
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _

from claims.operations.applying import TooManyTries, count_try
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record
from sla_portal.customers.models import AccountSession, Contact, Customer, SignInCode
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Kind
from sla_portal.notices.operations import give_notice
from sla_portal.notices.private import PRIVATE_CODE, code, private_link, token
from sla_portal.notices.wording import worded

log = logging.getLogger(__name__)

CODE_VALID = timedelta(minutes=15)
SESSION_VALID = timedelta(hours=12)
CODE_KEPT = timedelta(days=1)
"""How long a request is kept after it expired, so that its page and link say so."""
WRONG_CODES = 5
FROM_ONE_PLACE, FOR_ONE_ADDRESS, ALTOGETHER = 20, 5, 600
"""Requests an hour: from one network address, for one e-mail address, and of everyone."""
ABOUT = "account"
"""What the notices that carry codes are about."""
PORTAL = Actor.system("customer account")


class AlreadyUsed(Refused):
    """The code or link was used, has expired, or its contact is not on record any more."""


class WrongCode(Refused):
    """Not the code that was mailed; does not reveal whether one was."""


def hashed(secret: str) -> str:
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def ask_to_sign_in(*, email: str, visitor: str, now: datetime) -> str:
    """Store a request for a code; return the key of the page on which it is typed. Raises `TooManyTries`."""
    count_try("sign-in from", visitor, FROM_ONE_PLACE, now)
    count_try("sign-in for", email.lower(), FOR_ONE_ADDRESS, now)
    count_try("sign-in", "", ALTOGETHER, now)
    key = token_urlsafe(24)
    SignInCode.objects.create(key_hash=hashed(key), email=email, asked_at=now, expires_at=now + CODE_VALID)
    return key


def mail_codes(*, now: datetime) -> int:
    """Mail the requested codes to addresses on record; return the number of processed requests."""
    waiting = SignInCode.objects.filter(looked_up_at__isnull=True, expires_at__gt=now).order_by("pk")
    return sum(_mail_one(pk, now) for pk in list(waiting.values_list("pk", flat=True)))


def _mail_one(pk: int, now: datetime) -> bool:
    try:
        return _mailed(pk, now)
    except Exception:
        # An error in one request must not stop the others; it is tried again until the request expires.
        log.exception("The code of sign-in request %s could not be queued", pk)
        return False


def _mailed(pk: int, now: datetime) -> bool:
    with transaction.atomic():
        waiting = SignInCode.objects.select_for_update(skip_locked=True).filter(looked_up_at__isnull=True)
        request = waiting.filter(pk=pk).first()
        if request is None:
            return False
        request.looked_up_at = now
        request.contact = Contact.objects.filter(email__iexact=request.email).order_by("pk").first()
        if request.contact:
            words = {
                "code": PRIVATE_CODE,
                "link": private_link("/account/link/"),
                "minutes": int(CODE_VALID.total_seconds() // 60),
            }
            notice = give_notice(
                actor=PORTAL,
                kind=Kind.CODE,
                about=ABOUT,
                wordings=worded("website/emails/sign_in", words),
                audience=Contact.objects.filter(pk=request.contact.pk),
                public=False,
                now=now,
            )
            delivery = notice.deliveries.select_related("notice").get()
            request.code_hash, request.link_hash = _code_hash(request, code(delivery)), hashed(token(delivery))
        request.save()
    return True


def check_code(*, request: SignInCode, typed: str, now: datetime) -> None:
    """Compare a typed code with the one that was mailed. Raises `WrongCode`, and `TooManyTries` after five wrong codes."""
    with transaction.atomic():
        locked = SignInCode.objects.select_for_update().get(pk=request.pk)
        if locked.wrong_codes >= WRONG_CODES:
            raise TooManyTries(_("Five wrong codes were entered. Request a new code."))
        right = constant_time_compare(locked.code_hash, _code_hash(locked, typed)) and now < locked.expires_at
        if not right:
            SignInCode.objects.filter(pk=locked.pk).update(wrong_codes=F("wrong_codes") + 1)
    if not right:
        raise WrongCode(
            _(
                "This is not the code from the latest e-mail, or the code is older than 15 minutes. "
                "Check the e-mail again, or request a new code."
            )
        )


def sign_in(*, request: SignInCode, now: datetime) -> str:
    """Use a code or link, once, and start a session; return the value of its cookie. Raises `AlreadyUsed`."""
    with transaction.atomic():
        contact = request.contact
        if contact is None or contact.email.lower() != request.email.lower() or not _take(request, now):
            raise AlreadyUsed(_("This code was already used, or has expired. Request a new one."))
        cookie = token_urlsafe(32)
        AccountSession.objects.create(
            token_hash=hashed(cookie),
            contact=contact,
            email=contact.email,
            started_at=now,
            expires_at=now + SESSION_VALID,
        )
        record(actor=account_holder(contact.email), action="signed in", subject=contact, now=now)
    return cookie


def _take(request: SignInCode, now: datetime) -> bool:
    """Mark a code as used; of two at the same moment one succeeds."""
    unused = SignInCode.objects.filter(pk=request.pk, used_at__isnull=True, expires_at__gt=now)
    return bool(unused.update(used_at=now))


def end_session(*, session: AccountSession) -> None:
    """Sign out."""
    AccountSession.objects.filter(pk=session.pk).delete()


def record_export(*, session: AccountSession, customer: Customer, now: datetime) -> None:
    """Record in the audit log that a contact downloaded the data of a customer."""
    with transaction.atomic():
        record(actor=account_holder(session.email), action="downloaded the data of", subject=customer, now=now)


def forget_sign_ins(*, now: datetime) -> None:
    """Delete expired sessions, and requests a day after they expired."""
    AccountSession.objects.filter(expires_at__lte=now).delete()
    SignInCode.objects.filter(expires_at__lte=now - CODE_KEPT).delete()


def account_holder(email: str) -> Actor:
    """Return the actor for a contact in the customer account, named by e-mail address."""
    return Actor.system(f"contact {email}")


def _code_hash(request: SignInCode, digits: str) -> str:
    return salted_hmac(f"{__name__}.code", f"{request.pk}:{digits}", algorithm="sha256").hexdigest()
