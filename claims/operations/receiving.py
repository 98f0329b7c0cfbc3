"""Receive claims, submit early ones when their claim period opens, and withdraw them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from claims.emails import clocks
from sla_portal.agreements.models import Contract
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, lock_chain, record, require
from sla_portal.clocks import format_instant
from sla_portal.customers.models import Client, Contact, CoreFunction, Right
from sla_portal.customers.queries import marked_contacts
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch, merged
from sla_portal.kernel.months import ServiceMonth

from ..models import Claim, ClaimLink, Proof, RefusedApplication, Source, Status
from ..models.applying import OPEN
from ..queries import contract_days, window_of
from ..queries.applying import may_claim
from .due import start_clock, stop_clock
from .notifying import notify, require_addressee

log = logging.getLogger(__name__)

MOST_TIMES = 100


class TooLate(Refused):
    """The claim period of the month is closed (3.3.1)."""

    field = "month"


class NotUnderContract(Refused):
    """The contract has no service day in the month (1.2)."""

    field = "month"


class AlreadyClaimed(Refused):
    """A claim for the contract and month is open or granted."""

    field = "month"

    claim: Claim


class TimesOutsideMonth(Refused):
    """A claimed outage is not within the month, or not over yet."""


class ProofMissing(Refused):
    """A claim by web form needs proof materials (3.3.2)."""


class TicketNumberMissing(Refused):
    """A claim by ticket needs the ticket number."""

    field = "ticket_number"


class ContactOfAnother(Refused):
    """The contact is not one of the contract's customer or its installer."""

    field = "contact"


class NotAuthorisedToClaim(Refused):
    """Contacts of the customer are marked as authorised, and this is none of them."""

    field = "contact"


class NotToldYet(Refused):
    """A credit without a claim that is not granted: the customer hears of it by the decision alone."""


class ClaimNotOpen(Refused):
    """The claim is decided or withdrawn."""

    field = "month"


def receive_claim(
    *,
    actor: Actor,
    contract: Contract,
    month: ServiceMonth,
    contact: Contact,
    times: Sequence[tuple[datetime, datetime]],
    functions: Iterable[CoreFunction],
    clients: Iterable[Client],
    description: str,
    time_zone: str,
    source: str,
    now: datetime,
    ticket_number: str = "",
    proofs: Sequence[Proof] = (),
) -> Claim:
    """Receive a claim for one contract and month (3); an early one is submitted when the claim period opens.

    `proofs` are moved from the application to the claim. A late claim is refused and the attempt recorded in a separate
    transaction: call this outside a transaction.
    """
    if source != Source.FORM:
        require(actor, "claims.enter_claim")
    _check(contract, month, contact, times, source, ticket_number, proofs, now)
    window = window_of(month)
    if now >= window.closes_at:
        with transaction.atomic(durable=True):
            record_late_attempt(
                actor=actor,
                contract=contract,
                month=month,
                contact=contact,
                source=source,
                confirmed=True,
                at=now,
                now=now,
            )
        raise TooLate(
            _("The claim period for this month closed on %(closed)s (clause 3.3.1). This claim cannot be accepted.")
            % {"closed": format_instant(window.closes_at, settings.SLA_ZONE)}
        )
    early = now < window.opens_at
    with transaction.atomic():
        # Lock rows before the audit log, as everywhere, to avoid deadlocks; claims before contracts, as `decide` does.
        proposed = list(credits_proposed(contract, month).select_for_update())
        Contract.objects.select_for_update().get(pk=contract.pk)
        for credit in proposed:
            reason = _("The customer claimed the month.")
            credit.recommended_by = None
            stop_clock(credit)
            change_status(actor, credit, Status.WITHDRAWN, "withdrew", reason, now)
        refuse_second(contract, month)
        lock_chain()
        claim = Claim(
            number=next_number(now),
            contract=contract,
            region_id=contract.customer.region_id,
            month=month.first_day,
            contact=contact,
            email=contact.email,
            time_zone=time_zone,
            description=description,
            source=source,
            ticket_number=ticket_number,
            received_at=now,
            entered_by=actor.user,
            status=Status.HELD if early else Status.SUBMITTED,
            told_opens_at=window.opens_at if early else None,
        )
        start_clock(claim, max(now, window.opens_at))
        claim.save(force_insert=True)
        claim.functions.set(functions)
        claim.clients.set(clients)
        for starts_at, ends_at in times:
            claim.times.create(starts_at=starts_at, ends_at=ends_at)
        for proof in proofs:
            proof.application, proof.claim = None, claim
            proof.save(update_fields=["application", "claim"])
        record(
            actor=actor,
            action="received",
            subject=claim,
            now=now,
            changes={
                "contract": [None, contract.reference],
                "month": [None, str(month)],
                "email": [None, contact.email],
                "source": [None, source],
                "times": [None, [list(time) for time in times]],
                "proofs": [None, [proof.sha256 for proof in proofs]],
            },
        )
        notify(
            actor,
            claim,
            "held" if early else "received",
            now,
            opens_at=clocks(window.opens_at, time_zone),
            proofs=len(proofs),
        )
    return claim


