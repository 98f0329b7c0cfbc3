"""Act on a breached month that nobody claimed: invite the customer to claim, or credit it without a claim (3).

Each takes two people. A credit is a claim that nobody made: recommended and decided as any other, under the same cap, and
one for a contract and month with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from claims import emails
from sla_portal.agreements.models import Contract
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, lock_chain, record, require
from sla_portal.clocks import month_name
from sla_portal.customers.models import Contact
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Kind
from sla_portal.notices.operations import give_notice

from ..models import Claim, Invitation, Outcome, Recommendation, Source, Status
from ..queries import assess, window_of
from ..queries.applying import contacts_who_may_claim
from ..queries.entitlements import EntitledContract, Month, entitled_contract
from .due import start_clock
from .notifying import NobodyToNotify
from .receiving import credits_proposed, next_number, refuse_second
from .reviewing import ReasonMissing, recommend


class NotEntitled(Refused):
    """The contract is not entitled to compensation for the month, or the month is not closed."""


class PeriodOver(Refused):
    """Nobody is invited to claim after the claim period (3.3.1)."""


class AlreadyInvited(Refused):
    """The customer is invited once for a contract and month."""


class InvitationClosed(Refused):
    """The invitation was sent, declined or withdrawn."""


class SamePerson(Refused):
    """Who proposed an invitation does not confirm it; only that person withdraws it."""


@dataclass(frozen=True)
class Done:
    """What became of one of several contracts: what was made of it, or why nothing was."""

    contract: Contract
    made: Any = None
    why_not: str = ""


def for_each(contracts: Iterable[Contract], do: Callable[[Contract], Any]) -> list[Done]:
    """Do the same for several contracts, each in its own transaction; a refusal of one leaves the others."""

    def one(contract: Contract) -> Done:
        try:
            return Done(contract, do(contract))
        except Refused as refused:
            return Done(contract, why_not=str(refused))

    return [one(contract) for contract in contracts]


def propose_invitation(*, actor: Actor, contract: Contract, month: ServiceMonth, now: datetime) -> Invitation:
    """Propose to invite a customer to claim a breached month; nothing is mailed before another person confirms it.

    Raises `NotEntitled`, `PeriodOver`, `AlreadyInvited`, `AlreadyClaimed`, `NobodyToNotify`.
    """
    require(actor, "claims.review_claim")
    with transaction.atomic():
        locked = Contract.objects.select_for_update(of=("self",)).select_related("customer__region").get(pk=contract.pk)
        _check_invitable(locked, month, now)
        if Invitation.objects.filter(contract=locked, month=month.first_day, outcome__in=["", "sent"]).exists():
            raise AlreadyInvited(_("An invitation for this contract and month is proposed or sent already."))
        invitation = Invitation.objects.create(
            contract=locked,
            month=month.first_day,
            claims_close_at=window_of(month).closes_at,
            proposed_at=now,
            proposed_by=actor.user,
        )
        record(actor=actor, action="proposed an invitation for", subject=invitation, now=now)
    return invitation


def confirm_invitation(*, actor: Actor, invitation: Invitation, now: datetime) -> Invitation:
    """Mail an invitation that another person proposed, to the contacts who may claim: once for a contract and month.

    Raises `InvitationClosed`, `SamePerson`, `NotEntitled`, `PeriodOver`, `AlreadyClaimed`, `NobodyToNotify`.
    """
    require(actor, "claims.decide_claim")
    with transaction.atomic():
        contract = (
            Contract.objects.select_for_update(of=("self",))
            .select_related("customer__region")
            .get(pk=invitation.contract_id)
        )
        locked = _open(actor, invitation)
        if actor.user and actor.user.pk == locked.proposed_by_id:
            raise SamePerson(_("You proposed this invitation. Another person confirms it."))
        entitled = _check_invitable(contract, locked.service_month, now)
        locked.notice = give_notice(
            actor=actor,
            kind=Kind.INVITATION,
            about=contract.reference,
            wordings=emails.invitation_email(entitled, locked.service_month),
            audience=Contact.objects.filter(pk__in=[one.pk for one in _invited(contract)]),
            public=False,
            now=now,
        )
        _close(actor, locked, Invitation.Outcome.SENT, "", now)
        record(
            actor=actor,
            action="sent an invitation for",
            subject=locked,
            now=now,
            changes={"notice": [None, locked.notice.number]},
        )
    return locked


def decline_invitation(*, actor: Actor, invitation: Invitation, reason: str, now: datetime) -> None:
    """Decline an invitation that another person proposed, with a reason; nothing is mailed."""
    require(actor, "claims.decide_claim")
    if not reason.strip():
        raise ReasonMissing(_("Give the reason why the invitation is declined."))
    with transaction.atomic():
        locked = _open(actor, invitation)
        _close(actor, locked, Invitation.Outcome.DECLINED, reason, now)
        record(actor=actor, action="declined an invitation for", subject=locked, now=now, reason=reason)


def withdraw_invitation(*, actor: Actor, invitation: Invitation, now: datetime) -> None:
    """Withdraw one's own proposal; nothing is mailed."""
    require(actor, "claims.review_claim")
    with transaction.atomic():
        locked = _open(actor, invitation)
        if actor.user and actor.user.pk != locked.proposed_by_id:
            raise SamePerson(_("Only the person who proposed this invitation can withdraw it. Others decline it."))
        _close(actor, locked, Invitation.Outcome.WITHDRAWN, "", now)
        record(actor=actor, action="withdrew an invitation for", subject=locked, now=now)


