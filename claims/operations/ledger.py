"""The ledger of compensation: what is given, redeemed and reversed is added to it (3.2, 5.1)."""

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
from sla_portal.audit.operations import record, require
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from ..models import Claim, Compensation, Decision, Entry, Status, Step, Voucher
from ..models.ledger import FIRST_STEPS
from ..queries import Assessment, cap_balance_of
from ..rules import divide
from .notifying import notify
from .receiving import change_status

CODE_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
CODE_GROUPS, CODE_GROUP = 5, 4
"""Twenty characters of 32: a hundred bits."""

LINES = {
    Step.ISSUED: "issued a voucher",
    Step.REDEEMED: "redeemed a voucher",
    Step.RETURNED: "reversed a redemption",
    Step.VOIDED: "voided a voucher",
    Step.EXTENDED: "extended a contract",
    Step.SHORTENED: "reversed an extension",
}
REVERSED_BY = {
    Step.REDEEMED: Step.RETURNED,
    Step.ISSUED: Step.VOIDED,
    Step.RETURNED: Step.VOIDED,
    Step.EXTENDED: Step.SHORTENED,
}
"""What takes back the last entry of a voucher or an extension."""
TAKEN_BACK = (Step.VOIDED, Step.SHORTENED)


class ReasonMissing(Refused):
    """A reversal says why; a redemption names where."""


class NotRedeemable(Refused):
    """The voucher is redeemed, void or expired."""


class NothingToReverse(Refused):
    """The entry is not the last of its voucher or extension, or is itself the end."""


def grant(*, actor: Actor, decision: Decision, assessment: Assessment, now: datetime) -> Compensation:
    """Give what a decision grants, under what is left of the cap now (5.1); inside the decision's transaction."""
    wanted, entitlement, target = decision.recommendation, assessment.entitlement, assessment.extendable
    contract = _locked(assessment.contract.pk, target.pk if target else None)
    # 5.1: the contract is locked, so what is left is left until this is written.
    purse = cap_balance_of(contract, assessment.terms)
    division = divide(entitlement, wanted.voucher_minutes, purse.left, extendable=target is not None)
    compensation = Compensation.objects.create(
        claim=wanted.claim,
        decision=decision,
        contract=contract,
        counted_minutes=entitlement.counted_minutes,
        total_minutes=entitlement.total_minutes,
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
            cap=purse.cap,
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
            cap=purse.cap,
            voucher=voucher,
            minutes=division.voucher_minutes,
            value=division.voucher_value,
            now=now,
        )
    return compensation


def redeem_voucher(*, actor: Actor, voucher: Voucher, reference: str, now: datetime) -> Entry:
    """Note that a voucher was redeemed, with the reference of the order or invoice."""
    require(actor, "claims.redeem_voucher")
    if not reference.strip():
        raise ReasonMissing(_("Enter the order or invoice on which the voucher was redeemed."))
    with transaction.atomic():
        last = _last_of(voucher)
        if (
            last.step not in (Step.ISSUED, Step.RETURNED)
            or local_date(epoch(now), settings.SLA_ZONE) > voucher.expires_on
        ):
            raise NotRedeemable(_("This voucher is already redeemed, void or expired. Check its entries."))
        # It was counted against the cap when it was issued.
        return add_entry(
            actor,
            voucher.compensation,
            Step.REDEEMED,
            follows=last,
            cap=last.cap,
            voucher=voucher,
            minutes=0,
            value=Decimal(0),
            reason=reference,
            now=now,
        )


def reverse(*, actor: Actor, entry: Entry, reason: str, now: datetime) -> Entry:
    """Reverse the last entry of a voucher or extension by one of its own: a redemption, a voucher, or an extension.

    The claimant is told of what is taken back. Where nothing of a grant is left, its claim is under review again, so that
    the right amount can be granted. Raises `ContractOver` where the contract's end would move into the past.
    """
    require(actor, "claims.reverse_compensation")
    if not reason.strip():
        raise ReasonMissing(_("Give the reason for the reversal."))
    with transaction.atomic():
        # By its key: a join would lock the compensation too, for which a redemption waits that has the contract.
        claim = Claim.objects.select_for_update().get(pk=entry.compensation.claim_id)
        _locked(entry.contract_id, entry.extended_id)
        entry = Entry.objects.select_related("voucher", "extended", "compensation").get(pk=entry.pk)
        step = REVERSED_BY.get(Step(entry.step))
        if step is None or Entry.objects.filter(follows=entry).exists():
            raise NothingToReverse(
                _("This entry has already been reversed or followed by another. Open the newest one.")
            )
        taken = step is not Step.RETURNED
        first = Entry.objects.get(compensation=entry.compensation_id, voucher=entry.voucher_id, follows=None)
        reversal = add_entry(
            actor,
            entry.compensation,
            step,
            follows=entry,
            cap=entry.cap,
            voucher=entry.voucher,
            extended=entry.extended,
            minutes=-first.minutes if taken else 0,
            value=-first.value if taken else Decimal(0),
            reason=reason,
            now=now,
        )
        if step is Step.SHORTENED and entry.extended:
            extend_contract(actor=actor, contract=entry.extended, minutes=-entry.minutes, reason=reason, now=now)
        if taken:
            again = claim.status == Status.GRANTED and not _stands(entry.compensation)
            if again:
                change_status(actor, claim, Status.SUBMITTED, "reopened", reason, now)
            notify(actor, claim, "corrected", now, what=Step(step).label, reason=reason, again=again)
    return reversal


def _stands(compensation: Compensation) -> bool:
    """Whether something of a grant was not taken back."""
    steps = list(compensation.entries.values_list("step", flat=True))
    return sum(step in FIRST_STEPS for step in steps) > sum(step in TAKEN_BACK for step in steps)


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
    """Add the next line of a contract's ledger, with its running total; the contract is locked by the caller.

    Should it not be: the line's number is taken, or the total passes the cap, and the database refuses.
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
        action=LINES[step],
        subject=entry,
        now=now,
        changes={"minutes": [None, minutes], "value": [None, value], "total": [total - value, total]},
        reason=reason,
    )
    return entry


def new_code() -> str:
    """A code that nobody guesses, in groups that can be read over the telephone."""
    groups = ("".join(secrets.choice(CODE_ALPHABET) for _n in range(CODE_GROUP)) for _n in range(CODE_GROUPS))
    return "-".join(groups)


def valid_until(now: datetime, months: int) -> date:
    """The last day of a voucher: the same day of the month, `months` later, or that month's last."""
    today = local_date(epoch(now), settings.SLA_ZONE)
    month = ServiceMonth.of(today) + months
    return month.days[min(today.day, len(month.days)) - 1]


def _locked(contract: int, extended: int | None) -> Contract:
    """Lock the contract whose cap holds, and the one whose end moves; in one order, and before the trail."""
    rows = Contract.objects.select_for_update().filter(pk__in={contract, extended or contract}).order_by("pk")
    return next(row for row in list(rows) if row.pk == contract)


def _last_of(voucher: Voucher) -> Entry:
    """The newest entry of a voucher, under the lock of its contract."""
    _locked(voucher.compensation.contract_id, None)
    return Entry.objects.filter(voucher=voucher).order_by("-number")[0]