def notify_moved_openings(*, now: datetime) -> int:
    """Notify the claimants of early claims whose opening date has changed; return their number. Idempotent."""
    notified = 0
    for month in _held_months():
        opens_at = window_of(ServiceMonth.of(month)).opens_at
        held = Claim.objects.filter(status=Status.HELD, month=month).exclude(told_opens_at=opens_at)
        notified += sum(_notify_moved_opening(pk, opens_at, now) for pk in list(held.values_list("pk", flat=True)))
    return notified


def _notify_moved_opening(pk: int, opens_at: datetime, now: datetime) -> bool:
    actor = Actor.system("calendar")
    with transaction.atomic():
        claim = Claim.objects.select_for_update().get(pk=pk)
        before = claim.told_opens_at
        if claim.status != Status.HELD or before == opens_at:
            return False
        claim.told_opens_at = opens_at
        start_clock(claim, opens_at)
        claim.save(update_fields=["told_opens_at", "answer_due_on", "decision_due_on", "due_on"])
        record(actor=actor, action="moved", subject=claim, now=now, changes={"told_opens_at": [before, opens_at]})
        notify(actor, claim, "moved", now, opens_at=clocks(opens_at, claim.time_zone))
    return True


def _held_months() -> list[date]:
    return list(Claim.objects.filter(status=Status.HELD).order_by().values_list("month", flat=True).distinct())


def submit_held_claims(*, now: datetime) -> int:
    """Submit the early claims whose claim period has opened (3.3.1) and notify their claimants; return their number.

    Idempotent.
    """
    open_by_now = [month for month in _held_months() if window_of(ServiceMonth.of(month)).opens_at <= now]
    due = Claim.objects.filter(status=Status.HELD, month__in=open_by_now)
    return sum(_submit(pk, now) for pk in list(due.values_list("pk", flat=True)))


def _submit(pk: int, now: datetime) -> bool:
    """Submit one claim; on an error it keeps its status and is retried by the next run."""
    try:
        return _submitted(pk, now)
    except Exception:
        # An error in one claim must not stop the others.
        log.exception("Claim %s could not be submitted", pk)
        return False


def _submitted(pk: int, now: datetime) -> bool:
    actor = Actor.system("calendar")
    with transaction.atomic():
        if not Claim.objects.filter(pk=pk, status=Status.HELD).update(status=Status.SUBMITTED):
            return False
        claim = Claim.objects.get(pk=pk)
        record(
            actor=actor,
            action="submitted",
            subject=claim,
            now=now,
            changes={"status": [Status.HELD, Status.SUBMITTED]},
        )
        notify(actor, claim, "submitted", now)
    return True


def withdraw_claim(*, actor: Actor, claim: Claim, reason: str, now: datetime) -> None:
    """Withdraw a claim before it is decided; a new one is possible while the claim period is open."""
    require(actor, "claims.review_claim")
    with transaction.atomic():
        locked = locked_claim(actor, claim, *OPEN)
        locked.recommended_by = None
        stop_clock(locked)
        change_status(actor, locked, Status.WITHDRAWN, "withdrew", reason, now)
        if locked.is_credit:
            # The customer was not told of it.
            return
        closes_at = clocks(window_of(locked.service_month).closes_at, locked.time_zone)
        notify(actor, locked, "withdrawn", now, reason=reason, closes_at=closes_at)


def send_link(*, actor: Actor, claim: Claim, now: datetime) -> None:
    """Send the claimant a new personal link and revoke the earlier ones. Raises `NobodyToNotify` and `NotToldYet`."""
    require_addressee(claim)
    if claim.is_credit and not claim.compensations.exists():
        raise NotToldYet(_("The customer has not been told of this credit. The link comes with the decision."))
    with transaction.atomic():
        revoke_links(actor=actor, claim=claim, now=now)
        notify(actor, claim, "link", now)


def revoke_links(*, actor: Actor, claim: Claim, now: datetime) -> None:
    """Revoke all links to the claim."""
    require(actor, "claims.review_claim")
    with transaction.atomic():
        # Lock the claim before its links: of two concurrent new links the later revokes the earlier.
        Claim.objects.select_for_update().get(pk=claim.pk)
        revoked = ClaimLink.objects.filter(claim=claim, revoked_at__isnull=True).update(revoked_at=now)
        record(actor=actor, action="revoked the links of", subject=claim, now=now, changes={"links": [revoked, 0]})


def locked_claim(actor: Actor, claim: Claim, *expected: Status) -> Claim:
    """Lock a claim that has not changed since `actor` saw it; raise `ClaimNotOpen` unless its status is `expected`."""
    locked = Claim.objects.select_for_update().get(pk=claim.pk)
    check_unchanged(actor, locked)
    if locked.status not in expected:
        raise ClaimNotOpen(
            _("The status of this claim is now “%(status)s”. Reload the page and check it.")
            % {"status": locked.get_status_display()}
        )
    return locked