def propose_credit(
    *, actor: Actor, contract: Contract, month: ServiceMonth, as_voucher: bool, reason: str, now: datetime
) -> Recommendation:
    """Propose to credit a breached month without a claim, with its letter; another person decides it as any claim.

    `as_voucher` credits the minutes with charge as voucher, otherwise all become service extension; a minute of the free
    trial is extended. Raises `AlreadyClaimed`, `ChecksNotPassed`, `VoucherNotPossible`, `NobodyToNotify`, `ReasonMissing`.
    """
    require(actor, "claims.review_claim")
    with transaction.atomic():
        locked = Contract.objects.select_for_update(of=("self",)).select_related("customer__region").get(pk=contract.pk)
        if credits_proposed(locked, month).exists():
            raise AlreadyInvited(_("A credit for this contract and month is proposed already."))
        refuse_second(locked, month)
        lock_chain()
        credit = Claim(
            number=next_number(now),
            contract=locked,
            region_id=locked.customer.region_id,
            month=month.first_day,
            time_zone=str(locked.customer.region.zone),
            source=Source.CREDIT,
            received_at=now,
            entered_by=actor.user,
            status=Status.SUBMITTED,
        )
        start_clock(credit, now)
        credit.save(force_insert=True)
        record(
            actor=actor,
            action="proposed a credit without a claim",
            subject=credit,
            now=now,
            changes={"contract": [None, locked.reference], "month": [None, str(month)]},
            reason=reason,
        )
        assessment = assess(credit, now)
        subject, text = emails.draft(assessment, Outcome.GRANT, "")
        return recommend(
            actor=actor,
            claim=credit,
            outcome=Outcome.GRANT,
            clause="",
            reason=reason,
            voucher_minutes=assessment.entitlement.paid if as_voucher else 0,
            letter_subject=subject,
            letter_text=text,
            now=now,
        )


def _invited(contract: Contract) -> list[Contact]:
    return contacts_who_may_claim([contract.customer])[contract.customer_id]


def _check_invitable(contract: Contract, month: ServiceMonth, now: datetime) -> EntitledContract:
    """Return what a contract is entitled to and nobody claimed; raise why nobody is to be invited."""
    if now >= window_of(month).closes_at:
        raise PeriodOver(_("The claim period for this month is over (clause 3.3.1). Nobody can be invited to claim."))
    refuse_second(contract, month)
    entitled = entitled_contract(Month(month, now), contract)
    if entitled is None:
        raise NotEntitled(
            _("Contract %(contract)s is not entitled to compensation for %(month)s, or the month is not closed.")
            % {"contract": contract, "month": month_name(month)}
        )
    if not _invited(contract):
        raise NobodyToNotify(
            _("This customer has no contact on record, so no e-mail can be sent. Add a contact first.")
        )
    return entitled


def _open(actor: Actor, invitation: Invitation) -> Invitation:
    locked = Invitation.objects.select_for_update().get(pk=invitation.pk)
    check_unchanged(actor, locked)
    if locked.outcome:
        raise InvitationClosed(_("This invitation is already %(outcome)s.") % {"outcome": locked.get_outcome_display()})
    return locked


def _close(actor: Actor, invitation: Invitation, outcome: Invitation.Outcome, answer: str, now: datetime) -> None:
    invitation.outcome, invitation.answer, invitation.closed_at, invitation.closed_by = outcome, answer, now, actor.user
    invitation.save(update_fields=["outcome", "answer", "closed_at", "closed_by", "notice"])
