"""One box over everything that has a name or a number."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from incidents.models import Incident
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.models import Contract
from sla_portal.customers.models import Contact, Customer

SHOWN = 20
LONGEST = 200


@dataclass(frozen=True)
class Place:
    """Where is looked, for whom, and where a row that is found leads."""

    name: Any
    right: str
    find: Callable[[str], QuerySet]
    page: str
    everything: str


def _incidents(text: str) -> QuerySet:
    of_text = Q(reference__icontains=text) | Q(title__icontains=text) | Q(ticket_number__icontains=text)
    return Incident.objects.filter(of_text).order_by("-detected_at", "-id")


def _windows(text: str) -> QuerySet:
    return MaintenanceWindow.objects.filter(Q(reference__icontains=text) | Q(title__icontains=text)).order_by(
        "-starts_at", "-id"
    )


def _customers(text: str) -> QuerySet:
    contacts = Contact.objects.filter(customer=OuterRef("pk"), email__icontains=text)
    return Customer.objects.filter(Q(code__icontains=text) | Q(name__icontains=text) | Exists(contacts)).order_by(
        "code"
    )


def _contracts(text: str) -> QuerySet:
    of_text = Q(reference__icontains=text) | Q(customer__code__iexact=text)
    return Contract.objects.filter(of_text).select_related("customer").order_by("reference")


PLACES = (
    Place(
        gettext_lazy("Incidents"),
        "incidents.view_incident",
        _incidents,
        "incident_page",
        "incidents_incident_changelist",
    ),
    Place(
        gettext_lazy("Maintenance windows"),
        "maintenance.view_maintenancewindow",
        _windows,
        "maintenance_window",
        "maintenance_maintenancewindow_changelist",
    ),
    Place(
        gettext_lazy("Customers"),
        "customers.view_customer",
        _customers,
        "customers_customer_change",
        "customers_customer_changelist",
    ),
    Place(
        gettext_lazy("Contracts"),
        "agreements.view_contract",
        _contracts,
        "agreements_contract_change",
        "agreements_contract_changelist",
    ),
)


def search(request: HttpRequest) -> TemplateResponse:
    """Find incidents, windows, customers and contracts that the reader may see."""
    # PostgreSQL takes no NUL in a text, so no row has one.
    text = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    places = [place for place in PLACES if request.user.has_perm(place.right)]
    found = []
    for place in places if text else ():
        rows = list(place.find(text)[: SHOWN + 1])
        if rows:
            found.append(
                {
                    "name": place.name,
                    "rows": [(reverse(f"admin:{place.page}", args=[row.pk]), row) for row in rows[:SHOWN]],
                    "everything": reverse(f"admin:{place.everything}") if len(rows) > SHOWN else "",
                }
            )
    context = {
        **admin.site.each_context(request),
        "title": _("Found for “%(text)s”") % {"text": text} if text else _("Search"),
        "search_query": text,
        "found": found,
        "places": [place.name for place in places],
    }
    return TemplateResponse(request, "staff/search.html", context)