def change_status(actor: Actor, claim: Claim, status: Status, action: str, reason: str, now: datetime) -> None:
    """Change the status of a locked claim and record it in the audit log."""
    before, claim.status = claim.status, status
    claim.save()
    record(actor=actor, action=action, subject=claim, now=now, changes={"status": [before, status]}, reason=reason)


def _check(
    contract: Contract,
    month: ServiceMonth,
    contact: Contact,
    times: Sequence[tuple[datetime, datetime]],
    source: str,
    ticket_number: str,
    proofs: Sequence[Proof],
    now: datetime,
) -> None:
    if contact.customer_id not in (contract.customer_id, contract.customer.installer_id):
        raise ContactOfAnother(_("This e-mail address is not on record for the contract. Choose one that is."))
    if source == Source.FORM and not may_claim(contract, contact.email):
        raise NotAuthorisedToClaim(
            _("For this customer only authorised contacts may claim compensation: %(contacts)s.")
            % {"contacts": ", ".join(one.email for one in marked_contacts(contract.customer, Right.CLAIM))}
        )
    if source == Source.TICKET and not ticket_number.strip():
        raise TicketNumberMissing(_("Enter the ticket number."))
    if not contract_days(contract, month).count:
        raise NotUnderContract(
            _(
                "Contract %(contract)s runs from %(first)s to %(last)s and has no service day in this month (clause 1.2)."
            )
            % {"contract": contract, "first": contract.starts_on, "last": contract.last_day}
        )
    if source == Source.FORM and not proofs:
        raise ProofMissing(_("Attach at least one file that shows the outage (clause 3.3.2)."))
    _check_times(month, times, now)


def _check_times(month: ServiceMonth, times: Sequence[tuple[datetime, datetime]], now: datetime) -> None:
    if not 0 < len(times) <= MOST_TIMES:
        raise TimesOutsideMonth(_("Enter at least one outage and at most %(most)d.") % {"most": MOST_TIMES})
    start, end = month.span(settings.SLA_ZONE)
    for starts_at, ends_at in times:
        if ends_at <= starts_at:
            raise TimesOutsideMonth(_("An outage ends before it starts. Enter an end after the start."))
        if not (start <= epoch(starts_at) and epoch(ends_at) <= end) or ends_at > now:
            raise TimesOutsideMonth(
                _("The outage from %(start)s to %(end)s is not within this month, or is not over yet.")
                % {
                    "start": format_instant(starts_at, settings.SLA_ZONE),
                    "end": format_instant(ends_at, settings.SLA_ZONE),
                }
            )
    spans = [(epoch(starts_at), epoch(ends_at)) for starts_at, ends_at in times]
    if sum(end - start for start, end in spans) > sum(end - start for start, end in merged(spans)):
        raise TimesOutsideMonth(_("Two outages overlap. Enter each period once."))


def record_late_attempt(
    *,
    actor: Actor,
    contract: Contract,
    month: ServiceMonth,
    contact: Contact,
    source: str,
    confirmed: bool,
    at: datetime,
    now: datetime,
) -> RefusedApplication:
    """Record an application that came `at` after the claim period, in the caller's transaction (3.3.1).

    `confirmed`: the address was shown to be the applicant's, or staff took the application.
    """
    closes_at = window_of(month).closes_at
    attempt = RefusedApplication.objects.create(
        contract=contract,
        month=month.first_day,
        email=contact.email,
        at=at,
        closed_at=closes_at,
        source=source,
        confirmed=confirmed,
    )
    changes = {"email": [None, contact.email], "closed_at": [None, closes_at], "confirmed": [None, confirmed]}
    record(actor=actor, action="refused as too late", subject=attempt, now=now, changes=changes)
    return attempt


def credits_proposed(contract: Contract, month: ServiceMonth) -> QuerySet[Claim]:
    """Return the proposed credit without a claim of a contract and month: a claim takes its place."""
    return Claim.objects.filter(contract=contract, month=month.first_day, source=Source.CREDIT, status__in=OPEN)


def refuse_second(contract: Contract, month: ServiceMonth) -> None:
    """Raise `AlreadyClaimed` if a claim for the contract and month is open or granted, or it is credited without one."""
    existing = Claim.objects.filter(
        contract=contract, month=month.first_day, status__in=[*OPEN, Status.GRANTED]
    ).first()
    if existing:
        sentence = (
            _("This contract and month is already credited without a claim (%(number)s).")
            if existing.is_credit
            else _(
                "Claim %(number)s for this contract and month is already open or granted. "
                "Only one claim per contract and month is possible."
            )
        )
        refused = AlreadyClaimed(sentence % {"number": existing.number})
        refused.claim = existing
        raise refused


def next_number(now: datetime) -> str:
    """Return the next number of the year; the lock on the audit log makes it unique."""
    prefix = f"C-{now:%Y}-"
    last = Claim.objects.filter(number__startswith=prefix).order_by("-id").values_list("number", flat=True).first()
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:04}"
