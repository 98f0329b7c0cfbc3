"""Find applications and claims by the unguessable keys in addresses; the database stores only hashes of keys."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from hashlib import sha256

from django.db.models import QuerySet

from sla_portal.agreements.models import Contract
from sla_portal.agreements.queries import contracts_in_force
from sla_portal.customers.models import Contact, Customer, Right
from sla_portal.customers.queries import acting_for, contacts_of_customer
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Delivery, Kind
from sla_portal.notices.models import Status as Mail
from sla_portal.notices.private import delivery_of, token
from sla_portal.notices.private import token as token_of

from ..models import Application, Claim, ClaimLink
from ..models.applying import OPEN, Status

CONTRACT = "contract"
"""The step with the entries `reference` and `email`."""


def hashed(key: str) -> str:
    return sha256(key.encode("utf-8", "replace")).hexdigest()


def application_behind(key: str) -> Application | None:
    """Return the application with this key, also if it has expired and is not purged yet."""
    return Application.objects.select_related("contact", "contract", "claim").filter(key_hash=hashed(key)).first()


def link_behind(token: str) -> ClaimLink | None:
    """Return the link with this token, with its claim; also if it has expired or was revoked.

    After the correction of a wrong address, the token of the original e-mail is invalid; the token of the corrected
    e-mail leads to the link of the e-mail that it replaces.
    """
    delivery = delivery_of(token)
    if delivery is None:
        return None
    wrong = [token_of(replaced) for replaced in delivery.replaces.select_related("notice")]
    links = ClaimLink.objects.select_related("claim__contract__customer", "claim__contact")
    return links.filter(token_hash__in=map(hashed, [token, *wrong])).first()


def newest_token(claim: Claim, now: datetime) -> str | None:
    """Return the token of the newest valid link that was sent for a claim; None without one."""
    mailed = Delivery.objects.select_related("notice").filter(notice__kind=Kind.CLAIM, notice__about=claim.number)
    sent = mailed.exclude(status=Mail.CORRECTED).prefetch_related("replaces__notice").order_by("-id")[:20]
    by_token = {hashed(token(one)): token(mail) for mail in sent for one in (mail, *mail.replaces.all())}
    valid = claim.links.filter(token_hash__in=by_token, revoked_at__isnull=True, expires_at__gt=now)
    led = set(valid.values_list("token_hash", flat=True))
    return next((own for hash_, own in by_token.items() if hash_ in led), None)


def contact_and_contract(application: Application) -> tuple[Contact, Contract] | None:
    """Return the entered contact and contract; None unless both are on record for one customer or its installer."""
    answers = application.answers.get(CONTRACT, {})
    reference, email = ("".join(answers.get(name, [])[:1]).strip() for name in ("reference", "email"))
    if not reference or not email:
        return None
    for contract in Contract.objects.filter(reference__iexact=reference).select_related("customer").order_by("pk"):
        if contact := contact_with_address(contract, email):
            return contact, contract
    return None


def contact_with_address(contract: Contract, email: str) -> Contact | None:
    """Return the contact of a contract's customer with this address: its own, or else its installer's."""
    return contacts_of_customer(contract.customer).filter(email__iexact=email).first()


def contacts_who_may_claim(customers: Iterable[Customer]) -> dict[int, list[Contact]]:
    """Return the contacts of each customer who may claim for it: those marked, or all where none is; in one query."""
    customers = list(customers)
    owners = {one.pk for one in customers} | {one.installer_id for one in customers if one.installer_id}
    contacts = list(Contact.objects.filter(customer__in=owners).order_by("email", "pk"))
    found = {}
    for one in customers:
        theirs = [contact for contact in contacts if contact.customer_id in (one.pk, one.installer_id)]
        found[one.pk] = [contact for contact in theirs if contact.may_claim] or theirs
    return found


def may_claim(contract: Contract, email: str) -> bool:
    """Whether the holder of an address may claim compensation for a contract."""
    return acting_for(Customer.objects.filter(pk=contract.customer_id), email, Right.CLAIM).exists()


def contracts_to_claim_for(email: str, month: ServiceMonth) -> QuerySet[Contract]:
    """Return the contracts with a service day in a month for which the holder of an address may claim, by customer."""
    customers = acting_for(Customer.objects.all(), email, Right.CLAIM).order_by().values("pk")
    found = contracts_in_force(month.first_day, month.last_day).filter(customer__in=customers)
    return found.select_related("customer").order_by("customer__code", "reference")


def existing_claim(application: Application, month: date) -> Claim | None:
    """Return the open or granted claim for the contract and month of a confirmed application, or the credit without one."""
    claims = Claim.objects.told().filter(contract=application.contract_id, month=month)
    return claims.filter(status__in=[*OPEN, Status.GRANTED]).first()
