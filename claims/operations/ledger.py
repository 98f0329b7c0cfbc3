"""The ledger of compensation: grants and redemptions are added to it (3.2, 5.1); `undoing` adds reversals."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.agreements.models import Contract
from sla_portal.agreements.operations import extend_contract
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, record, require
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.money import fits
from sla_portal.kernel.money import format_amount as amount
from sla_portal.kernel.months import ServiceMonth, local_date

from ..models import Compensation, Decision, Entry, Step, Voucher
from ..queries import Assessment, cap_balance_of
from ..rules import divide
from .billing import issue_credit_note

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_GROUPS, CODE_GROUP = 5, 4
"""Twenty characters of 32: a hundred bits."""

ACTIONS = {
    Step.ISSUED: "issued a voucher",
    Step.REDEEMED: "redeemed a voucher",
    Step.RETURNED: "reversed a redemption",
    Step.VOIDED: "voided a voucher",
    Step.EXTENDED: "extended a contract",
    Step.SHORTENED: "reversed an extension",
}


class ReferenceMissing(Refused):
    """A redemption needs the order or invoice."""

    field = "reference"


class NotRedeemable(Refused):
    """Nothing is left of the voucher, it has expired, or its balance is another than was shown."""


class AmountNotPossible(Refused):
    """A redemption takes a part of what is left of the voucher, or all of it."""

    field = "part"


class TookPart(Refused):
    """Who recommended or decided a claim does not redeem its voucher."""


def grant(*, actor: Actor, decision: Decision, assessment: Assessment, now: datetime) -> Compensation:
    """Create the compensation of a decision within the current balance under the cap (5.1), in the caller's transaction."""
    wanted, entitlement, target = decision.recommendation, assessment.entitlement, assessment.extendable
    contract = locked(assessment.contract.pk, target.pk if target else None)
    # 5.1: the contract is locked, so the balance cannot change before this is written.
    cap_balance = cap_balance_of(contract, assessment.terms)
    division = divide(entitlement, wanted.voucher_minutes, cap_balance.left, extendable=target is not None)
    compensation = Compensation.objects.create(
        claim=wanted.claim,
        decision=decision,
        contract=contract,
        counted_minutes=entitlement.counted_minutes,
        total_minutes=entitlement.month_minutes,
        voucher_minutes=division.voucher_minutes,
        extension_minutes=division.extension_minutes,
        cut_minutes=division.cut_minutes,
        cut_value=division.cut_value,
        currency=contract.currency,
        granted_at=now,
        granted_by=actor.user,
    )
    if division.extension_minutes and target:
        add_entry(
            actor,
            compensation,
            Step.EXTENDED,
            cap=cap_balance.cap,
            extended=target,
            minutes=division.extension_minutes,
            value=division.extension_value,
            now=now,
        )
        extend_contract(
            actor=actor, contract=target, minutes=division.extension_minutes, reason=str(wanted.claim), now=now
        )
    if division.voucher_value:
        voucher = Voucher.objects.create(
            compensation=compensation,
            code=new_code(),
            value=division.voucher_value,
            currency=contract.currency,
            expires_on=valid_until(now, assessment.terms.voucher_valid_months),
        )
        add_entry(
            actor,
            compensation,
            Step.ISSUED,
            cap=cap_balance.cap,
            voucher=voucher,
            minutes=division.voucher_minutes,
            value=division.voucher_value,
            balance=division.voucher_value,
            now=now,
        )
    return compensation


