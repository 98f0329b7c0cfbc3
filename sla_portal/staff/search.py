"""Search what has a number, a code or a name: whatever an e-mail, a PDF or a page may carry."""

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

from claims.models import Claim, Voucher
from claims.operations.ledger import CODE_GROUP
from incidents.models import Incident
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.models import AgreementVersion, Contract, Payment
from sla_portal.customers.models import Contact, Customer
from sla_portal.kernel.money import format_amount as amount
from sla_portal.notices.models import Notice
from sla_portal.reports.models import Report
from sla_portal.reports.queries import readable_by

SHOWN = 20
LONGEST = 200


@dataclass(frozen=True)
class SearchList:
    """A searched table: the permission, the query, and the page of a result."""

    name: Any
    right: str
    find: Callable[[str], QuerySet]
    page: str
    list_page: str = ""
    """The list page that shows all results; empty: none."""
    format: Callable[[Any], str] = str
    narrow: Callable[[QuerySet, Any], QuerySet] = lambda rows, _user: rows
    """Of the rows, those that a user may view."""


def _incidents(text: str) -> QuerySet:
    of_text = Q(reference__icontains=text) | Q(title__icontains=text) | Q(ticket_number__icontains=text)
    return Incident.objects.filter(of_text).select_related("merged_into").order_by("-detected_at", "-id")


def _format_incident(incident: Incident) -> str:
    if incident.merged_into:
        return f"{incident} · {_('merged into %(other)s') % {'other': incident.merged_into.reference}}"
    return f"{incident} · {_('voided')}" if incident.voided_at else str(incident)


def _windows(text: str) -> QuerySet:
    named = Q(reference__icontains=text) | Q(title__icontains=text)
    return MaintenanceWindow.objects.not_discarded().filter(named).order_by("-starts_at", "-id")


def _customers(text: str) -> QuerySet:
    contacts = Contact.objects.filter(customer=OuterRef("pk"), email__icontains=text)
    found = Customer.objects.filter(Q(code__icontains=text) | Q(name__icontains=text) | Exists(contacts)).order_by()
    # Of an installer its sites, too.
    return Customer.objects.filter(Q(pk__in=found.values("pk")) | Q(installer__in=found.values("pk"))).order_by("code")


def _contracts(text: str) -> QuerySet:
    paid = Payment.objects.filter(reference__iexact=text).order_by().values("contract")
    of_text = Q(reference__icontains=text) | Q(customer__code__iexact=text) | Q(customer__installer__code__iexact=text)
    of_text |= Q(pk__in=paid)
    return Contract.objects.filter(of_text).select_related("customer").order_by("reference")


def contracts_of_caller(text: str) -> QuerySet[Contract]:
    """Find contracts by reference, customer code or name, or the e-mail address of a contact."""
    of_text = Q(reference__icontains=text) | Q(customer__in=_customers(text).order_by().values("pk"))
    return Contract.objects.filter(of_text).order_by("reference")


def _claims(text: str) -> QuerySet:
    # Contracts first, so that the query on claims uses indexes only.
    of_customer = Q(customer__code__iexact=text) | Q(customer__contacts__email__iexact=text)
    contracts = list(
        Contract.objects.filter(Q(reference__iexact=text) | of_customer).values_list("pk", flat=True)[:SHOWN]
    )
    return (
        Claim.objects.filter(Q(number=text.upper()) | Q(contract__in=contracts))
        .select_related("contract__customer")
        .order_by("-received_at", "id")
    )


def _format_claim(claim: Claim) -> str:
    return f"{claim.number} · {claim.contract.customer.name}, {claim.month:%Y-%m} · {claim.get_status_display()}"


def _vouchers(text: str) -> QuerySet:
    return Voucher.objects.filter(code=_code(text)).select_related("compensation__claim").order_by("id")


def _code(text: str) -> str:
    """Normalise a voucher code typed in any grouping."""
    signs = [sign for sign in text.upper() if sign.isalnum()]
    return "-".join("".join(signs[start : start + CODE_GROUP]) for start in range(0, len(signs), CODE_GROUP))


def _format_voucher(voucher: Voucher) -> str:
    return f"{voucher.code} · {amount(voucher.value, voucher.currency)} · {voucher.compensation.claim}"


def _notices(text: str) -> QuerySet:
    return Notice.objects.filter(number=text.upper()).order_by("id")


def _format_notice(notice: Notice) -> str:
    return f"{notice.number} · {notice.get_kind_display()} · {notice.about}"


def _reports(text: str) -> QuerySet:
    return Report.objects.filter(number__in=[text, text.upper()]).defer("statement").order_by("-revision")


def _readable(rows: QuerySet, user: Any) -> QuerySet:
    return rows.filter(pk__in=readable_by(user).order_by().values("pk"))


def _versions(text: str) -> QuerySet:
    return AgreementVersion.objects.filter(version__iexact=text).order_by("id")


SEARCH_LISTS = (
    SearchList(gettext_lazy("Claims"), "claims.view_claim", _claims, "claim", format=_format_claim),
    SearchList(
        gettext_lazy("Vouchers"),
        "claims.view_voucher",
        _vouchers,
        "voucher",
        format=_format_voucher,
    ),
    SearchList(
        gettext_lazy("Incidents"),
        "incidents.view_incident",
        _incidents,
        "incident_page",
        "incidents_incident_changelist",
        format=_format_incident,
    ),
    SearchList(
        gettext_lazy("Maintenance windows"),
        "maintenance.view_maintenancewindow",
        _windows,
        "maintenance_window",
        "maintenance_maintenancewindow_changelist",
    ),
    SearchList(
        gettext_lazy("Customers"),
        "customers.view_customer",
        _customers,
        "customer",
        "customers_customer_changelist",
    ),
    SearchList(
        gettext_lazy("Contracts"),
        "agreements.view_contract",
        _contracts,
        "agreements_contract_change",
        "agreements_contract_changelist",
    ),
    SearchList(
        gettext_lazy("Notices"), "notices.view_notice", _notices, "notices_notice_change", format=_format_notice
    ),
    SearchList(gettext_lazy("Reports"), "reports.view_report", _reports, "reports_report_change", narrow=_readable),
    SearchList(gettext_lazy("Agreement"), "agreements.view_agreementversion", _versions, "amendment"),
)


def search(request: HttpRequest) -> TemplateResponse:
    """Search everything that the user may view."""
    # PostgreSQL refuses NUL in a text, so no row contains one.
    text = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    places = [place for place in SEARCH_LISTS if request.user.has_perm(place.right)]
    found = []
    for place in places if text else ():
        rows = list(place.narrow(place.find(text), request.user)[: SHOWN + 1])
        if rows:
            found.append(
                {
                    "name": place.name,
                    "rows": [
                        (reverse(f"admin:{place.page}", args=[row.pk]), place.format(row)) for row in rows[:SHOWN]
                    ],
                    "list_page": reverse(f"admin:{place.list_page}") if place.list_page and len(rows) > SHOWN else "",
                }
            )
    context = {
        **admin.site.each_context(request),
        "title": _("Search results for “%(text)s”") % {"text": text} if text else _("Search"),
        "search_query": text,
        "found": found,
        "places": [place.name for place in places],
    }
    return TemplateResponse(request, "staff/search.html", context)
