"""Sign, extend, suspend and terminate contracts, and record payments."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import difference, record, require, snapshot
from sla_portal.customers.models import Customer
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date

from ..models import Contract, Payment, Suspension
from ..rules import extended_to, shortest_period_ends_on
from .publishing import notify_of_pending


class ContractTooShort(Refused):
    """A contract lasts at least one month (1.2)."""


class ReferenceTaken(Refused):
    """Another contract, or another payment of the contract, already has the reference."""


class DaysOutsideContract(Refused):
    """The days lie outside the contract, or end before they start."""


class SuspensionsOverlap(Refused):
    """The service was suspended on one of the days already."""


class ContractTerminated(Refused):
    """The contract was terminated already."""


class ContractOver(Refused):
    """The contract has ended, or would end in the past."""


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
) -> Contract:
    """Put a contract period of at least one month on record (1.2); a renewal is a new one.

    Its customer is notified of amendments that are announced and not yet in force (5.2).
    """
    require(actor, "agreements.add_contract")
    if ends_on < (earliest := shortest_period_ends_on(starts_on)):
        raise ContractTooShort(
            _("A contract lasts at least one month: if it starts on %(start)s, it ends on %(end)s or later.")
            % {"start": starts_on, "end": earliest}
        )
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=customer.pk)
        if Contract.objects.filter(reference=reference).exists():
            raise ReferenceTaken(_("Contract %(reference)s already exists.") % {"reference": reference})
        contract = Contract.objects.create(
            customer=customer,
            reference=reference,
            starts_on=starts_on,
            ends_on=ends_on,
            monthly_charge=monthly_charge,
            currency=currency,
            trial_days=trial_days,
        )
        record(actor=actor, action="signed", subject=contract, changes=difference({}, snapshot(contract)), now=now)
        notify_of_pending(contract=contract, now=now)
    return contract


def record_payment(
    *, actor: Actor, contract: Contract, reference: str, paid_on: date, amount: Decimal, now: datetime
) -> Payment:
    """Add a payment on a contract; a repayment is a negative payment."""
    require(actor, "agreements.add_payment")
    with transaction.atomic():
        contract = _locked(contract)
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
        contract = _locked(contract)
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
        suspension = contract.suspensions.create(starts_on=starts_on, ends_on=ends_on)
        record(
            actor=actor,
            action="suspended",
            subject=contract,
            changes={"suspension": [None, [starts_on, ends_on]]},
            reason=reason,
            now=now,
        )
    return suspension


def terminate_contract(*, actor: Actor, contract: Contract, last_day: date, reason: str, now: datetime) -> None:
    """Terminate a contract early (1.2); `last_day` is its last service day."""
    require(actor, "agreements.change_contract")
    with transaction.atomic():
        contract = _locked(contract)
        if contract.terminated_on:
            raise ContractTerminated(
                _("The contract was already terminated on %(day)s.") % {"day": contract.terminated_on}
            )
        if not contract.starts_on <= last_day <= contract.last_day:
            raise DaysOutsideContract(
                _("A contract can be terminated only on one of its service days, %(start)s to %(end)s.")
                % {"start": contract.starts_on, "end": contract.last_day}
            )
        end_contract(actor=actor, contract=contract, last_day=last_day, reason=reason, now=now)


def end_contract(*, actor: Actor, contract: Contract, last_day: date | None, reason: str, now: datetime) -> None:
    """Set the last service day of a locked and checked contract; None: it continues as agreed."""
    changes = {"terminated_on": [contract.terminated_on, last_day]}
    contract.terminated_on = last_day
    contract.save(update_fields=["terminated_on"])
    action = "terminated" if last_day else "resumed"
    record(actor=actor, action=action, subject=contract, changes=changes, reason=reason, now=now)


def extend_contract(*, actor: Actor, contract: Contract, minutes: int, reason: str, now: datetime) -> None:
    """Move a contract's end by `minutes` of service granted as compensation (3.2); negative minutes reverse an extension.

    Only a contract that is still in force is extended, so that no service day arises in the past. Raises `ContractOver`.
    """
    require(actor, "agreements.extend_contract")
    with transaction.atomic():
        contract = _locked(contract)
        today = local_date(epoch(now), settings.SLA_ZONE)
        total = contract.extended_minutes + minutes
        until = extended_to(contract.ends_on, total) if total else None
        if contract.terminated_on or contract.last_day < today or (until or contract.ends_on) < today:
            raise ContractOver(
                _("Contract %(contract)s has ended, or its end would move into the past. It cannot be extended.")
                % {"contract": contract}
            )
        changes = difference(
            {"extended_minutes": contract.extended_minutes, "extended_to": contract.extended_to},
            {"extended_minutes": total, "extended_to": until},
        )
        contract.extended_minutes, contract.extended_to = total, until
        contract.save(update_fields=["extended_minutes", "extended_to"])
        record(actor=actor, action="extended", subject=contract, changes=changes, reason=reason, now=now)


def _locked(contract: Contract) -> Contract:
    return Contract.objects.select_for_update().get(pk=contract.pk)