def redeem_voucher(
    *,
    actor: Actor,
    voucher: Voucher,
    reference: str,
    now: datetime,
    part: Decimal | None = None,
    after: Entry | None = None,
) -> Entry:
    """Record the redemption of a voucher, or of a `part` of it, with the reference of the order or invoice.

    `after` is the entry that was shown as the voucher's last; nothing is redeemed if another follows it. Raises
    `ReferenceMissing`, `TookPart`, `NotRedeemable`, `AmountNotPossible`.
    """
    require(actor, "claims.redeem_voucher")
    if not reference.strip():
        raise ReferenceMissing(_("Enter the order or invoice on which the voucher was redeemed."))
    decision = voucher.compensation.decision
    if actor.user and actor.user.pk in (decision.recommended_by_id, decision.decided_by_id):
        raise TookPart(_("You recommended or decided this claim. Another person redeems its voucher."))
    with transaction.atomic():
        last = _last_of(actor, voucher)
        if not last.left or is_expired(voucher, now):
            raise NotRedeemable(_("This voucher is already redeemed, void or expired. Check its entries."))
        if after and after != last:
            raise NotRedeemable(_("This voucher has a newer entry. Check what is left of it, then redeem again."))
        taken = last.left if part is None else part
        if not 0 < taken <= last.left or not fits(taken, voucher.currency):
            raise AmountNotPossible(
                _("Enter an amount up to %(left)s, what is left of the voucher.")
                % {"left": amount(last.left, voucher.currency)}
            )
        # It counted against the cap when it was issued.
        entry = add_entry(
            actor,
            voucher.compensation,
            Step.REDEEMED,
            follows=last,
            cap=last.cap,
            voucher=voucher,
            minutes=0,
            value=Decimal(0),
            redeemed=taken,
            balance=last.left - taken,
            reason=reference,
            now=now,
        )
        issue_credit_note(entry=entry, now=now)
    return entry


def is_expired(voucher: Voucher, now: datetime) -> bool:
    """Whether the last day of a voucher is over, in the SLA time zone."""
    return local_date(epoch(now), settings.SLA_ZONE) > voucher.expires_on


def add_entry(
    actor: Actor,
    compensation: Compensation,
    step: Step,
    *,
    minutes: int,
    value: Decimal,
    now: datetime,
    cap: Decimal,
    reason: str = "",
    **of: Any,
) -> Entry:
    """Add the next entry to the ledger of a contract, with its running total; the caller has locked the contract.

    Without the lock, constraints refuse a second entry of the same number and a total over the cap.
    """
    before = Entry.objects.filter(contract=compensation.contract_id).order_by("-number").first()
    total = (before.total if before else Decimal(0)) + value
    entry = Entry.objects.create(
        contract_id=compensation.contract_id,
        number=before.number + 1 if before else 1,
        compensation=compensation,
        step=step,
        minutes=minutes,
        value=value,
        currency=compensation.currency,
        total=total,
        cap=cap,
        reason=reason,
        at=now,
        by=actor.user,
        **of,
    )
    record(
        actor=actor,
        action=ACTIONS[step],
        subject=entry,
        now=now,
        changes={
            "minutes": [None, minutes],
            "value": [None, value],
            **({"balance": [entry.left + entry.taken, entry.left]} if entry.taken else {}),
            "total": [total - value, total],
        },
        reason=reason,
    )
    return entry


def new_code() -> str:
    """Generate an unguessable code, in groups that can be read out on the phone."""
    groups = ("".join(secrets.choice(CODE_ALPHABET) for _n in range(CODE_GROUP)) for _n in range(CODE_GROUPS))
    return "-".join(groups)


def valid_until(now: datetime, months: int) -> date:
    """Return the last day of a voucher: the same day of the month `months` later, or the last day of that month."""
    today = local_date(epoch(now), settings.SLA_ZONE)
    month = ServiceMonth.of(today) + months
    return month.days[min(today.day, len(month.days)) - 1]


def locked(contract: int, extended: int | None) -> Contract:
    """Lock the contract of the cap and the extended contract, in a fixed order and before the audit log."""
    rows = Contract.objects.select_for_update().filter(pk__in={contract, extended or contract}).order_by("pk")
    return next(row for row in list(rows) if row.pk == contract)


def _last_of(actor: Actor, voucher: Voucher) -> Entry:
    """Lock the contract of a voucher, unchanged since `actor` saw it, and return its newest entry."""
    locked(voucher.compensation.contract_id, None)
    life = list(Entry.objects.filter(voucher=voucher).select_related("voucher").order_by("number"))
    check_unchanged(actor, *life)
    return life[-1]
