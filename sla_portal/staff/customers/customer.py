"""Everything about one customer on one page: the question of a call is answered without a second search."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from sla_portal.agreements.models import Answer, Contract
from sla_portal.agreements.queries import to_reinstate
from sla_portal.audit.admin import Link
from sla_portal.availability.models import CustomerMonth
from sla_portal.availability.queries import closed_months
from sla_portal.availability.rules import availability, cut
from sla_portal.customers.models import Customer
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.notices.models import Kind
from sla_portal.website.account.queries import (
    balances_of,
    claims_of,
    contacts_with_rights,
    notices_for,
    vouchers_of,
)

from ..common import page, require_right

VIEW = "customers.view_customer"
SHOWN = 12
"""Rows of each list; the link beside it leads to all."""


@require_safe
def customer(request: HttpRequest, pk: int) -> HttpResponse:
    """Show contracts, months, claims, vouchers, e-mails, responses, contacts and sites: each to who may view it."""
    require_right(request, VIEW)
    now = timezone.now()
    found = get_object_or_404(
        Customer.objects.select_related("region", "installer").annotate(count_of_sites=Count("sites")), pk=pk
    )
    may = request.user.has_perm
    sections: dict[str, Any] = {
        name: read(found, now) for name, (right, read) in SECTIONS.items() if all(map(may, right))
    }
    if "letters" in sections and not may("claims.view_claim"):
        sections["letters"] = [one for one in sections["letters"] if one[0].kind != Kind.CLAIM]
    context = {
        "title": found.name,
        "customer": found,
        "today": _today(now),
        "shown": SHOWN,
        "links": list(_links(request, found)),
        **sections,
    }
    return page(request, "staff/customers/customer.html", context)


def _today(now: datetime) -> Any:
    return local_date(epoch(now), settings.SLA_ZONE)


def _links(request: HttpRequest, found: Customer) -> Iterable[Link]:
    may = request.user.has_perm
    if may("claims.enter_claim"):
        yield Link(_("Enter a claim"), f"{reverse('admin:enter_claim')}?customer={found.pk}", primary=True)
    if may("customers.add_contact"):
        yield Link(_("Add a contact"), f"{reverse('admin:customers_contact_add')}?customer={found.pk}")
    if may("agreements.view_contract") and may("agreements.view_payment"):
        yield Link(_("Contract periods"), reverse("admin:customer_periods", args=[found.pk]))
    yield Link(_("Record and audit log"), reverse("admin:customers_customer_change", args=[found.pk]))


def _contracts(found: Customer, _now: datetime) -> list[Contract]:
    return list(Contract.objects.filter(customer=found).select_related("renewed_by").order_by("-starts_on")[:SHOWN])


def _months(found: Customer, _now: datetime) -> list[tuple[ServiceMonth, CustomerMonth, str, bool]]:
    rows = list(CustomerMonth.objects.filter(customer=found).order_by("-month")[:SHOWN])
    closed = closed_months([row.month for row in rows])
    return [(ServiceMonth.of(row.month), row, _reached(row), row.month in closed) for row in rows]


def _reached(row: CustomerMonth) -> str:
    reached = availability(row.unavailable_minutes, row.total_minutes)
    return "" if reached is None else cut(reached)


def _vouchers(found: Customer, now: datetime) -> dict[str, Any]:
    vouchers = vouchers_of(found, _today(now))
    return {"rows": vouchers[:SHOWN], "count": len(vouchers), "balances": balances_of(found, _today(now))}


def _messages(found: Customer, _now: datetime) -> list[tuple[Any, str]]:
    return [(one, one.wording().subject) for one in notices_for(found)[:SHOWN]]


SECTIONS: dict[str, tuple[tuple[str, ...], Callable[[Customer, datetime], Any]]] = {
    "to_reinstate": (("agreements.view_answer",), lambda found, _now: list(to_reinstate(found))),
    "contracts": (("agreements.view_contract",), _contracts),
    "months": (("availability.view_customermonth",), _months),
    "claims": (("claims.view_claim",), lambda found, _now: list(claims_of(found)[:SHOWN])),
    "vouchers": (("claims.view_voucher",), _vouchers),
    "letters": (("notices.view_delivery",), _messages),
    "answers": (
        ("agreements.view_answer",),
        lambda found, _now: list(Answer.objects.filter(customer=found).select_related("version")[:SHOWN]),
    ),
    "contacts": (("customers.view_contact",), lambda found, _now: contacts_with_rights(found)),
    "sites": ((VIEW,), lambda found, _now: list(found.sites.order_by("code")[:SHOWN])),
}
"""The sections of the page, with the permissions that each needs."""
