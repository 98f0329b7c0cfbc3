"""Publish amendments with their notice, remind of them, and withdraw them (5.2)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import lock_chain, record, require
from sla_portal.customers.models import Contact
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.models import Delivery, Kind, Notice
from sla_portal.notices.operations import give_notice

from .. import emails
from ..models import CLAUSE_FIELDS, TERM_FIELDS, AgreementVersion, Contract, FurtherNotice
from ..queries import (
    contacts_under_contract,
    customers_not_notified,
    deliveries_of,
    earliest_day,
    newest_version,
    pending_versions,
    notified_off_record,
    notified_or_concerned,
    version_in_force,
)
from .drafting import check_draft
from .refusals import check_reason, check_second_person, locked_draft, locked_version

REMINDED_DAYS_BEFORE = (1, 7)
"""When customers are reminded; where two are due at once, the nearer is enough."""


class NoticeTooShort(Refused):
    """Fewer full days than 5.2 asks for would lie between notice and effect."""


class SummaryMissing(Refused):
    """What changes is told in plain words, in every language."""


class NothingChanged(Refused):
    """The draft says what the version says that it starts from."""


class BasisOutdated(Refused):
    """Another version was published since; the draft would take effect on top of what it does not know."""


class NotSubmitted(Refused):
    """Nobody has asked for the publication."""


class AlreadyPublished(Refused):
    """The version is published: a second click."""


class NotPending(Refused):
    """Only a published version that has not taken effect can be withdrawn."""


class EveryoneNotified(Refused):
    """Every customer concerned who has an address was told."""


class AlreadyWithdrawn(Refused):
    """The version is withdrawn."""


class LaterVersionPublished(Refused):
    """A later version starts from the one that is to be withdrawn."""


def submit_draft(*, actor: Actor, draft: AgreementVersion, effective_on: date, now: datetime) -> None:
    """Ask for a draft's publication with effect on a day; from then on text and terms stand still until it is returned."""
    require(actor, "agreements.draft_version")
    with transaction.atomic():
        locked = locked_draft(draft)
        lock_chain()
        check_draft(locked)
        if not (locked.summary_of_changes and locked.summary_of_changes_zh):
            raise SummaryMissing(_("Describe in plain words what changes, in English and in Chinese."))
        _check_basis(locked)
        if _says(locked) == _says(locked.based_on):
            raise NothingChanged(_("The draft is identical to version %(version)s.") % {"version": locked.based_on})
        _check_notice(effective_on, now)
        _check_order(effective_on)
        locked.effective_on, locked.submitted_by, locked.submitted_at = effective_on, actor.user, now
        locked.save(update_fields=["effective_on", "submitted_by", "submitted_at"])
        record(
            actor=actor,
            action="asked for the publication of",
            subject=locked,
            changes={"effective_on": [None, effective_on]},
            now=now,
        )
    draft.refresh_from_db()


def send_back_draft(*, actor: Actor, draft: AgreementVersion, reason: str, now: datetime) -> None:
    """Give a draft whose publication was asked for back to be changed."""
    require(actor, "agreements.draft_version")
    check_reason(reason)
    with transaction.atomic():
        locked = locked_version(draft)
        _check_submitted(locked)
        before = locked.effective_on
        locked.effective_on = locked.submitted_by = locked.submitted_at = None
        locked.save(update_fields=["effective_on", "submitted_by", "submitted_at"])
        record(
            actor=actor,
            action="returned",
            subject=locked,
            changes={"effective_on": [before, None]},
            reason=reason,
            now=now,
        )
    draft.refresh_from_db()


