"""Customers concerned by an amendment, notified of it, and their responses (5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, CharField, Count, DateField, Exists, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Cast, Coalesce, Lower

from sla_portal.audit.models import Entry
from sla_portal.customers.models import Contact, Customer, Right
from sla_portal.customers.queries import contacts_with, with_address
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.models import Delivery, DeliveryCustomer, Kind, Notice, Status
from sla_portal.notices.queries import Progress

from ..models import AgreementVersion, Answer, Contract, FurtherNotice
from ..rules import Acceptance, AnswerKind
from .contracts import contracts_in_force

# Customers concerned


def _days(version: AgreementVersion) -> tuple[date, date]:
    """Return the days of announcement and effect in the SLA time zone."""
    if not version.published_at:
        raise ValueError(f"Version {version} is a draft: it concerns no customer yet.")
    return local_date(epoch(version.published_at), settings.SLA_ZONE), version.takes_effect_on


def concerned(version: AgreementVersion, recorded_at: datetime | None = None) -> QuerySet[Customer]:
    """Return customers with a contract in force at some time from the announcement to the day before the effective date.

    As it is on record or, with `recorded_at`, as it was on record then.
    """
    announced_on, effective_on = _days(version)
    contracts = _in_force(_contracts(recorded_at), announced_on, effective_on - timedelta(days=1))
    return Customer.objects.filter(Exists(contracts.filter(customer=OuterRef("pk"))))


def _contracts(recorded_at: datetime | None) -> QuerySet[Any]:
    """Return the contracts with the day on which each `ends_early`, as the audit log says that it was recorded at a time."""
    if recorded_at is None:
        return Contract.objects.annotate(ends_early=F("terminated_on"))
    later = Entry.objects.filter(
        subject_type=Contract._meta.label_lower, subject_id=Cast(OuterRef("pk"), CharField()), at__gt=recorded_at
    )
    moved = later.filter(action__in=["terminated", "resumed"]).order_by("pk")
    before = Cast(KeyTextTransform(0, KeyTransform("terminated_on", "changes")), DateField())
    return Contract.objects.filter(~Exists(later.filter(action="signed"))).annotate(
        ends_early=Case(
            When(Exists(moved), then=Subquery(moved.annotate(before=before).values("before")[:1])),
            default=F("terminated_on"),
            output_field=DateField(),
        )
    )


def _in_force(contracts: QuerySet[Any], first: date, last: date) -> QuerySet[Any]:
    return contracts.annotate(in_force_until=Coalesce(F("ends_early"), F("extended_to"), F("ends_on"))).filter(
        starts_on__lte=last, in_force_until__gte=first
    )


def standing_answers(version: AgreementVersion, recorded_at: datetime | None = None) -> QuerySet[Answer]:
    """Return the responses to a version that stand or, with `recorded_at`, stood on record then."""
    given = Answer.objects.filter(version=version)
    if recorded_at is None:
        return given.filter(withdrawn_at__isnull=True)
    return given.filter(Q(withdrawn_at__isnull=True) | Q(withdrawn_at__gt=recorded_at), registered_at__lte=recorded_at)


def running_contracts(version: AgreementVersion, *customers: Customer) -> QuerySet[Contract]:
    """Return the customers' contracts that started before the effective date and are in force on it."""
    _announced_on, effective_on = _days(version)
    return contracts_in_force(effective_on, effective_on).filter(customer__in=customers, starts_on__lt=effective_on)


def customers_answering(delivery: Delivery, version: AgreementVersion) -> QuerySet[Customer]:
    """Return the customers for whom the recipient of a delivery may respond: usually one, of an installer its sites too."""
    customers = with_address(concerned(version), delivery.email)
    return customers.filter(pk=delivery.site_id) if delivery.site_id else customers


# Notices


def notices_of(version: AgreementVersion) -> QuerySet[Notice]:
    """Return all notices about a version."""
    return Notice.objects.filter(kind=Kind.AMENDMENT, about=version.version)


def deliveries_of(version: AgreementVersion) -> QuerySet[Delivery]:
    """Return the deliveries of all notices about a version."""
    return Delivery.objects.filter(notice__in=notices_of(version))


def deliveries_for(version: AgreementVersion, customer: Customer) -> QuerySet[Delivery]:
    """Return the deliveries about a version that were for this customer, alone or among others."""
    return deliveries_of(version).filter(
        Q(customers__customer=customer.pk) | Q(contact__customer=customer.pk, customers__isnull=True)
    )


