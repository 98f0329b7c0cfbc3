"""What billing takes: exports up to a mark, balances of vouchers by customer, and credit notes."""

from __future__ import annotations

from dataclasses import astuple
from datetime import date

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.files.storage import default_storage
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from claims.models import BillingExport, CreditNote, Entry
from claims.operations import mark_exported
from claims.operations.exporting import Export, record_export
from claims.queries.ledger import BALANCE_COLUMNS, COLUMNS, balances, exports_for_billing, for_billing
from sla_portal.audit.models import Kind
from sla_portal.audit.queries import seal_of
from sla_portal.audit.versions import acting
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date

from ..common import download, page, require_right
from ..exports import BUTTONS, FORMS, MOST_IN_A_SHEET, export_response
from .ledger import written

SHOWN = 100
"""Customers on a page of balances, and exports on the page of billing."""


@require_http_methods(["GET", "HEAD", "POST"])
def exports(request: HttpRequest) -> HttpResponse:
    """List what was exported for billing; POST exports everything up to here."""
    require_right(request, "claims.view_entry")
    if request.method == "POST":
        require_right(request, "claims.export_for_billing")
        try:
            made = mark_exported(actor=acting(request), now=timezone.now())
            messages.success(request, _("Export %(number)s is ready. Download it below.") % {"number": made})
        except Refused as refused:
            messages.info(request, str(refused))
        return redirect("admin:billing")
    context = {
        "title": _("Billing"),
        "marks": exports_for_billing()[:SHOWN],
        "exports": BUTTONS,
        "may_export": request.user.has_perm("claims.export_for_billing"),
    }
    return page(request, "staff/claims/billing.html", context)


@require_POST
def export(request: HttpRequest, number: int, form: str) -> HttpResponseBase:
    """Export the entries of one export for billing, as often as it is asked for."""
    require_right(request, "claims.view_entry")
    made = get_object_or_404(BillingExport, number=number)
    if form not in FORMS:
        raise Http404
    if form == "xlsx" and made.entries > MOST_IN_A_SHEET:
        messages.error(
            request,
            _("A worksheet can hold at most %(most)d entries. Choose a month, or export CSV.")
            % {"most": MOST_IN_A_SHEET},
        )
        return redirect("admin:billing")
    wanted = {"export": str(made)}
    record_export(actor=acting(request), export=Export.LEDGER, form=form, wanted=wanted, now=timezone.now())
    rows = for_billing(
        Entry.objects.filter(billed__export=made), with_codes=request.user.has_perm("claims.view_voucher")
    )
    return export_response(form, f"billing-{made}", COLUMNS, rows)


class BalancesForm(forms.Form):
    """Where a page of balances goes on: `?after=<customer's code>`."""

    after = forms.CharField(required=False, max_length=40)


@require_safe
def list_balances(request: HttpRequest) -> HttpResponse:
    """List the balances of vouchers by customer and currency, customers by their code."""
    require_right(request, "claims.view_entry")
    form = BalancesForm(request.GET)
    if not form.is_valid():
        raise Http404
    after = form.cleaned_data["after"]
    found = balances(_today(), after=after, most=SHOWN + 1)
    codes = list(dict.fromkeys(one.customer for one in found))
    context = {
        "title": _("Voucher balances"),
        "balances": [written(one) for one in found if one.customer in codes[:SHOWN]],
        "first": "?" if after else "",
        "next": f"?{urlencode({'after': codes[SHOWN - 1]})}" if len(codes) > SHOWN else "",
        "exports": BUTTONS,
    }
    return page(request, "staff/claims/balances.html", context)


@require_POST
def export_balances(request: HttpRequest, form: str) -> HttpResponseBase:
    """Export the balances of all customers."""
    require_right(request, "claims.view_entry")
    if form not in FORMS:
        raise Http404
    record_export(actor=acting(request), export=Export.BALANCES, form=form, wanted={}, now=timezone.now())
    return export_response(form, f"balances-{_today()}", BALANCE_COLUMNS, map(astuple, balances(_today())))


@require_safe
def credit_note(request: HttpRequest, number: str) -> HttpResponse:
    """Send a credit note as it was printed, with its seal once it has one."""
    require_right(request, "claims.view_voucher")
    note = get_object_or_404(CreditNote.objects.exclude(sha256=""), number=number.replace("\0", ""))
    with default_storage.open(note.pdf, "rb") as stored:
        content: bytes = stored.read()
    return download(content + (seal_of(Kind.CREDIT_NOTE, note.number) or b""), f"{note}.pdf", "application/pdf")


def _today() -> date:
    return local_date(epoch(timezone.now()), settings.SLA_ZONE)
