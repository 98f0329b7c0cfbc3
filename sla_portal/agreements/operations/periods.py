"""Renew contracts, move their ends, correct their days, and change their monthly charge."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, difference, record, require, snapshot
from sla_portal.customers.models import Customer
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from ..models import Contract
from ..queries import record_of_contract, renewal_of
from ..rules import extended_to, shortest_period_ends_on
from .contracts import (
    ContractRenewed,
    ContractTooShort,
    DaysOutsideContract,
    locked,
    sign,
    time_changed,
)
from .money import check_decimals
from .refusals import check_reason

CHANGE = "agreements.change_contract"


class ContractTerminated(Refused):
    """The contract was terminated already, or was not."""


class AlreadyRenewed(Refused):
    """Another period renews the contract already."""


class PeriodsOverlap(Refused):
    """Two periods of one contract would have a day in common."""


class RenewalStands(Refused):
    """The renewal has begun, or something rests on it."""


class SameAsBefore(Refused):
    """The record says so already."""


def renew_contract(
    *,
    actor: Actor,
    contract: Contract,
    reference: str,
    ends_on: date,
    monthly_charge: Decimal,
    currency: str,
    now: datetime,
    reason: str = "",
) -> Contract:
    """Put the period on record that renews a contract (1.2): it begins the day after the last service day.

    A `reason` is needed where that lies in a closed month. Contacts are notified as by `sign_contract`.
    """
    require(actor, "agreements.add_contract")
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=contract.customer_id)
        earlier = locked(contract)
        check_unchanged(actor, earlier)
        if renewal := renewal_of(earlier):
            raise AlreadyRenewed(
                _("%(renewal)s renews contract %(contract)s already, from %(day)s.")
                % {"renewal": renewal, "contract": earlier, "day": renewal.starts_on.isoformat()}
            )
        renewal = Contract(
            customer_id=earlier.customer_id,
            reference=reference,
            starts_on=earlier.next_day,
            ends_on=ends_on,
            monthly_charge=monthly_charge,
            currency=currency,
            renews=earlier,
        )
        sign(actor, renewal, reason, now)
        record(
            actor=actor,
            action="renewed",
            subject=earlier,
            changes={"renewed_by": [None, reference]},
            reason=reason,
            now=now,
        )
    return renewal


def withdraw_renewal(*, actor: Actor, renewal: Contract, reason: str, now: datetime) -> None:
    """Take a renewal off the record that has not begun and on which nothing rests. Raises `RenewalStands`."""
    require(actor, CHANGE)
    check_reason(reason)
    with transaction.atomic():
        renewal = locked(renewal)
        if not renewal.renews_id or not _withdraw_renewals(actor, [renewal], reason, now):
            raise RenewalStands(_renewal_stands(renewal))


def terminate_contract(*, actor: Actor, contract: Contract, last_day: date, reason: str, now: datetime) -> None:
    """Terminate a contract early (1.2); `last_day` is its last service day. A renewal that has not begun is withdrawn."""
    require(actor, CHANGE)
    check_reason(reason)
    with transaction.atomic():
        contract = locked(contract)
        renewals = locked_renewals([contract])
        if contract.terminated_on:
            raise ContractTerminated(
                _("The contract was already terminated on %(day)s.") % {"day": contract.terminated_on}
            )
        if not contract.starts_on <= last_day <= contract.last_day:
            raise DaysOutsideContract(
                _("A contract can be terminated only on one of its service days, %(start)s to %(end)s.")
                % {"start": contract.starts_on, "end": contract.last_day}
            )
        end_contract(actor=actor, contract=contract, last_day=last_day, renewals=renewals, reason=reason, now=now)
        if renewal := renewal_of(contract):
            raise RenewalStands(_renewal_stands(renewal))


def resume_contract(*, actor: Actor, contract: Contract, reason: str, now: datetime) -> None:
    """Undo the early end of a contract: it continues as agreed. Raises `PeriodsOverlap` where it was renewed from then on."""
    require(actor, CHANGE)
    check_reason(reason)
    with transaction.atomic():
        contract = locked(contract)
        if not contract.terminated_on:
            raise ContractTerminated(_("The contract was not ended early."))
        end_contract(actor=actor, contract=contract, last_day=None, reason=reason, now=now)


def end_contract(
    *,
    actor: Actor,
    contract: Contract,
    last_day: date | None,
    reason: str,
    now: datetime,
    renewals: Sequence[Contract] = (),
) -> None:
    """Set the last service day of a locked and checked contract; None: it continues as agreed.

    Those of its `renewals`, locked too, that have not begun are withdrawn where nothing rests on them.
    """
    was = record_of_contract(contract)
    changes = {"terminated_on": [contract.terminated_on, last_day]}
    contract.terminated_on = last_day
    _check_against_others(contract)
    contract.save(update_fields=["terminated_on"])
    record(
        actor=actor,
        action="terminated" if last_day else "resumed",
        subject=contract,
        changes=changes,
        reason=reason,
        touching=time_changed(was, record_of_contract(contract)),
        now=now,
    )
    _withdraw_renewals(actor, renewals, reason, now)


def locked_renewals(contracts: Sequence[Contract]) -> list[Contract]:
    """Lock the periods that renew `contracts` one after the other, and return them, the first first."""
    found: list[Contract] = []
    following = list(contracts)
    while following := list(
        Contract.objects.select_for_update().filter(renews__in=[one.pk for one in following]).order_by("pk")
    ):
        found += following
    return found


def agree_later_end(*, actor: Actor, contract: Contract, ends_on: date, reason: str, now: datetime) -> None:
    """Agree on a later last service day of a contract that was neither ended early nor renewed; extensions follow it (3.2)."""
    require(actor, CHANGE)
    check_reason(reason)
    with transaction.atomic():
        contract = locked(contract)
        if contract.terminated_on:
            raise ContractTerminated(
                _("The contract was already terminated on %(day)s.") % {"day": contract.terminated_on}
            )
        if renewal := renewal_of(contract):
            raise ContractRenewed(
                _("%(renewal)s renews contract %(contract)s from %(day)s, so its end stands.")
                % {"renewal": renewal, "contract": contract, "day": renewal.starts_on.isoformat()}
            )
        if ends_on <= contract.ends_on:
            raise DaysOutsideContract(
                _("The agreed last service day is %(day)s. Enter a later one, or end the contract early.")
                % {"day": contract.ends_on.isoformat()}
            )
        _change(actor, contract, "agreed on a later end of", {"ends_on": ends_on}, reason, now)


def correct_contract(
    *,
    actor: Actor,
    contract: Contract,
    starts_on: date,
    ends_on: date,
    trial_days: int,
    renews: Contract | None,
    reason: str,
    now: datetime,
) -> None:
    """Correct days that were typed wrongly, or which period a contract renews; extensions follow the agreed end (3.2)."""
    require(actor, CHANGE)
    check_reason(reason)
    with transaction.atomic():
        contract = locked(contract)
        if ends_on < (earliest := shortest_period_ends_on(starts_on)):
            raise ContractTooShort(
                _("A contract lasts at least one month: if it starts on %(start)s, it ends on %(end)s or later.")
                % {"start": starts_on, "end": earliest}
            )
        until = extended_to(ends_on, contract.extended_minutes)
        if contract.terminated_on and not starts_on <= contract.terminated_on <= until:
            raise DaysOutsideContract(_("The termination date must be one of the contract's service days."))
        if renews and (renews.pk == contract.pk or renews.customer_id != contract.customer_id):
            raise PeriodsOverlap(_("A contract renews another one of its customer."))
        if renews and Contract.objects.filter(renews=renews).exclude(pk=contract.pk).exists():
            raise AlreadyRenewed(_("Another contract renews %(contract)s already.") % {"contract": renews})
        said = {"starts_on": starts_on, "ends_on": ends_on, "trial_days": trial_days, "renews": renews}
        _change(actor, contract, "corrected the days of", said, reason, now)


def change_charge(
    *, actor: Actor, contract: Contract, from_month: ServiceMonth, monthly_charge: Decimal, reason: str, now: datetime
) -> None:
    """Record the monthly charge that holds from a service month of the contract on (1.3).

    Earlier months keep theirs. A charge on record for the month is superseded.
    """
    require(actor, CHANGE)
    check_reason(reason)
    with transaction.atomic():
        contract = locked(contract)
        check_decimals(monthly_charge, contract.currency)
        first, last = ServiceMonth.of(contract.starts_on), ServiceMonth.of(contract.last_day)
        if not first <= from_month <= last:
            raise DaysOutsideContract(
                _("The contract is in force from %(first)s to %(last)s. Choose one of these months.")
                % {"first": first, "last": last}
            )
        was = record_of_contract(contract)
        before = was.charge_in(from_month)
        if before == monthly_charge:
            raise SameAsBefore(_("This is the charge of that month already."))
        contract.charges.create(
            from_month=from_month.first_day,
            revision=contract.charges.filter(from_month=from_month.first_day).count() + 1,
            monthly_charge=monthly_charge,
            reason=reason,
            recorded_at=now,
        )
        record(
            actor=actor,
            action="changed the charge of",
            subject=contract,
            changes={"from_month": [None, str(from_month)], "monthly_charge": [before, monthly_charge]},
            reason=reason,
            touching=time_changed(was, record_of_contract(contract)),
            now=now,
        )


def _change(
    actor: Actor,
    contract: Contract,
    action: str,
    said: dict[str, Any],
    reason: str,
    now: datetime,
) -> None:
    """Write what is `said` of the days of a locked contract, with the end as extended, which follows from them."""
    was, before = record_of_contract(contract), snapshot(contract)
    for name, value in said.items():
        setattr(contract, name, value)
    if contract.extended_minutes:
        contract.extended_to = extended_to(contract.ends_on, contract.extended_minutes)
    if not (changes := difference(before, snapshot(contract))):
        raise SameAsBefore(_("Nothing was changed."))
    _check_against_others(contract)
    contract.save(update_fields=[*said, "extended_to"])
    record(
        actor=actor,
        action=action,
        subject=contract,
        changes=changes,
        reason=reason,
        touching=time_changed(was, record_of_contract(contract)),
        now=now,
    )


def _check_against_others(contract: Contract) -> None:
    """Refuse days that the periods before and after it have too."""
    earlier, later = contract.renews, renewal_of(contract)
    if earlier and earlier.last_day >= contract.starts_on:
        raise PeriodsOverlap(
            _("%(contract)s renews %(other)s, whose last service day is %(day)s. It can only begin after that day.")
            % {"contract": contract, "other": earlier, "day": earlier.last_day.isoformat()}
        )
    if later and later.starts_on <= contract.last_day:
        raise PeriodsOverlap(
            _("%(other)s renews %(contract)s from %(day)s. It can only end before that day.")
            % {"contract": contract, "other": later, "day": later.starts_on.isoformat()}
        )


def _withdraw_renewals(actor: Actor, renewals: Sequence[Contract], reason: str, now: datetime) -> bool:
    """Withdraw renewals that have not begun and on which nothing rests, the last first; return whether all were."""
    today = local_date(epoch(now), settings.SLA_ZONE)
    for renewal in reversed(renewals):
        if renewal.starts_on <= today:
            return False
        gone = {name: [value, None] for name, value in snapshot(renewal).items() if value not in (None, "")}
        try:
            with transaction.atomic():
                record(
                    actor=actor,
                    action="withdrew",
                    subject=renewal,
                    changes=gone,
                    reason=reason,
                    touching=time_changed(record_of_contract(renewal), None),
                    now=now,
                )
                renewal.delete()
        except ProtectedError:
            return False
    return True


def _renewal_stands(renewal: Contract) -> str:
    return _(
        "%(renewal)s renews the contract from %(day)s. It has begun, or payments, charges or notices rest on it, so it stands: "
        "end it early in its own days."
    ) % {"renewal": renewal, "day": renewal.starts_on.isoformat()}
