"""Register customer responses to an amendment, with their consequences, and reply to objections (5.2)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, difference, record, require
from sla_portal.customers.models import Customer, Right
from sla_portal.customers.queries import acting_for, marked_contacts
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import day_span, local_date
from sla_portal.notices.models import Delivery, Kind, Notice
from sla_portal.notices.operations import Address, give_notice

from .. import emails
from ..models import AgreementVersion, Answer, Contract
from ..queries import concerned, reply_languages, running_contracts
from ..rules import AnswerKind, Stage, last_day_of_stopping
from .contracts import sign
from .periods import end_contract, locked_renewals
from .refusals import NotAcceptable, check_reason, cleaned

DAYS_TO_REPLY = timedelta(days=7)
"""Days in which an objection is replied to, unless Legal sets another deadline."""
RENEWED = (
    "reference", "starts_on", "ends_on", "monthly_charge", "currency", "trial_days", "terminated_on", "extended_minutes",
    "extended_to",
)  # fmt: skip
"""What is kept of a renewal that a termination withdraws."""


class AnswerOutOfTime(Refused):
    """The version was not announced yet, has taken effect, or is withdrawn."""

    field = "received_at"


class AnsweredAlready(Refused):
    """The customer has already given or withdrawn this response."""


class NotConcerned(Refused):
    """The customer, or the contract, is not concerned by the version."""


class NotAuthorised(Refused):
    """The recipient of the e-mail may not terminate the customer's contracts (5.2)."""


class ObjectionClosed(Refused):
    """The objection was replied to, or withdrawn."""


class NameMissing(Refused):
    """A response needs the name of the person responding."""

    field = "by_name"


class LastDayNotPossible(Refused):
    """A contract cannot end on that day because of the version."""

    field = "last_day"


def register_answer(
    *,
    actor: Actor,
    version: AgreementVersion,
    customer: Customer,
    kind: AnswerKind,
    by_name: str,
    now: datetime,
    contract: Contract | None = None,
    delivery: Delivery | None = None,
    text: str = "",
    received_at: datetime | None = None,
    last_day: date | None = None,
) -> Answer:
    """Register that a customer accepts a version, objects to it, or terminates its contracts because of it.

    An acceptance and an objection change nothing: the contract continues under the new version unless it is terminated. A
    termination ends each contract concerned, or `contract` alone, on `last_day`, by default the day before the effective
    date, and withdraws its renewals that have not begun. With a `delivery` it was given through the personal link in that
    e-mail; otherwise staff registers what was received at `received_at`, by default now. It is confirmed by e-mail.
    """
    require(actor, "agreements.register_answer")
    with transaction.atomic():
        answer = _register(
            actor, version, customer, kind, by_name, now, contract, delivery, text, received_at or now, last_day
        )
        _confirm([answer], emails.Event(kind.value), now)
    return answer


def register_answers(
    *,
    actor: Actor,
    version: AgreementVersion,
    customers: Sequence[Customer],
    kind: AnswerKind,
    by_name: str,
    now: datetime,
    delivery: Delivery,
    text: str = "",
    last_day: date | None = None,
) -> list[Answer]:
    """Register one response for each of several customers, such as the sites of an installer: all of them or none."""
    require(actor, "agreements.register_answer")
    with transaction.atomic():
        # All rows before the audit log, which the first response locks, and in one order.
        locked = list(Customer.objects.select_for_update().filter(pk__in=[one.pk for one in customers]).order_by("pk"))
        if kind is AnswerKind.TERMINATION:
            running = running_contracts(version, *locked).values("pk")
            list(Contract.objects.select_for_update().filter(pk__in=running).order_by("pk"))
        answers = [
            _register(actor, version, customer, kind, by_name, now, None, delivery, text, now, last_day)
            for customer in locked
        ]
        if answers:
            _confirm(answers, emails.Event(kind.value), now)
    return answers


