"""Sign, extend and suspend contracts, and record payments."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import Period, difference, record, require, snapshot
from sla_portal.customers.models import Customer
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import days_span, local_date

from ..models import Contract, Payment, Suspension
from ..queries import record_of_contract, renewal_of
from ..rules import ContractRecord, days_changed, extended_to, shortest_period_ends_on
from .money import check_currency, check_decimals
from .publishing import notify_of_pending


class ContractTooShort(Refused):
    """A contract lasts at least one month (1.2)."""

    field = "ends_on"


class ReferenceTaken(Refused):
    """Another contract, or another payment of the contract, already has the reference."""

    field = "reference"


class DaysOutsideContract(Refused):
    """The days lie outside the contract, or end before they start."""


class SuspensionsOverlap(Refused):
    """The service was suspended on one of the days already."""


class ContractOver(Refused):
    """The contract has ended, or would end in the past."""


class ContractRenewed(Refused):
    """Another period renews the contract, so its end stands."""


def sign_contract(
    *,
    actor: Actor,
    customer: Customer,
    reference: str,
    starts_on: date,
    ends_on: date,
    monthly_charge: Decimal,
    currency: str,
    now: datetime,
    trial_days: int = 0,
    reason: str = "",
) -> Contract:
    """Put a contract of at least one month on record (1.2); one that begins in a closed month needs a `reason`.

    Its customer is notified of amendments that are announced and not yet in force (5.2).
    """
    require(actor, "agreements.add_contract")
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=customer.pk)
        return sign(
            actor,
            Contract(
                customer=customer,
                reference=reference,
                starts_on=starts_on,
                ends_on=ends_on,
                monthly_charge=monthly_charge,
                currency=currency,
                trial_days=trial_days,
            ),
            reason,
            now,
        )


def sign(actor: Actor, contract: Contract, reason: str, now: datetime) -> Contract:
    """Put a new contract period on record, in the caller's transaction."""
    if contract.ends_on < (earliest := shortest_period_ends_on(contract.starts_on)):
        raise ContractTooShort(
            _("A contract lasts at least one month: if it starts on %(start)s, it ends on %(end)s or later.")
            % {"start": contract.starts_on, "end": earliest}
        )
    check_currency(contract.currency, contract.starts_on)
    check_decimals(contract.monthly_charge, contract.currency)
    if Contract.objects.filter(reference=contract.reference).exists():
        raise ReferenceTaken(_("Contract %(reference)s already exists.") % {"reference": contract.reference})
    contract.save(force_insert=True)
    record(
        actor=actor,
        action="signed",
        subject=contract,
        changes=difference({}, snapshot(contract)),
        reason=reason,
        touching=time_changed(None, record_of_contract(contract)),
        now=now,
    )
    notify_of_pending(contract=contract, now=now)
    return contract


def time_changed(was: ContractRecord | None, becomes: ContractRecord | None) -> list[Period]:
    """Return the time whose service or worth differs between two records of a contract."""
    return [
        (instant(start), instant(end))
        for first, last in days_changed(was, becomes)
        for start, end in [days_span(first, last, settings.SLA_ZONE)]
    ]


def record_payment(
    *, actor: Actor, contract: Contract, reference: str, paid_on: date, amount: Decimal, now: datetime
) -> Payment:
    """Add a payment on a contract; a repayment is a negative payment."""
    require(actor, "agreements.add_payment")
    check_decimals(amount, contract.currency)
    with transaction.atomic():
        contract = locked(contract)
        if contract.payments.filter(reference=reference).exists():
            raise ReferenceTaken(_("The contract already has a payment %(reference)s.") % {"reference": reference})
        payment = contract.payments.create(reference=reference, paid_on=paid_on, amount=amount)
        record(
            actor=actor,
            action="recorded a payment on",
            subject=contract,
            changes={"payment": [None, snapshot(payment)]},
            now=now,
        )
    return payment


def suspend_contract(
    *, actor: Actor, contract: Contract, starts_on: date, ends_on: date, reason: str, now: datetime
) -> Suspension:
    """Record days, both included, on which the service was suspended for non-payment (4.7)."""
    require(actor, "agreements.add_suspension")
    with transaction.atomic():
        contract = locked(contract)
        if not contract.starts_on <= starts_on <= ends_on <= contract.last_day:
            raise DaysOutsideContract(
                _(
                    "A suspension must lie within the contract's service days, %(start)s to %(end)s, and its first "
                    "day must not be after its last."
                )
                % {"start": contract.starts_on, "end": contract.last_day}
            )
        if contract.suspensions.filter(starts_on__lte=ends_on, ends_on__gte=starts_on).exists():
            raise SuspensionsOverlap(_("The service is already suspended on one of these days."))
        was = record_of_contract(contract)
        suspension = contract.suspensions.create(starts_on=starts_on, ends_on=ends_on)
        record(
            actor=actor,
            action="suspended",
            subject=contract,
            changes={"suspension": [None, [starts_on, ends_on]]},
            reason=reason,
            touching=time_changed(was, record_of_contract(contract)),
            now=now,
        )
    return suspension


def extend_contract(*, actor: Actor, contract: Contract, minutes: int, reason: str, now: datetime) -> None:
    """Move a contract's end by `minutes` of service granted as compensation (3.2); negative minutes reverse an extension.

    Only a contract that is still in force is extended, so that no service day arises in the past, and only the last of its
    periods. Raises `ContractOver` and `ContractRenewed`.
    """
    require(actor, "agreements.extend_contract")
    with transaction.atomic():
        contract = locked(contract)
        today = local_date(epoch(now), settings.SLA_ZONE)
        total = contract.extended_minutes + minutes
        until = extended_to(contract.ends_on, total) if total else None
        if contract.terminated_on or contract.last_day < today or (until or contract.ends_on) < today:
            raise ContractOver(
                _("Contract %(contract)s has ended, or its end would move into the past. It cannot be extended.")
                % {"contract": contract}
            )
        if renewal := renewal_of(contract):
            raise ContractRenewed(
                _("%(renewal)s renews contract %(contract)s from %(day)s, so its end stands.")
                % {"renewal": renewal, "contract": contract, "day": renewal.starts_on.isoformat()}
            )
        changes = difference(
            {"extended_minutes": contract.extended_minutes, "extended_to": contract.extended_to},
            {"extended_minutes": total, "extended_to": until},
        )
        contract.extended_minutes, contract.extended_to = total, until
        contract.save(update_fields=["extended_minutes", "extended_to"])
        record(actor=actor, action="extended", subject=contract, changes=changes, reason=reason, now=now)


def locked(contract: Contract) -> Contract:
    """Lock a contract in the caller's transaction."""
    return Contract.objects.select_for_update().get(pk=contract.pk)