def customers_notified_or_concerned(version: AgreementVersion) -> QuerySet[Customer]:
    """Return the customers who were notified of a version, and those concerned."""
    deliveries = deliveries_of(version).order_by()
    among_others = deliveries.filter(customers__isnull=False).values("customers__customer")
    alone = deliveries.filter(customers__isnull=True, contact__isnull=False).values("contact__customer")
    return Customer.objects.filter(
        Q(pk__in=among_others) | Q(pk__in=alone) | Q(pk__in=concerned(version).order_by().values("pk"))
    )


def notified_or_concerned(version: AgreementVersion) -> QuerySet[Contact]:
    """Return contacts who were notified of a version, and contacts for legal notices of the customers concerned."""
    notified = deliveries_of(version).filter(contact__isnull=False).order_by()
    contacts = contacts_with(Right.LEGAL_NOTICES, concerned(version))
    return Contact.objects.filter(Q(pk__in=notified.values("contact")) | Q(pk__in=contacts.order_by().values("pk")))


def customers_not_notified(version: AgreementVersion) -> QuerySet[Customer]:
    """Return customers concerned by a version of whom no contact was notified.

    Customers may share an address; an e-mail to it notifies all of them. An installer's contact was notified for the sites
    that the e-mail named.
    """
    of_customer = Contact.objects.filter(customer=OuterRef("pk"))
    notified_then = of_customer.filter(deliveries__notice__in=notices_of(version))
    named = DeliveryCustomer.objects.filter(customer=OuterRef("pk"), delivery__notice__in=notices_of(version))
    there = deliveries_of(version).annotate(address=Lower("email")).filter(address=Lower(OuterRef("email")))
    # In this order: the cheap conditions exclude nearly all rows.
    return (
        concerned(version)
        .exclude(Exists(notified_then))
        .exclude(Exists(named))
        .exclude(Exists(of_customer.filter(Exists(there))))
    )


def notified_off_record(version: AgreementVersion) -> QuerySet[Delivery]:
    """Return deliveries about a version whose contact was deleted since, or is no contact of their customers any more.

    Without undelivered ones.
    """
    theirs = Customer.objects.filter(deliveries__delivery=OuterRef("pk")).filter(
        Q(pk=OuterRef("contact__customer")) | Q(installer=OuterRef("contact__customer"))
    )
    gone = deliveries_of(version).filter(Q(contact__isnull=True) | Q(customers__isnull=False) & ~Exists(theirs))
    return gone.exclude(status__in=[Status.FAILED, Status.BOUNCED, Status.CORRECTED]).distinct()


@dataclass(frozen=True)
class Reached:
    """The delivery progress of one occasion on which customers were notified of a version."""

    occasion: str
    """`announcement`, `signing`, `later`, `reminder_7`, `reminder_1` or `withdrawal`."""
    given_at: datetime
    """Time of the first notice."""
    notices: int
    progress: Progress


def reached(version: AgreementVersion) -> list[Reached]:
    """Return the delivery progress of a version by occasion, in chronological order."""
    found = []
    for occasion, notices in _occasions(version):
        counted = notices.order_by().values_list("deliveries__status").annotate(Count("deliveries"))
        first = notices.order_by("given_at").first()
        if first:
            progress = Progress({status: number for status, number in counted if status})
            found.append(Reached(occasion, first.given_at, notices.count(), progress))
    return sorted(found, key=lambda one: one.given_at)


LATER = Q(contract__isnull=True, days_before__isnull=True)
"""Follow-up notices to customers whom the announcement missed."""


def _occasions(version: AgreementVersion) -> Iterator[tuple[str, QuerySet[Notice]]]:
    further = FurtherNotice.objects.filter(version=version)
    if version.notice_id:
        yield "announcement", Notice.objects.filter(pk=version.notice_id)
    yield "signing", Notice.objects.filter(pk__in=further.filter(contract__isnull=False).values("notice"))
    yield "later", Notice.objects.filter(pk__in=further.filter(LATER).values("notice"))
    for days in further.filter(days_before__isnull=False).values_list("days_before", flat=True):
        yield f"reminder_{days}", Notice.objects.filter(pk__in=further.filter(days_before=days).values("notice"))
    if version.withdrawal_notice_id:
        yield "withdrawal", Notice.objects.filter(pk=version.withdrawal_notice_id)


# Customer responses


