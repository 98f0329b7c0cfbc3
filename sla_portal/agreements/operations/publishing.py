"""Submit and publish amendments, and notify customers of them (5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import register
from sla_portal.audit.models import Kind as DocumentKind
from sla_portal.audit.models import Occasion
from sla_portal.audit.operations import lock_chain, make_checkpoint, record, require
from sla_portal.customers.models import Contact, Customer, Right
from sla_portal.customers.queries import contacts_of, contacts_with
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.models import Delivery, Kind, Notice
from sla_portal.notices.operations import give_notice
from sla_portal.notices.wording import File, Words
from sla_portal.operator.queries import rehearsal_number

from .. import emails
from ..models import CLAUSE_FIELDS, TERM_FIELDS, AgreementVersion, Contract, FurtherNotice
from ..queries import (
    customers_not_notified,
    customers_under_contract,
    deliveries_for,
    earliest_day,
    newest_version,
    pending_versions,
    version_in_force,
)
from .attaching import files_to_attach
from .checking import check_text_and_terms, freeze_printed_texts
from .drafting import check_draft
from .freezing import freeze_changes
from .refusals import SecondPersonNeeded, check_reason, locked_draft, locked_version
from .reviewing import check_review

PUBLISH = "agreements.publish_version"
REMINDED_DAYS_BEFORE = (1, 7)
"""Days before the effective date on which customers are reminded; if two are due, only the nearer is sent."""


class NoticeTooShort(Refused):
    """Too few full days between notice and effect (5.2)."""

    field = "effective_on"


class SummaryMissing(Refused):
    """The summary of changes is missing in a language."""


class NothingChanged(Refused):
    """The draft is identical to the version it is based on."""


class BasisOutdated(Refused):
    """Another version was published since the draft was started."""


class NotSubmitted(Refused):
    """The version was not submitted for approval."""


class AlreadyPublished(Refused):
    """The version is already published."""


class NotPending(Refused):
    """Only a published version that has not taken effect can be withdrawn."""


class EveryoneNotified(Refused):
    """Every customer concerned who has an address was notified."""


def submit_draft(*, actor: Actor, draft: AgreementVersion, effective_on: date, now: datetime) -> None:
    """Submit a draft for approval with an effective date; text and terms are locked until it is sent back."""
    require(actor, "agreements.draft_version")
    with transaction.atomic():
        locked = locked_draft(actor, draft)
        lock_chain()
        check_draft(locked)
        if not (locked.summary_of_changes and locked.summary_of_changes_zh):
            raise SummaryMissing(_("Describe in plain words what changes, in English and in Chinese."))
        _check_basis(locked)
        if _content(locked) == _content(locked.based_on):
            raise NothingChanged(_("The draft is identical to version %(version)s.") % {"version": locked.based_on})
        check_text_and_terms(locked)
        check_review(locked)
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
    """Send a submitted draft back to be changed."""
    require(actor, "agreements.draft_version")
    check_reason(reason)
    with transaction.atomic():
        locked = locked_version(actor, draft)
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
    """Publish a version that another person submitted: announcement, an e-mail to each contact, and a locked text.

    Notice is given at `now` (5.2); the version takes effect at 00:00 of its effective date in the SLA time zone. Raises
    `AlreadyPublished`, `NotSubmitted`, `SecondPersonNeeded`, `BasisOutdated`, and `NoticeTooShort` if too many days have
    passed since it was submitted.
    """
    require(actor, PUBLISH)
    with transaction.atomic():
        locked = locked_version(actor, version)
        # Serializes with signing: a new customer is notified either now or when signing.
        lock_chain()
        _check_submitted(locked)
        alone = actor.user is not None and actor.user == locked.submitted_by
        if alone and settings.PUBLISHING_NEEDS_SECOND_PERSON:
            raise SecondPersonNeeded(
                _("You submitted this version for approval. Another person must check and publish it.")
            )
        if alone:
            # Nobody else submitted it: its page and the audit log say that it was one person.
            locked.submitted_by = None
        _check_basis(locked)
        _check_notice(locked.takes_effect_on, now)
        check_text_and_terms(locked)
        attachments = files_to_attach(locked)
        freeze_printed_texts(locked)
        locked.published_at, locked.published_by = now, actor.user
        locked.sha256 = locked.expected_sha256()
        locked.save(update_fields=["published_at", "published_by", "submitted_by", "sha256"])
        locked.clauses.update(frozen=True)
        today = local_date(epoch(now), settings.SLA_ZONE)
        locked.notice = notify(
            actor,
            locked,
            emails.words(locked, emails.Step.ANNOUNCEMENT, attached=bool(attachments)),
            customers_under_contract((), today, locked.takes_effect_on - timedelta(days=1)),
            now,
            public=True,
            attachments=attachments,
        )
        locked.mailed_pdfs.all().delete()
        locked.save(update_fields=["notice"])
        freeze_changes(version=locked, now=now)
        record(
            actor=actor,
            action="published",
            subject=locked,
            changes={
                "effective_on": [None, locked.effective_on],
                "sha256": [None, locked.sha256],
                "notice": [None, locked.notice.number],
                **({"by_one_person": [None, True]} if alone else {}),
            },
            now=now,
        )
        register(
            kind=DocumentKind.AGREEMENT,
            number=locked.version,
            sha256=locked.sha256,
            issued_at=now,
            rehearsal=rehearsal_number(),
        )
        make_checkpoint(occasion=Occasion.PUBLICATION, about=locked.notice, now=now)
    version.refresh_from_db()
    return locked.notice


def notify_missed(*, actor: Actor, version: AgreementVersion, now: datetime) -> Notice:
    """Notify customers concerned by a version whom no e-mail reached: added by a history file, or without a contact before.

    Raises `NotPending` once the version has taken effect or was withdrawn, and `EveryoneNotified`.
    """
    require(actor, PUBLISH)
    with transaction.atomic():
        locked = locked_version(actor, version)
        lock_chain()
        today = local_date(epoch(now), settings.SLA_ZONE)
        if not locked.notice or locked.withdrawn_at or locked.takes_effect_on <= today:
            raise NotPending(_("Customers can be notified only of a version that is announced and not yet in force."))
        missed = customers_not_notified(locked)
        if not contacts_of(missed).exists():
            raise EveryoneNotified(_("Every customer concerned who has an e-mail address was notified."))
        attachments = files_to_attach(locked)
        wordings = emails.words(locked, emails.Step.ANNOUNCEMENT, attached=bool(attachments))
        notice = notify(actor, locked, wordings, missed, now, attachments=attachments)
        FurtherNotice.objects.create(version=locked, notice=notice)
    return notice


def remind_due(*, now: datetime) -> int:
    """Send reminders of versions that take effect in seven days or tomorrow; return the number of notices.

    Recipients have a contract on the effective date. Each reminder is sent once, however often this runs.
    """
    today = local_date(epoch(now), settings.SLA_ZONE)
    return sum(_remind(version, today, now) for version in pending_versions(today))


def _remind(version: AgreementVersion, today: date, now: datetime) -> bool:
    actor = Actor.system("schedule")
    with transaction.atomic():
        locked = locked_version(actor, version)
        days = _days_to_remind(locked, today)
        if days is None:
            return False
        customers = customers_under_contract((), locked.takes_effect_on, locked.takes_effect_on)
        notice = notify(actor, locked, emails.words(locked, emails.Step.REMINDER), customers, now)
        FurtherNotice.objects.create(version=locked, days_before=days, notice=notice)
    return True


def _days_to_remind(version: AgreementVersion, today: date) -> int | None:
    """Return which reminder is due, in days before; None if none is, or it was sent."""
    if version.withdrawn_at or not version.notice or not version.published_at:
        return None
    announced_on = local_date(epoch(version.published_at), settings.SLA_ZONE)
    for days in REMINDED_DAYS_BEFORE:
        due_on = version.takes_effect_on - timedelta(days=days)
        if announced_on < due_on <= today < version.takes_effect_on:
            sent = FurtherNotice.objects.filter(version=version, days_before=days).exists()
            return None if sent else days
    return None


def notify_of_pending(*, contract: Contract, now: datetime) -> list[Notice]:
    """Notify a customer who has just signed of versions that are announced and not yet in force (5.2).

    Contacts who were already notified of a version for this customer are skipped.
    """
    today = local_date(epoch(now), settings.SLA_ZONE)
    issued: list[Notice] = []
    with transaction.atomic():
        lock_chain()
        if contract.last_day < today:
            return issued
        for version in pending_versions(today):
            notified = deliveries_for(version, contract.customer).filter(contact__isnull=False).order_by()
            customer = Customer.objects.filter(pk=contract.customer_id)
            audience = contacts_with(Right.LEGAL_NOTICES, customer).exclude(pk__in=notified.values("contact"))
            if not version.notice or not audience.exists():
                continue
            actor = Actor.system(f"signing of {contract}")
            attachments = files_to_attach(version)
            wordings = emails.words(version, emails.Step.SIGNING, contract, attached=bool(attachments))
            notice = notify(actor, version, wordings, customer, now, audience=audience, attachments=attachments)
            FurtherNotice.objects.create(version=version, contract=contract, notice=notice)
            issued.append(notice)
    return issued


def notify(
    actor: Actor,
    version: AgreementVersion,
    wordings: Sequence[Words],
    customers: QuerySet[Customer],
    now: datetime,
    *,
    audience: QuerySet[Contact] | None = None,
    public: bool = False,
    notified_before: QuerySet[Delivery] | None = None,
    attachments: Sequence[File] = (),
) -> Notice:
    """Give a notice about a version, in the caller's transaction."""
    return give_notice(
        actor=actor,
        kind=Kind.AMENDMENT,
        about=version.version,
        wordings=wordings,
        audience=audience,
        customers=customers,
        right=Right.LEGAL_NOTICES,
        public=public,
        now=now,
        notified_before=notified_before,
        attachments=attachments,
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
            _(
                "The draft is based on version %(basis)s, but the newest version is now %(newest)s. Start a new draft based on that."
            )
            % {"basis": draft.based_on, "newest": newest}
        )


def _check_notice(effective_on: date, now: datetime) -> None:
    earliest = earliest_day(now)
    if effective_on < earliest:
        today = local_date(epoch(now), settings.SLA_ZONE)
        raise NoticeTooShort(
            _(
                "If announced on %(today)s, it takes effect on %(earliest)s at the earliest: %(days)d full days "
                "must lie between announcement and effective date (5.2)."
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
            _(
                "Version %(version)s takes effect on %(day)s. The next version can take effect on the following day at the earliest."
            )
            % {"version": newest, "day": newest.takes_effect_on.isoformat()}
        )


def _content(version: AgreementVersion | None) -> object:
    """Return text and terms for comparison."""
    if version is None:
        return None
    terms = [getattr(version, name) for name in TERM_FIELDS]
    return terms, [[getattr(clause, name) for name in CLAUSE_FIELDS] for clause in version.clauses.all()]
