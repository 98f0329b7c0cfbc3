"""Which version governs, and on which days a contract is in force."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from itertools import pairwise
from typing import Any

from django.conf import settings
from django.db.models import F, QuerySet
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from sla_portal.customers.models import Contact, Customer, Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import day_span

from .models import AgreementVersion, Contract, Suspension
from .rules import TermsPeriod


class NoAgreementInForce(Refused):
    """The day lies before the first published version takes effect."""


def published_versions() -> list[AgreementVersion]:
    """Published versions in the order in which they take effect; one that was withdrawn never does."""
    return list(AgreementVersion.objects.published().order_by("effective_on"))


def version_in_force(on: date) -> AgreementVersion:
    """The version that governs a day of the SLA clock; raises `NoAgreementInForce`."""
    version = AgreementVersion.objects.published().filter(effective_on__lte=on).order_by("-effective_on").first()
    if version is None:
        raise NoAgreementInForce(
            _(
                "No agreement version is in force on %(day)s. Choose a later day, or publish one that takes effect by then."
            )
            % {"day": on.isoformat()}
        )
    return version


def terms_periods() -> list[TermsPeriod]:
    """The terms and the instants between which each governs; the first reaches back without end, so that stretches can be found."""
    versions = published_versions()
    edges = [None, *(day_span(version.effective_on, settings.SLA_ZONE)[0] for version in versions[1:]), None]
    return [
        TermsPeriod(start=start, end=end, terms=version.terms)
        for version, (start, end) in zip(versions, pairwise(edges), strict=False)
    ]


def contracts_in_force(first: date, last: date) -> QuerySet[Contract]:
    """Contracts with a service day from `first` to `last`, both included."""
    return Contract.objects.annotate(
        in_force_until=Coalesce(F("terminated_on"), F("extended_to"), F("ends_on"))
    ).filter(starts_on__lte=last, in_force_until__gte=first)


def suspensions_of(
    contracts: Iterable[int] | QuerySet[Contract, Any], first: date, last: date
) -> dict[int, list[Suspension]]:
    """Suspensions that touch the days, by contract; what lies outside a contract's own days suspends nothing."""
    found: dict[int, list[Suspension]] = defaultdict(list)
    for suspension in (
        Suspension.objects.filter(contract__in=contracts, starts_on__lte=last, ends_on__gte=first)
        .select_related("contract")
        .order_by("starts_on")
    ):
        if max(first, suspension.first_on) <= min(last, suspension.last_on):
            found[suspension.contract_id].append(suspension)
    return found


def contacts_under_contract(regions: Iterable[Region], first: date, last: date) -> QuerySet[Contact]:
    """The contacts of customers of `regions` (none: everywhere) with a contract in force between the days."""
    customers = Customer.objects.filter(contracts__in=contracts_in_force(first, last))
    named = [region.pk for region in regions]
    if named:
        customers = customers.filter(region__in=named)
    return Contact.objects.filter(customer__in=customers)