def publish_version(*, actor: Actor, version: AgreementVersion, now: datetime) -> Notice:
    """Publish what another person asked to: the announcement, a mail for each contact, and a text that stands still for good.

    Notice is given at `now` (5.2); the version takes effect at 00:00 of its day on the SLA clock. Raises `AlreadyPublished` on a second
    click, `NotSubmitted`, `SecondPersonNeeded`, `BasisOutdated`, and `NoticeTooShort` where too many days passed since it was asked for.
    """
    require(actor, "agreements.publish_version")
    with transaction.atomic():
        locked = locked_version(version)
        # Held, so that whoever signs is either told now or, signing later, told then.
        lock_chain()
        _check_submitted(locked)
        check_second_person(
            actor,
            locked.submitted_by,
            _("You submitted this version for approval. Another person must check and publish it."),
        )
        _check_basis(locked)
        _check_notice(locked.takes_effect_on, now)
        locked.published_at, locked.published_by = now, actor.user
        locked.sha256 = locked.expected_sha256()
        locked.save(update_fields=["published_at", "published_by", "sha256"])
        locked.clauses.update(frozen=True)
        today = local_date(epoch(now), settings.SLA_ZONE)
        locked.notice = _tell(
            actor,
            locked,
            emails.Step.ANNOUNCEMENT,
            contacts_under_contract((), today, locked.takes_effect_on - timedelta(days=1)),
            now,
            public=True,
        )
        locked.save(update_fields=["notice"])
        record(
            actor=actor,
            action="published",
            subject=locked,
            changes={
                "effective_on": [None, locked.effective_on],
                "sha256": [None, locked.sha256],
                "notice": [None, locked.notice.number],
            },
            now=now,
        )
    version.refresh_from_db()
    return locked.notice


def withdraw_version(*, actor: Actor, version: AgreementVersion, reason: str, now: datetime) -> Notice:
    """Withdraw a version before it takes effect, and tell everyone who was told of it; it never governs (5.2)."""
    require(actor, "agreements.publish_version")
    check_reason(reason)
    with transaction.atomic():
        locked = locked_version(version)
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
        locked.withdrawn_at, locked.withdrawn_by, locked.withdrawal_reason = now, actor.user, reason.strip()
        locked.withdrawal_notice = _tell(
            actor,
            locked,
            emails.Step.WITHDRAWAL,
            notified_or_concerned(locked),
            now,
            public=True,
            notified_before=notified_off_record(locked),
        )
        locked.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawal_reason", "withdrawal_notice"])
        record(
            actor=actor,
            action="withdrew",
            subject=locked,
            changes={"withdrawal_notice": [None, locked.withdrawal_notice.number]},
            reason=reason,
            now=now,
        )
    version.refresh_from_db()
    return locked.withdrawal_notice


def notify_missed(*, actor: Actor, version: AgreementVersion, now: datetime) -> Notice:
    """Tell the customers whom a version concerns and no mail about it went to: what a history file added, what had no contact.

    Raises `NotPending` once the version has taken effect or was withdrawn, and `EveryoneNotified`, on a second click too.
    """
    require(actor, "agreements.publish_version")
    with transaction.atomic():
        locked = locked_version(version)
        lock_chain()
        today = local_date(epoch(now), settings.SLA_ZONE)
        if not locked.notice or locked.withdrawn_at or locked.takes_effect_on <= today:
            raise NotPending(_("Customers can be notified only of a version that is announced and not yet in force."))
        audience = Contact.objects.filter(customer__in=customers_not_notified(locked).order_by())
        if not audience.exists():
            raise EveryoneNotified(_("Every customer concerned who has an e-mail address was notified."))
        notice = _tell(actor, locked, emails.Step.ANNOUNCEMENT, audience, now)
        FurtherNotice.objects.create(version=locked, notice=notice)
    return notice


def remind_due(*, now: datetime) -> int:
    """Remind of versions that take effect in seven days or tomorrow; returns how many notices were given.

    Reminded is who will have a contract on that day, so whoever ended it is not. Each reminder is given once, however often this runs.
    """
    today = local_date(epoch(now), settings.SLA_ZONE)
    return sum(_remind(version, today, now) for version in pending_versions(today))


def _remind(version: AgreementVersion, today: date, now: datetime) -> bool:
    with transaction.atomic():
        locked = locked_version(version)
        days = _days_to_remind(locked, today)
        if days is None:
            return False
        audience = contacts_under_contract((), locked.takes_effect_on, locked.takes_effect_on)
        notice = _tell(Actor.system("schedule"), locked, emails.Step.REMINDER, audience, now)
        FurtherNotice.objects.create(version=locked, days_before=days, notice=notice)
    return True


