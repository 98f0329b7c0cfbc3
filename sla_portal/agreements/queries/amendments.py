"""Whom an amendment concerns, who was told of it, and how customers stand to it (5.2)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, Lower

from sla_portal.customers.models import Contact, Customer
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.models import Delivery, Kind, Notice, Status
from sla_portal.notices.queries import Progress

from ..models import AgreementVersion, Answer, Contract, FurtherNotice
from ..rules import Acceptance, AnswerKind
from .contracts import contracts_in_force

# Whom it concerns


def _days(version: AgreementVersion) -> tuple[date, date]:
    """The day of the announcement and the day of effect, on the SLA clock."""
    if not version.published_at:
        raise ValueError(f"Version {version} is a draft: it concerns nobody yet.")
    return local_date(epoch(version.published_at), settings.SLA_ZONE), version.takes_effect_on


def concerned(version: AgreementVersion) -> QuerySet[Customer]:
    """Customers with a contract in force at some time from the announcement to the day before the version takes effect."""
    announced_on, effective_on = _days(version)
    contracts = contracts_in_force(announced_on, effective_on - timedelta(days=1))
    return Customer.objects.filter(Exists(contracts.filter(customer=OuterRef("pk"))))


def running_contracts(version: AgreementVersion, *customers: Customer) -> QuerySet[Contract]:
    """The customers' contracts that are in force on the effective date, and were agreed for days before it too."""
    _announced_on, effective_on = _days(version)
    return contracts_in_force(effective_on, effective_on).filter(customer__in=customers, starts_on__lt=effective_on)


def customers_answering(delivery: Delivery, version: AgreementVersion) -> QuerySet[Customer]:
    """Customers for whom the address of a delivery may answer: usually one."""
    return concerned(version).filter(
        Exists(Contact.objects.filter(customer=OuterRef("pk"), email__iexact=delivery.email))
    )


# Who was told


def notices_of(version: AgreementVersion) -> QuerySet[Notice]:
    """Everything that was told about a version."""
    return Notice.objects.filter(kind=Kind.AMENDMENT, about=version.version)


def deliveries_of(version: AgreementVersion) -> QuerySet[Delivery]:
    """The mails about a version."""
    return Delivery.objects.filter(notice__in=notices_of(version))


def notified_or_concerned(version: AgreementVersion) -> QuerySet[Contact]:
    """Contacts to whom a mail about a version went, and those of the customers whom it concerns."""
    told = deliveries_of(version).filter(contact__isnull=False).order_by()
    return Contact.objects.filter(Q(pk__in=told.values("contact")) | Q(customer__in=concerned(version).order_by()))


def customers_not_notified(version: AgreementVersion) -> QuerySet[Customer]:
    """Customers whom a version concerns and to none of whose contacts a mail about it went.

    Customers may have an address in common; a mail to it told them all.
    """
    of_customer = Contact.objects.filter(customer=OuterRef("pk"))
    told_then = of_customer.filter(deliveries__notice__in=notices_of(version))
    there = deliveries_of(version).annotate(address=Lower("email")).filter(address=Lower(OuterRef("email")))
    # In this order: nearly everyone is found by the first, and few are left for the second.
    return concerned(version).exclude(Exists(told_then)).exclude(Exists(of_customer.filter(Exists(there))))


def notified_off_record(version: AgreementVersion) -> QuerySet[Delivery]:
    """Mails about a version whose contact was taken off record since; not those that did not arrive."""
    gone = deliveries_of(version).filter(contact__isnull=True)
    return gone.exclude(status__in=[Status.FAILED, Status.BOUNCED, Status.CORRECTED])


@dataclass(frozen=True)
class Reached:
    """What became of the mails of one occasion on which customers were told of a version."""

    occasion: str
    """`announcement`, `signing`, `later`, `reminder_7`, `reminder_1` or `withdrawal`."""
    given_at: datetime
    """When it was given; of several, first."""
    notices: int
    progress: Progress


def reached(version: AgreementVersion) -> list[Reached]:
    """What became of the mails about a version, by occasion in the order of time."""
    found = []
    for occasion, notices in _occasions(version):
        counted = notices.order_by().values_list("deliveries__status").annotate(Count("deliveries"))
        given = notices.order_by("given_at").first()
        if given:
            progress = Progress({status: number for status, number in counted if status})
            found.append(Reached(occasion, given.given_at, notices.count(), progress))
    return sorted(found, key=lambda one: one.given_at)


LATER = Q(contract__isnull=True, days_before__isnull=True)
"""Of further notices those to customers whom the announcement left out."""


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


# How customers stand to it


def acceptance(version: AgreementVersion, now: datetime, state: str = "") -> QuerySet[Customer, Any]:
    """The customers whom a version concerns, each with its `state`: a value of `Acceptance` (5.2).

    Asked for one `state`, those in it.
    """
    told = [(which.value, condition) for which, condition in _states(version, now).items()]
    customers = concerned(version)
    if state:
        customers = customers.filter(dict(told)[state]) if state in dict(told) else customers.none()
    named = Case(*(When(condition, then=Value(which)) for which, condition in told), output_field=CharField())
    return customers.annotate(state=named).order_by("code")


def acceptance_counts(version: AgreementVersion, now: datetime) -> dict[str, int]:
    """How many of the customers whom a version concerns are in each state of `Acceptance`."""
    customers = concerned(version).order_by()
    counted = {which: customers.filter(condition).count() for which, condition in _states(version, now).items()}
    return {which.value: counted.get(which, 0) for which in Acceptance}


def _states(version: AgreementVersion, now: datetime) -> dict[Acceptance, Q]:
    """The states that a customer can be in at `now`, each as a condition; one of them holds."""
    announced_on, effective_on = _days(version)
    of_customer = Contract.objects.filter(customer=OuterRef("pk"))
    agreed = of_customer.annotate(agreed_until=Coalesce(F("extended_to"), F("ends_on")))
    runs_then = Q(Exists(contracts_in_force(effective_on, effective_on).filter(customer=OuterRef("pk"))))
    ended_early = Q(
        Exists(
            agreed.filter(
                starts_on__lt=effective_on,
                terminated_on__gte=announced_on,
                terminated_on__lt=effective_on,
                agreed_until__gte=effective_on,
            )
        )
    )
    objections = Answer.objects.filter(version=version, kind=AnswerKind.OBJECTION.value, withdrawn_at__isnull=True)
    objected = Q(Exists(objections.filter(customer=OuterRef("pk"))))
    # What was withdrawn never governs, so nobody accepts it.
    in_force = not version.withdrawn_at and effective_on <= local_date(epoch(now), settings.SLA_ZONE)
    return {
        Acceptance.ACCEPTED if in_force else Acceptance.RUNNING: runs_then & ~objected,
        Acceptance.OBJECTED: runs_then & objected,
        Acceptance.ENDED: ~runs_then & ended_early,
        Acceptance.EXPIRED: ~runs_then & ~ended_early,
    }


def answers_of(version: AgreementVersion) -> QuerySet[Answer]:
    """What customers answered to a version, the newest first; what was taken back too."""
    return version.answers.select_related("customer", "contract", "registered_by")
