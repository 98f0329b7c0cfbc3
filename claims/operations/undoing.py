"""Undo what a grant gave: proposed by one person with its letter, and confirmed by another, as it was given (3)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from claims import emails
from sla_portal.agreements.operations import extend_contract
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, record, require
from sla_portal.kernel.errors import Refused

from ..models import Claim, Compensation, CreditNote, Entry, Status, Step, Undoing
from ..models.ledger import FIRST_STEPS
from .billing import issue_credit_note
from .due import restart_decision
from .ledger import add_entry, locked
from .notifying import require_addressee, send_letter
from .receiving import change_status
from .reviewing import ReasonMissing, check_shown

REVERSED_BY = {
    Step.REDEEMED: Step.RETURNED,
    Step.ISSUED: Step.VOIDED,
    Step.RETURNED: Step.VOIDED,
    Step.EXTENDED: Step.SHORTENED,
}
"""The entry type that reverses the last entry of a voucher or extension, of which nothing else is redeemed."""
REVERSED = (Step.VOIDED, Step.SHORTENED)


class NothingToReverse(Refused):
    """An entry is not the last of its voucher or extension, or is itself a final reversal."""


class AlreadyProposed(Refused):
    """A reversal of the same grant waits for its second person."""


class NoLetter(Refused):
    """What the customer loses is told in a letter."""

    field = "letter_text"


class AlreadyClosed(Refused):
    """The proposal was confirmed, declined or withdrawn."""


class SamePerson(Refused):
    """Who proposed a reversal does not confirm it."""


def reversed_by(entry: Entry) -> Step | None:
    """Return the entry type that reverses the last entry; None where there is none.

    A voucher is voided once nothing of it is redeemed: what is redeemed in parts is given back part by part, the last first.
    """
    if entry.step == Step.RETURNED and entry.voucher and entry.left < entry.voucher.value:
        return Step.RETURNED
    return REVERSED_BY.get(Step(entry.step))


def standing_redemption(entry: Entry) -> Entry | None:
    """Return the redemption that the reversal of the last entry of a voucher gives back: the newest that stands."""
    standing: list[Entry] = []
    for one in Entry.objects.filter(voucher=entry.voucher_id, number__lte=entry.number).order_by("number"):
        if one.step == Step.REDEEMED:
            standing.append(one)
        elif one.step == Step.RETURNED:
            standing.pop()
    return standing[-1] if standing else None


def needs_letter(entries: Sequence[Entry]) -> bool:
    """Whether the customer loses something: a redemption that is reversed gives the voucher back."""
    return any(reversed_by(entry) in REVERSED for entry in entries)


def leaves_nothing(compensation: Compensation, entries: Sequence[Entry]) -> bool:
    """Whether all of a grant is reversed when these entries are."""
    steps = list(compensation.entries.values_list("step", flat=True))
    gone = sum(step in REVERSED for step in steps) + sum(reversed_by(one) in REVERSED for one in entries)
    return sum(step in FIRST_STEPS for step in steps) == gone


def reopens(claim: Claim, compensation: Compensation, entries: Sequence[Entry]) -> bool:
    """Whether the claim is under review again when these entries are reversed; a credit without a claim never is."""
    return claim.status == Status.GRANTED and not claim.is_credit and leaves_nothing(compensation, entries)


def propose_undoing(
    *, actor: Actor, entries: Sequence[Entry], reason: str, letter_subject: str, letter_text: str, now: datetime
) -> Undoing:
    """Propose to reverse the last entries of one grant's voucher, extension or both, with one letter for it.

    Raises `ReasonMissing`, `NoLetter`, `NothingToReverse`, `AlreadyProposed`, `NobodyToNotify`.
    """
    require(actor, "claims.reverse_compensation")
    if not reason.strip():
        raise ReasonMissing(_("Give the reason for the reversal."))
    told = needs_letter(entries)
    if told and not (letter_subject.strip() and letter_text.strip()):
        raise NoLetter(_("Write the e-mail that tells the customer of the reversal."))
    with transaction.atomic():
        claim = _lock(entries)
        compensation = _still_last(actor, entries)
        if compensation.undoings.filter(outcome="").exists():
            raise AlreadyProposed(_("A reversal of this grant is proposed already. Confirm or decline it first."))
        if told:
            require_addressee(claim)
        undoing = Undoing.objects.create(
            compensation=compensation,
            reason=reason,
            reopens=reopens(claim, compensation, entries),
            letter_subject=letter_subject if told else "",
            letter_text=letter_text if told else "",
            proposed_at=now,
            proposed_by=actor.user,
        )
        undoing.entries.set(entries)
        record(
            actor=actor,
            action="proposed a reversal on",
            subject=claim,
            now=now,
            changes={"reversal of": [None, [str(entry) for entry in entries]]},
            reason=reason,
        )
    return undoing


def confirm_undoing(*, actor: Actor, undoing: Undoing, now: datetime, letter: str = "") -> list[Entry]:
    """Post the reversals that another person proposed, and send the letter. Returns the entries.

    `letter` is the fingerprint of the letter that was displayed, as for `decide`.

    If nothing of the grant remains its claim is under review again, so that the right amount can be granted. Raises
    `AlreadyClosed`, `SamePerson`, `NothingToReverse`, and `ContractOver` if the contract would end in the past.
    """
    require(actor, "claims.reverse_compensation")
    with transaction.atomic():
        entries = list(undoing.entries.select_related("voucher", "extended", "compensation").order_by("pk"))
        claim = _lock(entries)
        undoing = _open(undoing)
        if actor.user and actor.user.pk == undoing.proposed_by_id:
            raise SamePerson(_("You proposed this reversal. Another person confirms it."))
        compensation = _still_last(actor, entries)
        whole = claim.status == Status.GRANTED and leaves_nothing(compensation, entries)
        if reopens(claim, compensation, entries) != undoing.reopens:
            raise NothingToReverse(
                _("The grant has changed since this reversal was proposed. Decline it; it can be proposed again.")
            )
        reversals = [_reverse(actor, entry, undoing, now) for entry in entries]
        if whole and claim.is_credit:
            # A credit that is reversed as a whole is over: the month can be claimed, or credited anew.
            change_status(actor, claim, Status.WITHDRAWN, "withdrew", undoing.reason, now)
        elif whole:
            restart_decision(claim, now)
            change_status(actor, claim, Status.SUBMITTED, "reopened", undoing.reason, now)
        if undoing.letter_text:
            written = emails.reversal_letter(
                claim, undoing.letter_subject, undoing.letter_text, reopens=undoing.reopens
            )
            check_shown(written, letter)
            send_letter(actor, claim, written, now)
        _close(actor, undoing, Undoing.Outcome.CONFIRMED, "", now)
    return reversals


def decline_undoing(*, actor: Actor, undoing: Undoing, reason: str, now: datetime) -> None:
    """Decline a proposed reversal, with a reason; nothing is reversed."""
    require(actor, "claims.reverse_compensation")
    if not reason.strip():
        raise ReasonMissing(_("Give the reason why the reversal is declined."))
    _end(actor, undoing, Undoing.Outcome.DECLINED, "declined a reversal on", reason, now)


def withdraw_undoing(*, actor: Actor, undoing: Undoing, now: datetime) -> None:
    """Withdraw one's own proposal; nothing is reversed."""
    require(actor, "claims.reverse_compensation")
    if actor.user and actor.user.pk != undoing.proposed_by_id:
        raise SamePerson(_("Only the person who proposed this reversal can withdraw it. Others decline it."))
    _end(actor, undoing, Undoing.Outcome.WITHDRAWN, "withdrew a reversal on", "", now)


