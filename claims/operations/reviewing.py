"""Review claims: one person recommends, another decides; a refusal may be appealed once, to a third (3, 5.1)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from claims.emails import decision_letter, fingerprint, given_by, question_letter
from sla_portal.agreements.models import Contract
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Occasion
from sla_portal.audit.operations import check_unchanged, make_checkpoint, require
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.money import format_amount as amount
from sla_portal.notices.wording import Words

from ..models import Claim, Decision, Enclosure, Outcome, Recommendation, Status
from ..queries import Assessment, assess, claimed_before, deciders_of_appeal, refusal_of
from ..rules import GROUNDS, worth
from ..words import result_text
from .due import go_on, note_answer, restart_decision, stop_clock
from .enclosing import check_enclosed, files_of
from .ledger import grant
from .notifying import notify, require_addressee, send_letter
from .receiving import change_status, locked_claim

IN_REVIEW = (Status.SUBMITTED, Status.WAITING)
FIGURES = ("counted_minutes", "trial_minutes", "total_minutes", "monthly_charge", "unavailable_minutes")
"""The figures on which a recommendation is based; if one has changed, it must be sent back."""


class ReasonMissing(Refused):
    """A reason is required."""

    field = "reason"


class QuestionMissing(Refused):
    """The question to the customer is empty."""

    field = "question"


class UnknownClause(Refused):
    """A refusal must name one of the `GROUNDS`."""

    field = "clause"


class GroundNotOnRecord(Refused):
    """No check fails under the clause of a refusal, and no exclusion under it covers claimed minutes."""

    field = "clause"


class ChecksNotPassed(Refused):
    """A check failed or is pending."""


class VoucherNotPossible(Refused):
    """The number of voucher minutes is not possible."""

    field = "voucher_minutes"


class EmailMissing(Refused):
    """A decision needs an e-mail with subject and text."""

    field = "letter_text"


class LetterChanged(Refused):
    """The letter would not go as it was shown."""


class SecondPersonNeeded(Refused):
    """The recommender must not decide, and nobody involved in a refusal may decide its appeal."""


class NobodyLeftToDecide(Refused):
    """Only the recommender may still decide the appeal."""


class FiguresChanged(Refused):
    """The figures have changed since the recommendation."""


class AlreadyDecided(Refused):
    """The recommendation is already decided or superseded."""


class AppealNotPossible(Refused):
    """Only a refusal can be appealed, and only once."""


def ask_customer(*, actor: Actor, claim: Claim, question: str, now: datetime) -> None:
    """Ask the claimant a question by e-mail; the claim is waiting on the customer."""
    require(actor, "claims.review_claim")
    if not question.strip():
        raise QuestionMissing(_("Enter the question to the customer."))
    with transaction.atomic():
        locked = locked_claim(actor, claim, *IN_REVIEW)
        require_addressee(locked)
        if locked.status == Status.WAITING:
            go_on(locked, now)
        locked.asked, locked.asked_at = question, now
        note_answer(locked, now)
        change_status(actor, locked, Status.WAITING, "asked about", question, now)
        send_letter(actor, locked, question_letter(locked, question), now)


def customer_answered(*, actor: Actor, claim: Claim, text: str, now: datetime) -> None:
    """Record the claimant's answer; the claim is under review again."""
    require(actor, "claims.review_claim")
    with transaction.atomic():
        locked = locked_claim(actor, claim, Status.WAITING)
        go_on(locked, now)
        change_status(actor, locked, Status.SUBMITTED, "noted an answer to", text, now)
        notify(actor, locked, "answered", now)