def _register(
    actor: Actor,
    version: AgreementVersion,
    customer: Customer,
    kind: AnswerKind,
    by_name: str,
    now: datetime,
    contract: Contract | None,
    delivery: Delivery | None,
    text: str,
    received_at: datetime,
    last_day: date | None,
) -> Answer:
    """Register a response in the caller's transaction, without its confirmation."""
    errors: dict[str, list[str]] = {}
    said = cleaned(Answer(), {"by_name": by_name, "text": text} if by_name.strip() else {"text": text}, errors)
    if errors:
        raise NotAcceptable(errors)
    if "by_name" not in said:
        raise NameMissing(_("Enter who responds on behalf of the customer."))
    customer = Customer.objects.select_for_update().get(pk=customer.pk)
    # A withdrawal waits for the response, or is seen by it.
    version = AgreementVersion.objects.select_for_update(no_key=True).get(pk=version.pk)
    email = delivery.email if delivery else ""
    _check_time(version, received_at, now)
    _check_against_given(version, customer, kind, email, said["by_name"])
    if not concerned(version).filter(pk=customer.pk).exists():
        raise NotConcerned(
            _(
                "Version %(version)s does not concern %(customer)s: none of their contracts is in force before it takes effect."
            )
            % {"version": version, "customer": customer}
        )
    if delivery and kind is AnswerKind.TERMINATION:
        check_authorised(customer, email)
    ended: list[Contract] = []
    renewals: dict[int, list[Contract]] = {}
    if kind is AnswerKind.TERMINATION:
        ended = _contracts_to_end(version, customer, contract)
        renewals = {one.pk: locked_renewals([one]) for one in ended}
        last_day = _last_day(version, ended, last_day, now)
    else:
        last_day = None
    before = {str(one.pk): _as_it_was(one, renewals[one.pk]) for one in ended}
    answer = Answer.objects.create(
        version=version,
        customer=customer,
        contract=contract,
        kind=kind.value,
        received_at=received_at,
        registered_at=now,
        via=Answer.Via.LINK if delivery else Answer.Via.STAFF,
        registered_by=actor.user,
        delivery=delivery,
        email=email,
        last_day=last_day,
        due_on=_reply_due_on(version, received_at) if kind is AnswerKind.OBJECTION else None,
        **said,
    )
    answer.ended.set(ended)
    record(
        actor=actor,
        action="registered",
        subject=answer,
        changes={
            "version": [None, version.version],
            "kind": [None, kind.value],
            "by_name": [None, answer.by_name],
            "email": [None, email],
            "received_at": [None, received_at],
            "last_day": [None, last_day],
        },
        now=now,
    )
    for one in ended:
        reason = _("The customer does not agree to version %(version)s (5.2).") % {"version": version}
        end_contract(actor=actor, contract=one, last_day=last_day, renewals=renewals[one.pk], reason=reason, now=now)
        # What could not be withdrawn stands, and is not to be restored.
        gone = {renewal.reference for renewal in renewals[one.pk] if renewal.pk is None}
        was = before[str(one.pk)]
        was["renewals"] = [renewal for renewal in was["renewals"] if renewal["reference"] in gone]
    if before:
        answer.before = json.loads(json.dumps(before, cls=DjangoJSONEncoder))
        answer.save(update_fields=["before"])
    return answer


def withdraw_answer(
    *, actor: Actor, answer: Answer, reason: str, now: datetime, delivery: Delivery | None = None
) -> None:
    """Withdraw a response before the version takes effect; contracts that it terminated continue as they were before.

    Through the personal link in a `delivery`, those withdraw a termination who may terminate.
    """
    require(actor, "agreements.register_answer")
    check_reason(reason)
    with transaction.atomic():
        customer = Customer.objects.select_for_update().get(pk=answer.customer_id)
        row = Answer.objects.select_for_update().get(pk=answer.pk)
        check_unchanged(actor, row)
        if row.withdrawn_at:
            raise AnsweredAlready(_("The response was already withdrawn."))
        if delivery and row.kind == AnswerKind.TERMINATION.value:
            check_authorised(customer, delivery.email)
        if row.version.withdrawn_at and row.kind == AnswerKind.TERMINATION.value:
            raise AnswerOutOfTime(
                _("Version %(version)s was withdrawn. Reinstate the contracts, with the customer's consent.")
                % {"version": row.version}
            )
        today = local_date(epoch(now), settings.SLA_ZONE)
        if row.last_day and row.last_day < today:
            raise LastDayNotPossible(
                _("The contract ended on %(day)s. A new contract has to be signed (1.2).")
                % {"day": row.last_day.isoformat()}
            )
        if row.version.takes_effect_on <= today and not row.version.withdrawn_at:
            raise AnswerOutOfTime(
                _("Version %(version)s has taken effect. Earlier responses stay on record.") % {"version": row.version}
            )
        # Lock rows before the audit log, as everywhere, to prevent deadlocks.
        ended = Contract.objects.select_for_update().filter(pk__in=row.ended.values("pk"), terminated_on=row.last_day)
        continuing = list(ended.order_by("pk"))
        row.withdrawn_at, row.withdrawal_reason = now, reason.strip()
        row.save(update_fields=["withdrawn_at", "withdrawal_reason"])
        record(
            actor=actor, action="took back", subject=row, changes={"withdrawn_at": [None, now]}, reason=reason, now=now
        )
        for contract in continuing:
            restore_contract(actor=actor, answer=row, contract=contract, reason=reason, now=now)
        _confirm([row], emails.Event.WITHDRAWN, now, contracts=continuing, delivery=delivery)
    answer.refresh_from_db()