def acceptance(
    version: AgreementVersion, now: datetime, state: str = "", *, recorded_at: datetime | None = None
) -> QuerySet[Customer, Any]:
    """Return the customers concerned by a version, each with its `state`: a value of `Acceptance` (5.2).

    With `state`, only those in it; with `recorded_at`, as they stood on record then, which is at `now` or earlier.
    """
    found = _states(version, recorded_at or now, recorded_at)
    states = [(which.value, condition) for which, condition in found.items()]
    customers = concerned(version, recorded_at)
    if state:
        customers = customers.filter(dict(states)[state]) if state in dict(states) else customers.none()
    named = Case(*(When(condition, then=Value(which)) for which, condition in states), output_field=CharField())
    return customers.annotate(state=named).order_by("code")


def acceptance_counts(
    version: AgreementVersion, now: datetime, *, recorded_at: datetime | None = None
) -> dict[str, int]:
    """Count the customers concerned by a version in each state of `Acceptance`; `recorded_at` as in `acceptance`."""
    customers = concerned(version, recorded_at).order_by()
    states = _states(version, recorded_at or now, recorded_at)
    counted = {which: customers.filter(condition).count() for which, condition in states.items()}
    return {which.value: counted.get(which, 0) for which in Acceptance}


def _states(version: AgreementVersion, at: datetime, recorded_at: datetime | None = None) -> dict[Acceptance, Q]:
    """Return the conditions of the states possible at a time; exactly one is true for a customer."""
    announced_on, effective_on = _days(version)
    of_customer = _contracts(recorded_at).filter(customer=OuterRef("pk"))
    runs_then = Q(Exists(_in_force(of_customer, effective_on, effective_on)))
    ended_early = Q(
        Exists(
            of_customer.annotate(agreed_until=Coalesce(F("extended_to"), F("ends_on"))).filter(
                starts_on__lt=effective_on,
                ends_early__gte=announced_on,
                ends_early__lt=effective_on,
                agreed_until__gte=effective_on,
            )
        )
    )
    given = standing_answers(version, recorded_at).filter(customer=OuterRef("pk"))
    objected = Q(Exists(given.filter(kind=AnswerKind.OBJECTION.value)))
    agreed_to = Q(Exists(given.filter(kind=AnswerKind.ACCEPTANCE.value)))
    silent = Acceptance.ACCEPTED if took_effect(version, at) else Acceptance.NO_RESPONSE
    return {
        silent: runs_then & ~objected & ~agreed_to,
        Acceptance.AGREED: runs_then & ~objected & agreed_to,
        Acceptance.OBJECTED: runs_then & objected,
        Acceptance.TERMINATED: ~runs_then & ended_early,
        Acceptance.EXPIRED: ~runs_then & ~ended_early,
    }


def took_effect(version: AgreementVersion, now: datetime) -> bool:
    """Whether an announced version has come into force by `now`. A withdrawn one never is, so nobody accepts it."""
    return not version.withdrawn_at and version.takes_effect_on <= local_date(epoch(now), settings.SLA_ZONE)


def contracts_ended(version: AgreementVersion) -> QuerySet[Contract]:
    """Return the contracts that responses to a version ended, and those that ended early between announcement and effect."""
    announced_on, effective_on = _days(version)
    ended_early = Q(
        customer__in=concerned(version).order_by().values("pk"),
        terminated_on__gte=announced_on,
        terminated_on__lt=effective_on,
    )
    return Contract.objects.filter(Q(ended_by__version=version) | ended_early).distinct().order_by("pk")


def answers_of(version: AgreementVersion) -> QuerySet[Answer]:
    """Return the responses to a version, the newest first, including withdrawn ones."""
    return version.answers.select_related("customer", "contract", "registered_by")


def reply_languages(answer: Answer) -> set[str]:
    """Return the languages of those who get the reply to an objection: its sender, and the customer's contacts."""
    told = contacts_with(Right.LEGAL_NOTICES, Customer.objects.filter(pk=answer.customer_id))
    languages = set(told.values_list("customer__language", flat=True))
    return languages | ({answer.delivery.language} if answer.delivery else set())


def reply_audience(answer: Answer) -> int:
    """Count the addresses that get the reply to an objection."""
    told = contacts_with(Right.LEGAL_NOTICES, Customer.objects.filter(pk=answer.customer_id))
    addresses = {email.lower() for email in told.values_list("email", flat=True)}
    return len(addresses | ({answer.delivery.email.lower()} if answer.delivery else set()))


def open_objections() -> QuerySet[Answer]:
    """Return the objections that wait for a reply, those due first; not to versions that were withdrawn."""
    return (
        Answer.objects.filter(kind=AnswerKind.OBJECTION.value, withdrawn_at__isnull=True, replied_at__isnull=True)
        .filter(version__withdrawn_at__isnull=True)
        .select_related("version", "customer", "owner")
        .order_by(F("due_on").asc(nulls_first=True), "received_at", "pk")
    )