def recommend(
    *,
    actor: Actor,
    claim: Claim,
    outcome: str,
    clause: str,
    reason: str,
    voucher_minutes: int,
    letter_subject: str,
    letter_text: str,
    now: datetime,
    enclosures: Collection[Enclosure] = (),
) -> Recommendation:
    """Recommend to grant a claim, `voucher_minutes` of it as a voucher and the rest as extension, or to refuse it.

    A grant requires that every check passed; a refusal requires a clause on which the record lets it rest
    (`Assessment.grounds`). `enclosures` go with the letter. Nothing is granted and nobody is notified until another
    person decides.
    """
    require(actor, "claims.review_claim")
    if not reason.strip():
        raise ReasonMissing(_("Give a reason. The approver reads it, and it stays on record."))
    if not letter_subject.strip() or not letter_text.strip():
        raise EmailMissing(_("The e-mail needs a subject and a text."))
    check_enclosed(claim, enclosures)
    with transaction.atomic():
        locked = locked_claim(actor, claim, *IN_REVIEW)
        assessment = assess(locked, now)
        granting = outcome == Outcome.GRANT
        _check_decidable(actor, locked)
        if granting:
            _check_grant(assessment, voucher_minutes)
        elif clause not in GROUNDS:
            raise UnknownClause(_("A refusal must name the clause on which it is based. Choose one."))
        else:
            _check_ground(assessment, clause)
        recommendation = Recommendation.objects.create(
            claim=locked,
            outcome=outcome,
            clause="3.2" if granting else clause,
            reason=reason,
            voucher_minutes=voucher_minutes if granting else 0,
            extension_minutes=assessment.entitlement.minutes - voucher_minutes if granting else 0,
            letter_subject=" ".join(letter_subject.split()),
            letter_text=letter_text,
            facts=assessment.facts(),
            after_appeal=locked.appealed_at is not None,
            recommended_by=actor.user,
            recommended_at=now,
        )
        if locked.status == Status.WAITING:
            go_on(locked, now)
        locked.recommended_by = actor.user
        recommendation.enclosures.add(*enclosures)
        action = "recommended to grant" if granting else "recommended to refuse"
        change_status(actor, locked, Status.RECOMMENDED, action, reason, now)
    return recommendation


def withdraw_recommendation(*, actor: Actor, claim: Claim, reason: str, now: datetime) -> None:
    """Withdraw one's own recommendation before it is decided."""
    require(actor, "claims.review_claim")
    with transaction.atomic():
        locked = locked_claim(actor, claim, Status.RECOMMENDED)
        if current(locked).recommended_by_id != actor.user.pk:
            raise SecondPersonNeeded(
                _("Another person made this recommendation. Approve it, or send it back with a reason.")
            )
        locked.recommended_by = None
        _return(actor, locked, "took back the recommendation of", reason, now)


def send_back_claim(
    *, actor: Actor, claim: Claim, recommendation: int, reason: str, key: UUID, now: datetime
) -> Decision:
    """Send back the recommendation of another person with a reason; the claimant is not notified."""
    require(actor, "claims.decide_claim")
    if not reason.strip():
        raise ReasonMissing(_("Give a reason for sending it back."))
    with transaction.atomic():
        Claim.objects.select_for_update().get(pk=claim.pk)
        if known := Decision.objects.filter(key=key).first():
            return known
        locked = locked_claim(actor, claim, Status.RECOMMENDED)
        decision = _decision(actor, locked, recommendation, key, agreed=False, reason=reason, now=now)
        locked.recommended_by = None
        _return(actor, locked, "returned", reason, now)
    return decision


def return_recommendations_of_earlier_rule(*, now: datetime) -> int:
    """Send back undecided grants whose minutes an earlier build valued by the service days of the month (3.2).

    What was granted stays. Returns their number; idempotent.
    """
    newest = {
        one.claim_id: one
        for one in Recommendation.objects.filter(claim__status=Status.RECOMMENDED)
        .select_related("claim")
        .order_by("id")
    }
    outdated = [
        one
        for one in newest.values()
        if one.outcome == Outcome.GRANT and one.facts["total_minutes"] != one.claim.service_month.total_minutes
    ]
    return sum(_return_to_reviewer(one, now) for one in outdated)