# Objections are cases


def assign_objection(*, actor: Actor, answer: Answer, owner: User | None, due_on: date, now: datetime) -> None:
    """Set who replies to an objection, and by which day."""
    require(actor, "agreements.register_answer")
    with transaction.atomic():
        row = _locked_objection(actor, answer)
        changes = difference(
            {"owner": row.owner and row.owner.username, "due_on": row.due_on},
            {"owner": owner and owner.username, "due_on": due_on},
        )
        if changes:
            row.owner, row.due_on = owner, due_on
            row.save(update_fields=["owner", "due_on"])
            record(actor=actor, action="set the deadline of", subject=row, changes=changes, now=now)


def reply_to_objection(*, actor: Actor, answer: Answer, reply: str, reply_zh: str, now: datetime) -> Notice:
    """Reply to an objection by an e-mail to its sender and the customer's contacts for legal notices.

    Raises `NotAcceptable` with the field of a language in which somebody reads it and that is missing.
    """
    require(actor, "agreements.register_answer")
    with transaction.atomic():
        row = _locked_objection(actor, answer)
        errors: dict[str, list[str]] = {}
        said = cleaned(row, {"reply": reply, "reply_zh": reply_zh}, errors)
        for language in reply_languages(row):
            field = "reply_zh" if language.startswith("zh") else "reply"
            if not errors.get(field) and not said[field]:
                errors[field] = [_("Somebody who gets the reply reads this language. Enter the reply in it.")]
        if errors:
            raise NotAcceptable(errors)
        row.reply, row.reply_zh, row.replied_at, row.replied_by = said["reply"], said["reply_zh"], now, actor.user
        row.save(update_fields=["reply", "reply_zh", "replied_at", "replied_by"])
        record(
            actor=actor,
            action="replied to",
            subject=row,
            changes={name: [None, text] for name, text in said.items() if text},
            now=now,
        )
        return _confirm([row], emails.Event.REPLY, now)


def _locked_objection(actor: Actor, answer: Answer) -> Answer:
    row = Answer.objects.select_for_update().get(pk=answer.pk)
    check_unchanged(actor, row)
    if row.kind != AnswerKind.OBJECTION.value or row.withdrawn_at:
        raise ObjectionClosed(_("The objection was withdrawn. No reply is needed."))
    if row.replied_at:
        raise ObjectionClosed(_("The objection was already replied to."))
    return row


def _reply_due_on(version: AgreementVersion, received_at: datetime) -> date:
    """The day by which an objection is replied to: a week, and before the version takes effect."""
    received_on = local_date(epoch(received_at), settings.SLA_ZONE)
    return max(received_on, min(received_on + DAYS_TO_REPLY, version.takes_effect_on - timedelta(days=1)))


# Contracts as they were


def _as_it_was(contract: Contract, renewals: Sequence[Contract]) -> dict[str, Any]:
    return {
        "terminated_on": contract.terminated_on,
        "renewals": [{name: getattr(renewal, name) for name in RENEWED} for renewal in renewals],
    }


def restore_contract(*, actor: Actor, answer: Answer, contract: Contract, reason: str, now: datetime) -> None:
    """Let a locked contract that a termination ended go on as it was before, with the renewals that were withdrawn."""
    was = answer.before.get(str(contract.pk), {})
    terminated_on = was.get("terminated_on")
    last_day = date.fromisoformat(terminated_on) if terminated_on else None
    end_contract(actor=actor, contract=contract, last_day=last_day, reason=reason, now=now)
    earlier = contract
    for said in was.get("renewals", ()):
        renewal = Contract(customer_id=contract.customer_id, renews=earlier)
        for name, value in said.items():
            column: Any = Contract._meta.get_field(name)
            setattr(renewal, name, column.to_python(value))
        earlier = sign(actor, renewal, reason, now)


# Letters


