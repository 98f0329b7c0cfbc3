"""Register customer responses to an amendment, with their consequences (5.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, record, require
from sla_portal.customers.models import Customer, Right
from sla_portal.customers.queries import acting_for, marked_contacts
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import day_span, local_date
from sla_portal.notices.models import Delivery

from ..models import AgreementVersion, Answer, Contract
from ..queries import concerned, running_contracts
from ..rules import AnswerKind, Stage, last_day_of_stopping
from .periods import end_contract, locked_renewals
from .refusals import NotAcceptable, check_reason, cleaned


class AnswerOutOfTime(Refused):
    """The version was not announced yet, has taken effect, or is withdrawn."""

    field = "received_at"


class AnsweredAlready(Refused):
    """The customer has already given or withdrawn this response."""


class NotConcerned(Refused):
    """The customer, or the contract, is not concerned by the version."""


class NotAuthorised(Refused):
    """The recipient of the e-mail may not terminate the customer's contracts (5.2)."""


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
    """Register that a customer objects to a version, or terminates its contracts because of it.

    An objection changes nothing: the contract continues under the new version unless it is terminated. A termination ends
    each contract concerned, or `contract` alone, on `last_day`, by default the day before the effective date, and withdraws
    its renewals that have not begun. With a
    `delivery` it was given through the personal link in that e-mail; otherwise staff registers what was received at
    `received_at`, by default now.
    """
    require(actor, "agreements.register_answer")
    received_at = received_at or now
    errors: dict[str, list[str]] = {}
    said = cleaned(Answer(), {"by_name": by_name, "text": text} if by_name.strip() else {"text": text}, errors)
    if errors:
        raise NotAcceptable(errors)
    if "by_name" not in said:
        raise NameMissing(_("Enter who responds on behalf of the customer."))
    with transaction.atomic():
        customer = Customer.objects.select_for_update().get(pk=customer.pk)
        version = AgreementVersion.objects.get(pk=version.pk)
        _check_time(version, received_at, now)
        if version.answers.filter(customer=customer, kind=kind.value, withdrawn_at__isnull=True).exists():
            raise AnsweredAlready(_("%(customer)s has already given this response.") % {"customer": customer})
        if not concerned(version).filter(pk=customer.pk).exists():
            raise NotConcerned(
                _(
                    "Version %(version)s does not concern %(customer)s: none of their contracts is in force before it takes effect."
                )
                % {"version": version, "customer": customer}
            )
        if delivery and kind is AnswerKind.TERMINATION:
            _check_authorised(customer, delivery.email)
        ended: list[Contract] = []
        renewals: dict[int, list[Contract]] = {}
        if kind is AnswerKind.TERMINATION:
            ended = _contracts_to_end(version, customer, contract)
            renewals = {one.pk: locked_renewals([one]) for one in ended}
            last_day = _last_day(version, ended, last_day, now)
        else:
            last_day = None
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
            last_day=last_day,
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
                "received_at": [None, received_at],
                "last_day": [None, last_day],
            },
            now=now,
        )
        for one in ended:
            reason = _("The customer does not agree to version %(version)s (5.2).") % {"version": version}
            end_contract(
                actor=actor, contract=one, last_day=last_day, renewals=renewals[one.pk], reason=reason, now=now
            )
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
    with transaction.atomic():
        # All rows before the audit log, which the first response locks, and in one order.
        locked = list(Customer.objects.select_for_update().filter(pk__in=[one.pk for one in customers]).order_by("pk"))
        if kind is AnswerKind.TERMINATION:
            running = running_contracts(version, *locked).values("pk")
            list(Contract.objects.select_for_update().filter(pk__in=running).order_by("pk"))
        return [
            register_answer(
                actor=actor,
                version=version,
                customer=customer,
                kind=kind,
                by_name=by_name,
                text=text,
                last_day=last_day,
                delivery=delivery,
                now=now,
            )
            for customer in locked
        ]


def withdraw_answer(*, actor: Actor, answer: Answer, reason: str, now: datetime) -> None:
    """Withdraw a response before the version takes effect; contracts that it terminated continue as agreed."""
    require(actor, "agreements.register_answer")
    check_reason(reason)
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=answer.customer_id)
        row = Answer.objects.select_for_update().get(pk=answer.pk)
        check_unchanged(actor, row)
        if row.withdrawn_at:
            raise AnsweredAlready(_("The response was already withdrawn."))
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
            end_contract(actor=actor, contract=contract, last_day=None, reason=reason, now=now)
    answer.refresh_from_db()


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


def _check_authorised(customer: Customer, email: str) -> None:
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