def _return_to_reviewer(recommendation: Recommendation, now: datetime) -> bool:
    with transaction.atomic():
        claim = Claim.objects.select_for_update().get(pk=recommendation.claim_id)
        if claim.status != Status.RECOMMENDED or current(claim) != recommendation:
            return False
        reason = _("Minutes are valued by the whole calendar month now (3.2). Check the amounts and recommend again.")
        claim.recommended_by = None
        change_status(Actor.system("calendar"), claim, Status.SUBMITTED, "returned", reason, now)
    return True


def decide(*, actor: Actor, claim: Claim, recommendation: int, key: UUID, now: datetime, letter: str = "") -> Decision:
    """Approve the recommendation of another person: grant the compensation or refuse, and send the e-mail.

    `recommendation` is the primary key of the one that was displayed. The same `key` decides only once. What exceeds the
    cap now is cut, and the e-mail says so (5.1). `letter` is the fingerprint of the e-mail that was displayed: no other is
    sent, so a decision that would send another raises `LetterChanged`. Empty: none was displayed.
    """
    require(actor, "claims.decide_claim")
    with transaction.atomic():
        # Of two concurrent requests the second waits here, then finds the decision of the first.
        Claim.objects.select_for_update().get(pk=claim.pk)
        if known := Decision.objects.filter(key=key).first():
            return known
        locked = locked_claim(actor, claim, Status.RECOMMENDED)
        require_addressee(locked)
        decision = _decision(actor, locked, recommendation, key, agreed=True, reason="", now=now)
        wanted = decision.recommendation
        locked.recommended_by = None
        note_answer(locked, now)
        stop_clock(locked)
        compensation = None
        assessment = assess(locked, now)
        if wanted.outcome == Outcome.GRANT:
            _check_unchanged(assessment, wanted)
            _check_grant(assessment, wanted.voucher_minutes)
            compensation = grant(actor=actor, decision=decision, assessment=assessment, now=now)
            change_status(actor, locked, Status.GRANTED, "granted", wanted.reason, now)
        else:
            _check_ground(assessment, wanted.clause)
            change_status(actor, locked, Status.REFUSED, "refused", wanted.reason, now)
        given = given_by(compensation) if compensation else None
        written = decision_letter(locked, wanted.letter_subject, wanted.letter_text, given)
        check_shown(written, letter)
        send_letter(actor, locked, written, now, files_of(wanted))
        make_checkpoint(occasion=Occasion.DECISION, about=decision, now=now)
    return decision


def appeal_refusal(*, actor: Actor, claim: Claim, text: str, now: datetime) -> None:
    """Record the one appeal against a refusal; the claim is under review again, and a third person will decide."""
    require(actor, "claims.review_claim")
    if not text.strip():
        raise ReasonMissing(_("Give the reasons for the appeal."))
    with transaction.atomic():
        locked = Claim.objects.select_for_update().get(pk=claim.pk)
        check_unchanged(actor, locked)
        if not locked.may_be_appealed:
            raise AppealNotPossible(_("Only a refusal can be appealed, and only once."))
        # A concurrent `receive_claim` for the month holds the lock on the contract.
        Contract.objects.select_for_update().get(pk=locked.contract_id)
        if claimed_before(locked):
            raise AppealNotPossible(
                _("A newer claim for this contract and month is open or granted. Continue with that one.")
            )
        locked.appealed_at, locked.appeal = now, text
        restart_decision(locked, now)
        change_status(actor, locked, Status.SUBMITTED, "appealed", text, now)
        notify(actor, locked, "appealed", now)


def check_shown(letter: Sequence[Words], shown: str) -> None:
    """Raise `LetterChanged` if a letter is not the one whose fingerprint the page carried."""
    if shown and fingerprint(letter) != shown:
        raise LetterChanged(_("The e-mail has changed since it was shown. Read it again before you decide."))