def _end(actor: Actor, undoing: Undoing, outcome: Undoing.Outcome, action: str, reason: str, now: datetime) -> None:
    with transaction.atomic():
        claim = Claim.objects.select_for_update().get(pk=undoing.compensation.claim_id)
        _close(actor, _open(undoing), outcome, reason, now)
        record(actor=actor, action=action, subject=claim, now=now, reason=reason)


def _close(actor: Actor, undoing: Undoing, outcome: Undoing.Outcome, answer: str, now: datetime) -> None:
    undoing.outcome, undoing.answer, undoing.closed_at, undoing.closed_by = outcome, answer, now, actor.user
    undoing.save(update_fields=["outcome", "answer", "closed_at", "closed_by"])


def _open(undoing: Undoing) -> Undoing:
    locked_row = Undoing.objects.select_for_update().get(pk=undoing.pk)
    if locked_row.outcome:
        raise AlreadyClosed(_("This proposal is already %(outcome)s.") % {"outcome": locked_row.get_outcome_display()})
    return locked_row


def _lock(entries: Sequence[Entry]) -> Claim:
    """Lock the claim, then its contracts: the order in which a redemption and a grant lock them."""
    # By primary key: a join would also lock the compensation, and a redemption that holds the contract waits for it.
    claim = Claim.objects.select_for_update().get(pk=entries[0].compensation.claim_id)
    locked(entries[0].contract_id, next((entry.extended_id for entry in entries if entry.extended_id), None))
    return claim


def _still_last(actor: Actor, entries: Sequence[Entry]) -> Compensation:
    """Return the grant of the entries, if each is still the last of its voucher or extension."""
    compensation = entries[0].compensation
    check_unchanged(actor, *compensation.entries.all())
    for entry in entries:
        if (
            entry.compensation_id != compensation.pk
            or Step(entry.step) not in REVERSED_BY
            or Entry.objects.filter(follows=entry).exists()
        ):
            raise NothingToReverse(
                _("This entry has already been reversed or followed by another. Open the newest one.")
            )
    return compensation


def _reverse(actor: Actor, entry: Entry, undoing: Undoing, now: datetime) -> Entry:
    step = reversed_by(entry) or Step.VOIDED
    first = Entry.objects.get(compensation=entry.compensation_id, voucher=entry.voucher_id, follows=None)
    lost: dict[str, Any] = {"minutes": -first.minutes, "value": -first.value}
    redemption = standing_redemption(entry) if step is Step.RETURNED else None
    if redemption:
        taken = redemption.taken
        lost = {"minutes": 0, "value": Decimal(0), "redeemed": -taken, "balance": entry.left + taken}
    elif entry.voucher:
        lost["balance"] = Decimal(0)
    reversal = add_entry(
        actor,
        entry.compensation,
        step,
        follows=entry,
        cap=entry.cap,
        voucher=entry.voucher,
        extended=entry.extended,
        undoing=undoing,
        reason=undoing.reason,
        now=now,
        **lost,
    )
    # A redemption of an earlier build has no credit note.
    if redemption and (note := CreditNote.objects.filter(entry=redemption).first()):
        issue_credit_note(entry=reversal, cancels=note, now=now)
    if step is Step.SHORTENED and entry.extended:
        extend_contract(actor=actor, contract=entry.extended, minutes=-entry.minutes, reason=undoing.reason, now=now)
    return reversal