def notify_of_response(
    version: AgreementVersion,
    customers: Sequence[Customer],
    event: emails.Event,
    now: datetime,
    *,
    by_name: str,
    contracts: Sequence[Contract] = (),
    delivery: Delivery | None = None,
    answer: Answer | None = None,
) -> Notice:
    """Confirm a response to the contacts for legal notices of its customers and to its sender: one letter, in the transaction.

    One who is to undo a termination gets a letter of its own.
    """
    of = Customer.objects.filter(pk__in=[one.pk for one in customers])
    sender = (Address(delivery.email, delivery.name, delivery.language),) if delivery else ()
    wording = emails.response(
        version,
        event,
        by_name=by_name,
        at=now,
        # The contracts of one customer are nothing for another that shares the letter.
        contracts=contracts if len(customers) == 1 else (),
        answer=answer,
    )
    ending = event is emails.Event.ENDING
    return give_notice(
        actor=Actor.system(f"response to {version}"),
        kind=Kind.RESPONSE,
        about=version.version,
        wordings=wording,
        customers=of,
        right=Right.TERMINATE if ending else Right.LEGAL_NOTICES,
        public=False,
        now=now,
        addresses=() if ending else sender,
    )


def _confirm(
    answers: Sequence[Answer],
    event: emails.Event,
    now: datetime,
    contracts: Sequence[Contract] | None = None,
    delivery: Delivery | None = None,
) -> Notice:
    """Confirm responses of one sender; a termination by a second letter, too, to those who may undo it."""
    first = answers[0]
    of: dict[str, Any] = {
        "by_name": first.by_name,
        "contracts": list(first.ended.order_by("reference")) if contracts is None else contracts,
        "delivery": delivery or first.delivery,
        "answer": first,
    }
    customers = [answer.customer for answer in answers]
    notice = notify_of_response(first.version, customers, event, now, **of)
    if event is emails.Event.TERMINATION:
        notify_of_response(first.version, customers, emails.Event.ENDING, now, **of)
    return notice


def _check_against_given(
    version: AgreementVersion, customer: Customer, kind: AnswerKind, email: str, by_name: str
) -> None:
    given = version.answers.filter(customer=customer, withdrawn_at__isnull=True)
    same = given.filter(kind=kind.value)
    if kind is AnswerKind.ACCEPTANCE:
        same = same.filter(email__iexact=email, by_name__iexact=by_name)
        if against := given.exclude(kind=kind.value).first():
            raise AnsweredAlready(
                _("%(customer)s has responded otherwise: %(response)s. Withdraw that response first.")
                % {"customer": customer, "response": against.get_kind_display()}
            )
    if same.exists():
        raise AnsweredAlready(_("%(customer)s has already given this response.") % {"customer": customer})


def _check_time(version: AgreementVersion, received_at: datetime, now: datetime) -> None:
    if version.stage is not Stage.PUBLISHED or not version.published_at:
        raise AnswerOutOfTime(
            _("Version %(version)s is not announced or was withdrawn. No response is needed.") % {"version": version}
        )
    takes_effect = instant(day_span(version.takes_effect_on, settings.SLA_ZONE)[0])
    if not version.published_at <= received_at <= now:
        raise AnswerOutOfTime(_("The date of receipt must be after the announcement and not in the future."))
    if received_at >= takes_effect:
        raise AnswerOutOfTime(
            _(
                "Version %(version)s took effect on %(day)s. Customers with a contract on that day are deemed to have accepted it (5.2)."
            )
            % {"version": version, "day": version.takes_effect_on.isoformat()}
        )


def check_authorised(customer: Customer, email: str) -> None:
    if acting_for(Customer.objects.filter(pk=customer.pk), email, Right.TERMINATE).exists():
        return
    raise NotAuthorised(
        _("For %(customer)s only authorised contacts may terminate contracts: %(contacts)s.")
        % {
            "customer": customer,
            "contacts": ", ".join(one.email for one in marked_contacts(customer, Right.TERMINATE)),
        }
    )


def _contracts_to_end(version: AgreementVersion, customer: Customer, contract: Contract | None) -> list[Contract]:
    running = running_contracts(version, customer).filter(**{"pk": contract.pk} if contract else {})
    found = list(Contract.objects.select_for_update().filter(pk__in=running.values("pk")).order_by("pk"))
    if not found:
        raise NotConcerned(
            _("No contract continues when version %(version)s takes effect, so there is none to terminate.")
            % {"version": version}
        )
    return found


def _last_day(version: AgreementVersion, contracts: Sequence[Contract], last_day: date | None, now: datetime) -> date:
    today = local_date(epoch(now), settings.SLA_ZONE)
    latest = last_day_of_stopping(version.takes_effect_on, today)
    earliest = max([today, *(contract.starts_on for contract in contracts)])
    chosen = last_day or latest
    if not earliest <= chosen <= latest:
        raise LastDayNotPossible(
            _(
                "The last service day must be between %(earliest)s and %(latest)s: not in the past, and before the version takes effect."
            )
            % {"earliest": earliest.isoformat(), "latest": latest.isoformat()}
        )
    return chosen