def _return(actor: Actor, claim: Claim, action: str, reason: str, now: datetime) -> None:
    """Take the recommendation off a claim: it is under review again; a credit that nobody claimed is over."""
    if claim.is_credit:
        stop_clock(claim)
    change_status(actor, claim, Status.WITHDRAWN if claim.is_credit else Status.SUBMITTED, action, reason, now)


def current(claim: Claim) -> Recommendation:
    """The newest recommendation of a claim that has one."""
    return claim.recommendations.order_by("-id")[0]


def _check_decidable(actor: Actor, claim: Claim) -> None:
    if claim.appealed_at and deciders_of_appeal(claim) == [actor.user]:
        raise NobodyLeftToDecide(
            _(
                "Only you may decide this appeal, so another person must recommend: "
                "who took part in the refusal may recommend, but not decide."
            )
        )


def _check_ground(assessment: Assessment, clause: str) -> None:
    if clause not in assessment.grounds:
        raise GroundNotOnRecord(
            _(
                "On the record the claim does not fail under clause %(clause)s: no check fails under it, "
                "and no confirmed exclusion under it covers claimed minutes. It could be refused under: %(grounds)s."
            )
            % {"clause": clause, "grounds": ", ".join(assessment.grounds)}
        )


def _check_grant(assessment: Assessment, voucher_minutes: int) -> None:
    for finding in assessment.blocking:
        raise ChecksNotPassed(
            _("The claim cannot be granted: %(fact)s (clause %(clause)s)")
            % {"fact": result_text(finding, assessment), "clause": finding.clause}
        )
    entitlement = assessment.entitlement
    if not 0 <= voucher_minutes <= entitlement.paid:
        raise VoucherNotPossible(
            _("Voucher minutes must be between 0 and %(most)d, the minutes that carry a charge.")
            % {"most": entitlement.paid}
        )
    if voucher_minutes and not worth(voucher_minutes, entitlement):
        raise VoucherNotPossible(
            _(
                "A voucher for %(minutes)d min would amount to %(nothing)s. "
                "Increase the voucher minutes, or grant all as service extension."
            )
            % {"minutes": voucher_minutes, "nothing": amount(worth(0, entitlement), entitlement.currency)}
        )
    if voucher_minutes < entitlement.minutes and assessment.extendable is None and entitlement.paid > voucher_minutes:
        raise VoucherNotPossible(
            _("The contract has ended and cannot be extended. Grant all %(most)d min that carry a charge as voucher.")
            % {"most": entitlement.paid}
        )


def _check_unchanged(assessment: Assessment, recommendation: Recommendation) -> None:
    now_known = assessment.facts()
    if any(now_known[name] != recommendation.facts[name] for name in FIGURES):
        raise FiguresChanged(_("The figures have changed since the recommendation. Send it back for another review."))


def _decision(
    actor: Actor, claim: Claim, recommendation: int, key: UUID, *, agreed: bool, reason: str, now: datetime
) -> Decision:
    """Create the decision about the displayed recommendation, if `actor` may decide it."""
    wanted = current(claim)
    if wanted.pk != recommendation or hasattr(wanted, "decision"):
        raise AlreadyDecided(
            _("Another recommendation or decision was made in the meantime. Reload the page and check it.")
        )
    if wanted.recommended_by_id == actor.user.pk:
        raise SecondPersonNeeded(_("You made this recommendation. Another person must approve it."))
    refusal = refusal_of(claim)
    if refusal and agreed and actor.user.pk in (refusal.decided_by_id, refusal.recommended_by_id):
        raise SecondPersonNeeded(_("You took part in the refusal. A third person must decide the appeal."))
    decision = Decision(
        recommendation=wanted,
        key=key,
        agreed=agreed,
        reason=reason,
        recommended_by=wanted.recommended_by,
        decided_by=actor.user,
        decided_at=now,
    )
    if refusal and agreed:
        decision.refused_by, decision.refusal_recommended_by = refusal.decided_by, refusal.recommended_by
    decision.save(force_insert=True)
    return decision
