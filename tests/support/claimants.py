"""Builders for a customer with a breached and closed month, and a claim with proof materials."""

from dataclasses import dataclass
from uuid import uuid4

from django.contrib.auth.models import User

from claims.models import Claim, Entry, Proof, Undoing
from claims.operations import confirm_undoing, decide, propose_undoing, receive_claim, recommend
from sla_portal.agreements.models import Contract, Payment
from sla_portal.audit.actors import Actor
from sla_portal.availability.operations import close_month
from sla_portal.availability.queries import closing_of
from sla_portal.customers.models import Contact, Customer
from sla_portal.kernel.months import ServiceMonth

from .builders import a_contract, a_customer, a_region, an_incident, an_outage, at, numbers, on
from .desk import a_member

SEPTEMBER = ServiceMonth(2026, 9)
OPEN = at("2026-10-20 08:00")
"""A moment at which claims for September 2026 are open."""
PORTAL = Actor.system("test")
DUE = {"answer_due_on": on("2026-10-27"), "decision_due_on": on("2026-11-17"), "due_on": on("2026-10-27")}
"""Of a claim received at that moment, five and twenty working days later."""


@dataclass
class Claimant:
    customer: Customer
    contact: Contact
    contract: Contract


def a_claimant(*, paid: str = "490.00", **contract) -> Claimant:
    """A customer with a year's contract of 2026, an address on record, and fees paid."""
    customer = a_customer(a_region())
    contact = Contact.objects.create(customer=customer, email=f"ops-{next(numbers)}@example.com", name="Ada Hafen")
    given = {"starts_on": "2026-01-01", "ends_on": "2026-12-31", **contract}
    made = a_contract(customer, given.pop("starts_on"), given.pop("ends_on"), **given)
    if paid:
        Payment.objects.create(contract=made, reference="P-1", paid_on=on("2026-01-05"), amount=paid)
    return Claimant(customer, contact, made)


def a_missed_september(start: str = "2026-09-10 01:00", end: str = "2026-09-10 01:37") -> None:
    """Everything was down in the region, by our fault, for 37 minutes unless said."""
    incident = an_incident(resolved_at=at(end), detected_at=at(start), attributable=True)
    an_outage(a_region(), start, end, incident=incident)


def close_september() -> None:
    if closing_of(SEPTEMBER) is None:
        close_month(actor=PORTAL, month=SEPTEMBER, now=at("2026-10-08 02:00"))


def a_claim(of: Claimant, *, proofs: int = 1, now=OPEN, source: str = "phone", closed: bool = True, **values) -> Claim:
    """A claim for September, which is closed before it unless said; with proof, taken by telephone."""
    if closed:
        close_september()
    given = {
        "month": SEPTEMBER, "times": [(at("2026-09-10 01:00"), at("2026-09-10 01:30"))], "functions": (), "clients": (),
        "description": "Nothing worked", "time_zone": "Europe/Berlin", "source": source, **values,
    }  # fmt: skip
    claim = receive_claim(
        actor=Actor.staff(a_member("Support", f"taker-{next(numbers)}")), contract=of.contract, contact=of.contact,
        now=now, **given,
    )  # fmt: skip
    for number in range(proofs):
        a_proof(claim=claim, sha256=f"{claim.pk:032}{number:032}")
    return claim


def a_proof(**values) -> Proof:
    given = {
        "name": "screen.png", "kind": "png", "size": 1, "sha256": "0" * 64, "scan": "not scanned", "added_at": OPEN,
        "added_by_name": "Ada Hafen", "file": "screen",
    }  # fmt: skip
    return Proof.objects.create(**{**given, **values})


def support(name: str = "") -> User:
    return a_member("Support", name or f"agent-{next(numbers)}")


def recommended(claim: Claim, by: User | None = None, *, outcome="grant", voucher_minutes=0, clause="3.3.2", now=OPEN):
    return recommend(
        actor=Actor.staff(by or support()), claim=claim, outcome=outcome, clause=clause, reason="As the record says",
        voucher_minutes=voucher_minutes, letter_subject="Your claim", letter_text="We looked at it.", now=now,
    )  # fmt: skip


def proposed_undoing(*entries: Entry, by: User | None = None, **values) -> Undoing:
    said = {"reason": "Wrong", "letter_subject": "Corrected", "letter_text": "We correct it.", "now": OPEN, **values}
    return propose_undoing(actor=Actor.staff(by or support()), entries=entries, **said)


def undone(*entries: Entry, reason: str = "Wrong", text: str = "We correct it.", now=OPEN) -> list[Entry]:
    """Propose and confirm reversals by two people."""
    undoing = proposed_undoing(*entries, reason=reason, letter_text=text, now=now)
    return confirm_undoing(actor=Actor.staff(support()), undoing=undoing, now=now)


def granted(claim: Claim, *, voucher_minutes: int = 0, now=OPEN):
    """Recommend and grant by two people; returns the compensation."""
    wanted = recommended(claim, voucher_minutes=voucher_minutes, now=now)
    made = decide(actor=Actor.staff(support()), claim=claim, recommendation=wanted.pk, key=uuid4(), now=now)
    return made.compensation
