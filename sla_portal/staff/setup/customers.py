"""Import customers with their contacts and contracts from a table: first what each row would do, then one press."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.validators import RegexValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from sla_portal.agreements.models import Contract
from sla_portal.agreements.operations import sign_contract
from sla_portal.agreements.rules import shortest_period_ends_on
from sla_portal.audit.actors import Actor
from sla_portal.audit.versions import acting
from sla_portal.customers.models import Customer, Region, code_validator
from sla_portal.customers.operations import enrol_customer
from sla_portal.kernel.money import format_amount, smallest_unit
from sla_portal.notices.tasks import deliver_soon
from sla_portal.operator.queries import operator_in_force
from sla_portal.operator.rules import Operator

from ..common import download, page, refusals_on, require_right
from ..exports import BOM
from .table import COLUMNS, NotATable, label, rows_of, text_of_file, written

RIGHTS = ("customers.add_customer", "agreements.add_contract")
LARGEST = 2_000_000
"""Bytes of a file that is read."""
CONTRACT = ("contract_reference", "first_service_day", "last_service_day", "monthly_charge", "currency")
LANGUAGES = {"en": "en", "english": "en", "zh": "zh-hans", "zh-hans": "zh-hans", "中文": "zh-hans"}
ALL, RIGHT_ONES = "all", "right"
DATE_ERROR = {"invalid": gettext_lazy("Enter the date in the form 2026-12-31.")}


class TableForm(forms.Form):
    """A table as a file, or pasted; `checked` identifies the one that the rows below were made from."""

    file = forms.FileField(
        label=gettext_lazy("File (CSV or XLSX)"),
        required=False,
        widget=forms.FileInput(attrs={"accept": ".csv,.xlsx,.txt"}),
    )
    table = forms.CharField(
        label=gettext_lazy("Or paste the table, and correct it here"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 10, "class": "code", "wrap": "off", "spellcheck": "false"}),
    )
    checked = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > LARGEST:
            raise forms.ValidationError(_("The file is larger than 2 MB. Divide it."))
        return file

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or {}
        if facts.get("file"):
            facts["table"] = text_of_file(facts["file"].name, facts["file"].read())
        if not self.errors and not (facts.get("table") or "").strip():
            self.add_error("file", _("Choose a file, or paste a table."))
        return facts


class RowForm(forms.Form):
    """The cells of a row."""

    customer_code = forms.CharField(max_length=40, validators=[code_validator])
    name = forms.CharField(max_length=200)
    region = forms.CharField(max_length=200)
    language = forms.CharField(required=False)
    contact_email = forms.EmailField(required=False)
    contact_name = forms.CharField(max_length=200, required=False)
    contract_reference = forms.CharField(max_length=40, required=False)
    first_service_day = forms.DateField(required=False, input_formats=["%Y-%m-%d"], error_messages=DATE_ERROR)
    last_service_day = forms.DateField(required=False, input_formats=["%Y-%m-%d"], error_messages=DATE_ERROR)
    monthly_charge = forms.DecimalField(
        required=False,
        min_value=Decimal(0),
        max_digits=12,
        decimal_places=3,
        localize=False,
        error_messages={"invalid": gettext_lazy("Enter an amount with a point, for example 49.00.")},
    )
    currency = forms.CharField(
        required=False,
        validators=[
            RegexValidator(
                r"^[A-Z]{3}\Z", gettext_lazy("Enter the currency as three letters (ISO 4217), for example EUR.")
            )
        ],
    )
    trial_days = forms.IntegerField(required=False, min_value=0, max_value=32767)

    def __init__(self, data: dict[str, str], regions: dict[str, Region], operator: Operator) -> None:
        super().__init__(data)
        self.regions, self.operator = regions, operator

    def clean_region(self) -> Region:
        named = self.cleaned_data["region"]
        found = self.regions.get(named.lower())
        if found is None:
            raise forms.ValidationError(_("There is no region “%(name)s”.") % {"name": named})
        return found

    def clean_language(self) -> str:
        named = self.cleaned_data["language"]
        code = LANGUAGES.get(named.lower()) if named else self.operator.customer_language
        if code not in self.operator.offered:
            raise forms.ValidationError(_("Enter one of: %(codes)s.") % {"codes": ", ".join(self.operator.offered)})
        return code

    def clean(self) -> dict[str, Any]:
        facts = super().clean() or {}
        if facts.get("contact_name") and not facts.get("contact_email") and "contact_email" not in self.errors:
            self.add_error("contact_email", _("A contact needs an e-mail address."))
        if any(self.data.get(name) for name in (*CONTRACT, "trial_days")):
            for name in CONTRACT:
                if not self.data.get(name):
                    self.add_error(name, _("A contract needs this."))
            self._check_contract(facts)
        return facts

    def _check_contract(self, facts: dict[str, Any]) -> None:
        first, last = facts.get("first_service_day"), facts.get("last_service_day")
        charge, currency = facts.get("monthly_charge"), facts.get("currency")
        if first and last and last < (earliest := shortest_period_ends_on(first)):
            self.add_error(
                "last_service_day",
                _("A contract lasts at least one month: if it starts on %(start)s, it ends on %(end)s or later.")
                % {"start": first, "end": earliest},
            )
        if charge is not None and currency and charge % smallest_unit(currency):
            self.add_error(
                "monthly_charge",
                _("%(currency)s has no smaller unit than %(unit)s.")
                % {"currency": currency, "unit": smallest_unit(currency)},
            )


@dataclass
class Row:
    """A row of the table: its line, cells, what is wrong with each, and what the import would do."""

    line: int
    cells: dict[str, str]
    facts: dict[str, Any]
    errors: dict[str, list[str]]
    does: str = ""
    on_record: bool = False
    is_first: bool = True
    """Whether it is the first of its customer; further rows add contacts and contracts."""

    @property
    def shown(self) -> list[tuple[str, str, list[str]]]:
        """Label, text and errors of each cell that has one."""
        return [
            (label(name), self.cells.get(name, ""), self.errors.get(name, []))
            for name in COLUMNS
            if self.cells.get(name) or name in self.errors
        ]

    @property
    def code(self) -> str:
        return self.cells.get("customer_code", "")

    def wrong(self, column: str, sentence: str) -> None:
        self.errors.setdefault(column, []).append(sentence)


@dataclass
class Plan:
    """The rows, checked against one another and the record."""

    rows: list[Row] = field(default_factory=list)

    @property
    def wrong(self) -> list[Row]:
        return [row for row in self.rows if row.errors]

    @property
    def right(self) -> list[Row]:
        """The rows to write: none of a customer with a wrong row."""
        wrong = {row.code for row in self.wrong}
        return [row for row in self.rows if row.code not in wrong and not row.on_record]

    @property
    def left_out(self) -> int:
        return sum(not row.on_record for row in self.rows) - len(self.right)


def planned(text: str) -> Plan:
    """Check a table against itself and the record; raises `NotATable`."""
    operator = operator_in_force()
    regions: dict[str, Region] = {}
    for region in Region.objects.all():
        regions |= {name.lower(): region for name in (region.code, region.name, region.name_zh) if name}
    rows = []
    for line, cells in rows_of(text):
        form = RowForm(cells, regions, operator)
        form.is_valid()
        rows.append(Row(line, cells, form.cleaned_data, {name: list(said) for name, said in form.errors.items()}))
    _check_among_themselves(rows)
    _check_against_record(rows)
    for row in rows:
        if not row.errors:
            row.does = _does(row)
    return Plan(rows)


def _check_among_themselves(rows: Iterable[Row]) -> None:
    first_of: dict[str, Row] = {}
    references: dict[str, int] = {}
    addresses: set[tuple[str, str]] = set()
    for row in rows:
        first = first_of.setdefault(row.code, row)
        row.is_first = first is row
        for name in ("name", "region", "language"):
            if row.cells.get(name, "") != first.cells.get(name, ""):
                row.wrong(name, _("Line %(line)d says otherwise of this customer.") % {"line": first.line})
        reference = row.cells.get("contract_reference", "")
        if reference and reference in references:
            row.wrong("contract_reference", _("It stands in line %(line)d already.") % {"line": references[reference]})
        references.setdefault(reference, row.line)
        address = row.cells.get("contact_email", "").lower()
        if address and (row.code, address) in addresses:
            if not reference:
                row.wrong("contact_email", _("An e-mail address is entered twice."))
            row.facts["contact_email"] = ""
        addresses.add((row.code, address))


def _check_against_record(rows: Iterable[Row]) -> None:
    rows = list(rows)
    customers = {
        one.code: one for one in Customer.objects.filter(code__in={row.code for row in rows}).select_related("region")
    }
    named = {row.cells.get("contract_reference", "") for row in rows}
    owners = dict(Contract.objects.filter(reference__in=named).values_list("reference", "customer__code"))
    for row in rows:
        reference = row.cells.get("contract_reference", "")
        customer = customers.get(row.code)
        same = customer is not None and (customer.name, customer.region) == (
            row.facts.get("name"),
            row.facts.get("region"),
        )
        if same and owners.get(reference, row.code if not reference else "") == row.code:
            row.on_record = True
        elif customer is not None:
            row.wrong("customer_code", _("This customer is on record. Change it, or add a contract, on its own page."))
        elif reference in owners:
            row.wrong(
                "contract_reference",
                _("It is on record as a contract of customer %(code)s.") % {"code": owners[reference]},
            )


def _does(row: Row) -> str:
    facts = row.facts
    if row.on_record:
        return _("On record already: nothing is written.")
    parts = []
    if row.is_first:
        parts.append(_("Adds the customer in %(region)s.") % {"region": facts["region"]})
    if facts["contact_email"]:
        parts.append(_("Adds the contact %(address)s.") % {"address": facts["contact_email"]})
    if facts["contract_reference"]:
        parts.append(
            _("Adds contract %(reference)s, %(first)s to %(last)s, %(charge)s a month.")
            % {
                "reference": facts["contract_reference"],
                "first": facts["first_service_day"],
                "last": facts["last_service_day"],
                "charge": format_amount(facts["monthly_charge"], facts["currency"]),
            }
        )
    if facts["trial_days"]:
        parts.append(
            ngettext("%(count)d day of it is free.", "%(count)d days of it are free.", facts["trial_days"])
            % {"count": facts["trial_days"]}
        )
    return " ".join(parts)


def write(*, actor: Actor, rows: Iterable[Row], now: datetime) -> int:
    """Put the customers of these rows on record, all or none; return how many."""
    by_customer: dict[str, list[Row]] = {}
    for row in rows:
        by_customer.setdefault(row.code, []).append(row)
    with transaction.atomic():
        for code, of_customer in by_customer.items():
            facts = of_customer[0].facts
            customer = enrol_customer(
                actor=actor,
                code=code,
                name=facts["name"],
                region=facts["region"],
                language=facts["language"],
                contacts=[
                    (row.facts["contact_email"], row.facts["contact_name"])
                    for row in of_customer
                    if row.facts["contact_email"]
                ],
                now=now,
            )
            for row in of_customer:
                if row.facts["contract_reference"]:
                    sign_contract(
                        actor=actor,
                        customer=customer,
                        reference=row.facts["contract_reference"],
                        starts_on=row.facts["first_service_day"],
                        ends_on=row.facts["last_service_day"],
                        monthly_charge=row.facts["monthly_charge"],
                        currency=row.facts["currency"],
                        trial_days=row.facts["trial_days"] or 0,
                        now=now,
                    )
    return len(by_customer)


@require_http_methods(["GET", "HEAD", "POST"])
def import_customers(request: HttpRequest) -> HttpResponse:
    """Show what each row of a table would do; once that was seen, write it."""
    for right in RIGHTS:
        require_right(request, right)
    now = timezone.now()
    plan = None
    form = TableForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        try:
            if form.is_valid():
                plan = planned(form.cleaned_data["table"])
        except NotATable as refused:
            form.add_error(None, str(refused))
    if plan is not None:
        table = form.cleaned_data["table"]
        digest = hashlib.sha256(table.replace("\r\n", "\n").encode()).hexdigest()
        wanted = request.POST.get("do")
        if wanted in {ALL, RIGHT_ONES} and form.cleaned_data["checked"] == digest:
            if plan.right and (wanted == RIGHT_ONES or not plan.wrong):
                with refusals_on(form):
                    count = write(actor=acting(request), rows=plan.right, now=now)
                    deliver_soon()
                    messages.success(
                        request,
                        ngettext("%(count)d customer was imported.", "%(count)d customers were imported.", count)
                        % {"count": count},
                    )
                    return redirect(reverse("admin:customers_customer_changelist"))
        elif wanted in {ALL, RIGHT_ONES}:
            form.add_error(None, _("The table was changed since it was checked. Look at the rows again."))
        shown = TableForm(initial={"table": table, "checked": digest})
    else:
        shown = form
    context = {
        "title": _("Import customers"),
        "form": form,
        "shown": shown,
        "plan": plan,
        "columns": ", ".join(COLUMNS),
        "regions": Region.objects.all(),
    }
    wrong = bool(form.errors or (plan and plan.wrong))
    return page(request, "staff/setup/customers.html", context, status=422 if wrong else 200)


@require_safe
def sample(request: HttpRequest) -> HttpResponse:
    """A table with one customer, to fill in."""
    for right in RIGHTS:
        require_right(request, right)
    today = timezone.localdate(timezone=settings.SLA_ZONE)
    region = Region.objects.first()
    start = date(today.year + 1, 1, 1)
    cells = [
        "C-0001", "Hafen Residences", region.code if region else "eu", "en", "ops@example.com", "Ann Example", "K-0001",
        start.isoformat(), (date(start.year + 1, 1, 1) - timedelta(days=1)).isoformat(), "49.00", "EUR", "31",
    ]  # fmt: skip
    return download((BOM + written([list(COLUMNS), cells])).encode(), "customers.csv", "text/csv; charset=utf-8")