def _days_to_remind(version: AgreementVersion, today: date) -> int | None:
    """Which reminder is due; None where none is, or it was given."""
    if version.withdrawn_at or not version.notice or not version.published_at:
        return None
    announced_on = local_date(epoch(version.published_at), settings.SLA_ZONE)
    for days in REMINDED_DAYS_BEFORE:
        due_on = version.takes_effect_on - timedelta(days=days)
        if announced_on < due_on <= today < version.takes_effect_on:
            given = FurtherNotice.objects.filter(version=version, days_before=days).exists()
            return None if given else days
    return None


def notify_of_pending(*, contract: Contract, now: datetime) -> list[Notice]:
    """Tell who has just signed of the versions that were announced and have not taken effect (5.2).

    Contacts who were told of a version already are not told again.
    """
    today = local_date(epoch(now), settings.SLA_ZONE)
    given: list[Notice] = []
    with transaction.atomic():
        lock_chain()
        if contract.last_day < today:
            return given
        for version in pending_versions(today):
            told = deliveries_of(version).filter(contact__isnull=False).values("contact")
            audience = Contact.objects.filter(customer=contract.customer_id).exclude(pk__in=told)
            if not version.notice or not audience.exists():
                continue
            actor = Actor.system(f"signing of {contract}")
            notice = _tell(actor, version, emails.Step.SIGNING, audience, now, contract=contract)
            FurtherNotice.objects.create(version=version, contract=contract, notice=notice)
            given.append(notice)
    return given


def _tell(
    actor: Actor,
    version: AgreementVersion,
    step: emails.Step,
    audience: emails.Audience,
    now: datetime,
    *,
    public: bool = False,
    contract: Contract | None = None,
    notified_before: QuerySet[Delivery] | None = None,
) -> Notice:
    return give_notice(
        actor=actor,
        kind=Kind.AMENDMENT,
        about=version.version,
        wordings=emails.words(version, step, contract),
        audience=audience,
        public=public,
        now=now,
        notified_before=notified_before,
    )


def _check_submitted(version: AgreementVersion) -> None:
    if version.published_at:
        raise AlreadyPublished(_("Version %(version)s was already published.") % {"version": version})
    if not version.submitted_at:
        raise NotSubmitted(_("Version %(version)s was not submitted for approval.") % {"version": version})


def _check_basis(draft: AgreementVersion) -> None:
    newest = newest_version()
    if draft.based_on != newest:
        raise BasisOutdated(
            _("The draft is based on version %(basis)s, but the newest version is now %(newest)s. Start a new draft based on that.")
            % {"basis": draft.based_on, "newest": newest}
        )


def _check_notice(effective_on: date, now: datetime) -> None:
    earliest = earliest_day(now)
    if effective_on < earliest:
        today = local_date(epoch(now), settings.SLA_ZONE)
        raise NoticeTooShort(
            _(
                "If announced on %(today)s, it takes effect on %(earliest)s at the earliest: %(days)d full days must lie between announcement and effective date (5.2)."
            )
            % {
                "today": today.isoformat(),
                "earliest": earliest.isoformat(),
                "days": version_in_force(today).amendment_notice_days,
            }
        )


def _check_order(effective_on: date) -> None:
    newest = newest_version()
    if newest and effective_on <= newest.takes_effect_on:
        raise NoticeTooShort(
            _("Version %(version)s takes effect on %(day)s. The next version can take effect on the following day at the earliest.")
            % {"version": newest, "day": newest.takes_effect_on.isoformat()}
        )


def _says(version: AgreementVersion | None) -> object:
    """Text and terms, to be compared."""
    if version is None:
        return None
    terms = [getattr(version, name) for name in TERM_FIELDS]
    return terms, [[getattr(clause, name) for name in CLAUSE_FIELDS] for clause in version.clauses.all()]
