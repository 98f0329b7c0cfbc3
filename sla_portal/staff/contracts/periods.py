"""All contract periods of a customer, with what each service month cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from sla_portal.agreements.models import Contract
from sla_portal.agreements.queries import record_of_contract, to_reinstate
from sla_portal.agreements.rules import MonthCost, month_costs
from sla_portal.audit.admin import Link
from sla_portal.customers.models import Customer
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.money import format_amount, printed
from sla_portal.kernel.months import ServiceMonth, local_date

from ..common import page, require_right
from ..exports import BUTTONS, FORMS, export_response

VIEW = ("customers.view_customer", "agreements.view_contract", "agreements.view_payment")
ADD, CHANGE = "agreements.add_contract", "agreements.change_contract"
COLUMNS = (
    "customer", "contract", "renews", "first_day", "last_day", "month", "service_days", "trial_days", "suspended_days",
    "monthly_charge", "paid", "currency",
)  # fmt: skip


@dataclass(frozen=True)
class ListedPeriod:
    """A contract period with its months."""

    contract: Contract
    months: list[MonthCost]
    gap: tuple[date, date] | None
    """Days without contract between the period that it renews and this one."""
    running: bool

    @property
    def paid(self) -> str:
        return format_amount(sum((month.paid for month in self.months), Decimal(0)), self.contract.currency)

    @property
    def lines(self) -> list[tuple[MonthCost, str, str]]:
        """The months with formatted charge and payments, the newest first."""
        currency = self.contract.currency
        return [
            (
                month,
                "" if month.charge is None else format_amount(month.charge, currency),
                format_amount(month.paid, currency) if month.paid else "",
            )
            for month in reversed(self.months)
        ]


def listed_periods(customer: Customer, today: date) -> list[ListedPeriod]:
    """Return the contract periods of a customer, the newest first."""
    contracts = (
        Contract.objects.filter(customer=customer)
        .select_related("renews", "renewed_by")
        .prefetch_related("charges", "suspensions", "payments")
        .order_by("-starts_on", "-reference")
    )
    found = []
    for contract in contracts:
        payments = [(payment.paid_on, payment.amount) for payment in contract.payments.all()]
        earlier, gap = contract.renews, None
        if earlier and earlier.next_day < contract.starts_on:
            gap = earlier.next_day, contract.starts_on - timedelta(days=1)
        running = contract.starts_on <= today <= contract.last_day
        found.append(ListedPeriod(contract, month_costs(record_of_contract(contract), payments), gap, running))
    return found


@require_safe
def periods(request: HttpRequest, pk: int) -> HttpResponse:
    """List the contract periods of a customer with charge, days and payments of each month."""
    customer = _customer(request, pk)
    today = local_date(epoch(timezone.now()), settings.SLA_ZONE)
    may = request.user.has_perm
    context = {
        "title": _("Contract periods of %(customer)s") % {"customer": customer.name},
        "customer": customer,
        "periods": listed_periods(customer, today),
        "present": ServiceMonth.of(today),
        "exports": [
            Link(name, reverse("admin:export_customer_periods", args=[customer.pk, form])) for form, name in BUTTONS
        ],
        "to_reinstate": to_reinstate(customer) if may("agreements.view_answer") else (),
        "may_renew": may(ADD),
        "may_change": may(CHANGE),
        "may_see_months": may("availability.view_customermonth"),
    }
    return page(request, "staff/contracts/periods.html", context)


@require_safe
def export(request: HttpRequest, pk: int, form: str) -> HttpResponseBase:
    """Export the months of all contract periods of a customer."""
    customer = _customer(request, pk)
    if form not in FORMS:
        raise Http404
    return export_response(form, f"periods-{customer.code}", COLUMNS, _rows(customer))


def _customer(request: HttpRequest, pk: int) -> Customer:
    for right in VIEW:
        require_right(request, right)
    return get_object_or_404(Customer.objects.select_related("region"), pk=pk)


def _rows(customer: Customer) -> Iterator[tuple[Any, ...]]:
    for period in reversed(listed_periods(customer, date.min)):
        contract = period.contract
        for month in period.months:
            yield (
                customer.code,
                contract.reference,
                contract.renews.reference if contract.renews else "",
                contract.starts_on.isoformat(),
                contract.last_day.isoformat(),
                str(month.month),
                month.service_days,
                month.trial_days,
                month.suspended_days,
                "" if month.charge is None else printed(month.charge, contract.currency),
                printed(month.paid, contract.currency),
                contract.currency,
            )
