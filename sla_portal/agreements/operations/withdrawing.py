"""Withdraw an announced version: one person requests it with the letter, another confirms it (5.2)."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Occasion
from sla_portal.audit.operations import lock_chain, make_checkpoint, record, require
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.models import Notice

from .. import emails
from ..models import AgreementVersion, Withdrawal, WithdrawalStatus
from ..queries import customers_notified_or_concerned, notified_off_record, notified_or_concerned
from .publishing import PUBLISH, NotPending, notify
from .refusals import NotAcceptable, SecondPersonNeeded, check_reason, check_second_person, cleaned, locked_version


class AlreadyWithdrawn(Refused):
    """The version is withdrawn."""


class LaterVersionPublished(Refused):
    """A later version is based on the one to be withdrawn."""


class WithdrawalRequested(Refused):
    """A request to withdraw the version waits for another person already."""


class WithdrawalDecided(Refused):
    """The request was confirmed, sent back or cancelled already."""


class NotTheRequester(Refused):
    """Only the person who made a request cancels it; others send it back."""


def request_withdrawal(
    *, actor: Actor, version: AgreementVersion, reason: str, reason_zh: str, now: datetime
) -> Withdrawal:
    """Request to withdraw a version that is announced and not yet in force; the letter tells the reason in each language.

    Raises `NotAcceptable` with the field of a language that is missing.
    """
    require(actor, PUBLISH)
    with transaction.atomic():
        locked = _withdrawable(actor, version, now)
        withdrawal = _written(locked, reason, reason_zh)
        withdrawal.requested_at, withdrawal.requested_by = now, actor.user
        withdrawal.requested_by_name = actor.name[:200]
        withdrawal.save()
        record(
            actor=actor,
            action="requested the withdrawal of",
            subject=locked,
            changes={"reason": [None, withdrawal.reason], "reason_zh": [None, withdrawal.reason_zh]},
            now=now,
        )
    return withdrawal


def confirm_withdrawal(*, actor: Actor, withdrawal: Withdrawal, now: datetime) -> Notice:
    """Withdraw a version as another person requested it, and notify everyone who was notified of it (5.2)."""
    require(actor, PUBLISH)
    with transaction.atomic():
        version = _withdrawable(actor, withdrawal.version, now, requested=True)
        pending = _pending(withdrawal)
        if settings.PUBLISHING_NEEDS_SECOND_PERSON:
            check_second_person(
                actor,
                pending.requested_by,
                _("You requested this withdrawal. Another person must check and confirm it."),
            )
        pending.one_person = actor.user is not None and actor.user == pending.requested_by
        _decide(actor, pending, WithdrawalStatus.CONFIRMED, "", now)
        return _withdraw(actor, version, pending, now)


def return_withdrawal(*, actor: Actor, withdrawal: Withdrawal, reason: str, now: datetime) -> None:
    """Send a request back to the person who made it, with a reason."""
    require(actor, PUBLISH)
    check_reason(reason)
    with transaction.atomic():
        version = locked_version(actor, withdrawal.version)
        pending = _pending(withdrawal)
        check_second_person(
            actor,
            pending.requested_by,
            _("You requested this withdrawal. Cancel the request instead of sending it back."),
        )
        _decide(actor, pending, WithdrawalStatus.RETURNED, reason, now)
        record(actor=actor, action="returned the withdrawal of", subject=version, reason=reason, now=now)


def cancel_withdrawal(*, actor: Actor, withdrawal: Withdrawal, now: datetime) -> None:
    """Cancel a request that one made."""
    require(actor, PUBLISH)
    with transaction.atomic():
        version = locked_version(actor, withdrawal.version)
        pending = _pending(withdrawal)
        if actor.user and actor.user != pending.requested_by:
            raise NotTheRequester(_("Another person requested this. Send the request back instead of cancelling it."))
        _decide(actor, pending, WithdrawalStatus.CANCELLED, "", now)
        record(actor=actor, action="cancelled the withdrawal of", subject=version, now=now)


def withdraw_version(*, actor: Actor, version: AgreementVersion, reason: str, reason_zh: str, now: datetime) -> Notice:
    """Withdraw a version by one person, where the operator switched the second off. Raises `SecondPersonNeeded`."""
    require(actor, PUBLISH)
    if actor.user and settings.PUBLISHING_NEEDS_SECOND_PERSON:
        raise SecondPersonNeeded(_("Withdrawing a version needs two persons. Request it; another person confirms."))
    with transaction.atomic():
        locked = _withdrawable(actor, version, now)
        withdrawal = _written(locked, reason, reason_zh)
        withdrawal.requested_at = withdrawal.decided_at = now
        withdrawal.requested_by = withdrawal.decided_by = actor.user
        withdrawal.requested_by_name = actor.name[:200]
        withdrawal.one_person, withdrawal.status = actor.user is not None, WithdrawalStatus.CONFIRMED
        withdrawal.save()
        return _withdraw(actor, locked, withdrawal, now)


def _withdraw(actor: Actor, version: AgreementVersion, withdrawal: Withdrawal, now: datetime) -> Notice:
    version.withdrawn_at, version.withdrawn_by, version.withdrawal_reason = now, actor.user, withdrawal.reason
    notice = version.withdrawal_notice = notify(
        actor,
        version,
        emails.words(version, emails.Step.WITHDRAWAL, withdrawal=withdrawal),
        customers_notified_or_concerned(version),
        now,
        audience=notified_or_concerned(version),
        public=True,
        notified_before=notified_off_record(version),
    )
    version.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawal_reason", "withdrawal_notice"])
    record(
        actor=actor,
        action="withdrew",
        subject=version,
        changes={
            "withdrawal_notice": [None, notice.number],
            **({"by_one_person": [None, True]} if withdrawal.one_person else {}),
        },
        reason=withdrawal.reason,
        now=now,
    )
    make_checkpoint(occasion=Occasion.PUBLICATION, about=notice, now=now)
    return notice


def _withdrawable(
    actor: Actor, version: AgreementVersion, now: datetime, *, requested: bool = False
) -> AgreementVersion:
    """Lock a version that can be withdrawn now, and of which a withdrawal is `requested` or is not."""
    locked = locked_version(actor, version)
    lock_chain()
    if locked.withdrawn_at:
        raise AlreadyWithdrawn(_("Version %(version)s was already withdrawn.") % {"version": locked})
    if not locked.notice or locked.takes_effect_on <= local_date(epoch(now), settings.SLA_ZONE):
        raise NotPending(
            _(
                "Only a version that is announced and not yet in force can be withdrawn. Correct a mistake by another amendment (5.2)."
            )
        )
    later = AgreementVersion.objects.published().filter(effective_on__gt=locked.effective_on).first()
    if later:
        raise LaterVersionPublished(
            _("Version %(later)s is based on this version. Withdraw version %(later)s first.") % {"later": later}
        )
    if not requested and locked.withdrawals.filter(status=WithdrawalStatus.PENDING).exists():
        raise WithdrawalRequested(_("A request to withdraw this version waits for another person already."))
    return locked


def _written(version: AgreementVersion, reason: str, reason_zh: str) -> Withdrawal:
    """Return an unsaved withdrawal with its letter; raises `NotAcceptable`."""
    withdrawal, errors = Withdrawal(version=version), dict[str, list[str]]()
    for name, text in cleaned(withdrawal, {"reason": reason, "reason_zh": reason_zh}, errors).items():
        setattr(withdrawal, name, text)
    if errors:
        raise NotAcceptable(errors)
    return withdrawal


def _pending(withdrawal: Withdrawal) -> Withdrawal:
    """Lock a request that waits for a decision. Its version is locked before."""
    locked = Withdrawal.objects.select_for_update().get(pk=withdrawal.pk)
    if locked.status != WithdrawalStatus.PENDING:
        raise WithdrawalDecided(
            _("The status of this request is now “%(status)s”. Reload the page and check it again.")
            % {"status": locked.get_status_display()}
        )
    return locked


def _decide(actor: Actor, withdrawal: Withdrawal, status: WithdrawalStatus, reason: str, now: datetime) -> None:
    withdrawal.status, withdrawal.decided_at, withdrawal.decided_by = status, now, actor.user
    withdrawal.decision_reason = reason.strip()
    withdrawal.save(update_fields=["status", "decided_at", "decided_by", "decision_reason", "one_person"])
