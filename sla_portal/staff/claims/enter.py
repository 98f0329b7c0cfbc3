"""Enter a claim for a caller or from a ticket."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_http_methods

from claims.models import Claim, RefusedApplication
from claims.operations.receiving import AlreadyClaimed, receive_claim
from claims.queries import claimable_months, windows_of
from claims.rules import ClaimWindow
from sla_portal.agreements.models import Contract
from sla_portal.audit.versions import acting
from sla_portal.availability.models import CustomerMonth
from sla_portal.availability.queries import closed_months, months_in_service
from sla_portal.availability.rules import availability, cut, stored_status
from sla_portal.availability.words import status_badge
from sla_portal.clocks import month_name
from sla_portal.customers.models import Customer
from sla_portal.customers.queries import contacts_of_customer
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.notices.tasks import deliver_soon
from sla_portal.website.claims.forms import ENDS

from ..common import page, refusals_on, require_right
from ..models import Submission
from ..search import LONGEST, contracts_of_caller
from ..words import CLAIM_MARKS, verdict
from .forms import CallerTimesForm, EnterForm
from .waiting import last_day, time_left

SHOWN = 20
LATE_MONTHS = 24
LATE_SHOWN = 5
ROWS_ADDED = 3
SINGLE = ("key", "month", "contact", "source", "ticket_number", "zone", "description")
MONTHS_SHOWN = 6
Windows = Sequence[tuple[ServiceMonth, ClaimWindow]]


@require_http_methods(["GET", "HEAD", "POST"])
def enter_claim(request: HttpRequest) -> HttpResponse:
    """Search for the caller (`?q=`), choose the contract (`?customer=`), then enter the claim (`?contract=`)."""
    require_right(request, "claims.enter_claim")
    now = timezone.now()
    contract = request.GET.get("contract", "")
    if contract.isascii() and contract.isdigit() and len(contract) < 19:
        found = get_object_or_404(Contract.objects.select_related("customer__region"), pk=contract)
        return _enter(request, found, now)
    customer = request.GET.get("customer", "")
    text = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    if customer.isascii() and customer.isdigit() and len(customer) < 19:
        of = get_object_or_404(Customer, pk=customer)
        theirs = Q(customer=of) | Q(customer__installer=of)
        contracts = Contract.objects.filter(theirs).order_by("customer__code", "-starts_on", "-id")
    else:
        contracts = contracts_of_caller(text) if text else Contract.objects.none()
    rows = list(contracts.select_related("customer")[: SHOWN + 1])
    return page(
        request,
        "staff/claims/find.html",
        {
            "title": _("Enter a claim"),
            "text": text,
            "asked": bool(text or customer),
            "contracts": rows[:SHOWN],
            "more": len(rows) > SHOWN,
            "shown": SHOWN,
        },
    )


def _enter(request: HttpRequest, contract: Contract, now: datetime) -> HttpResponse:
    windows = claimable_months(now)
    contacts = list(contacts_of_customer(contract.customer))
    chosen = request.GET.get("month", "")
    # More rows are a page with what was typed, not a claim.
    typed = _with_more_rows(request.POST) if request.POST.get("rows") else {}
    sent = None if typed else request.POST or None
    first_open = next((str(month) for month, window in windows if window.opens_at <= now), None)
    form = EnterForm(
        sent,
        months=_months(contract, windows, now, chosen),
        contacts=contacts,
        initial={"month": chosen or first_open, **typed},
        auto_id="enter-%s",
    )
    month = form.cleaned_data.get("month") if form.is_bound and form.is_valid() else None
    times = CallerTimesForm(
        sent,
        month=month,
        now=now,
        initial={"zone": str(contract.customer.region.zone), **typed},
        auto_id="enter-%s",
    )
    claimed = None
    if sent and form.is_valid() and times.is_valid():
        known = Submission.objects.filter(key=form.cleaned_data["key"]).first()
        if known:
            return redirect(known.location)
        with refusals_on(form):
            try:
                claim = _receive(request, contract, form, times, now)
            except AlreadyClaimed as refused:
                claimed = refused.claim
                raise
            deliver_soon()
            messages.success(
                request, _("Entered as %(number)s. The customer gets a personal link by e-mail.") % {"number": claim}
            )
            return redirect("admin:claim", claim.pk)
    refused = [one for one in (form, times) if one.errors]
    return page(
        request,
        "staff/claims/enter.html",
        {
            "title": _("Enter a claim"),
            "contract": contract,
            "customer": contract.customer,
            "contacts": contacts,
            "form": form,
            "times": times,
            "claimed": claimed,
            "months": _figures(contract, windows, now),
            "most_rows": times.most_rows,
            "late": RefusedApplication.objects.filter(contract=contract)[:LATE_SHOWN],
            "may_add_contact": request.user.has_perm("customers.add_contact"),
            "refused": refused,
        },
        status=422 if refused else 200,
    )


def _with_more_rows(sent: QueryDict) -> dict[str, Any]:
    """Return what was typed as the initial values of a page with more rows for outages."""
    columns = {name: sent.getlist(name) for name in ENDS}
    rows = max(len(column) for column in columns.values())
    columns = {name: [*column, *[""] * (rows - len(column) + ROWS_ADDED)] for name, column in columns.items()}
    single = {name: sent.get(name, "") for name in SINGLE if name in sent}
    return {**single, **{name: sent.getlist(name) for name in ("functions", "clients")}, **columns}


def _receive(request: HttpRequest, contract: Contract, form: EnterForm, times: CallerTimesForm, now: datetime) -> Claim:
    given, seen = form.cleaned_data, times.cleaned_data
    claim = receive_claim(
        actor=acting(request),
        contract=contract,
        month=given["month"],
        contact=given["contact"],
        times=times.stretches,
        functions=[one for one in times.grid.functions if one.code in seen["functions"]],
        clients=[one for one in times.grid.clients if one.code in seen["clients"]],
        description=seen["description"],
        time_zone=seen["zone"],
        source=given["source"],
        ticket_number=given["ticket_number"],
        now=now,
    )
    # Not in one transaction: `receive_claim` records a late attempt in a separate one.
    Submission.objects.create(key=given["key"], at=now, location=reverse("admin:claim", args=[claim.pk]))
    return claim


def _months(contract: Contract, windows: Windows, now: datetime, chosen: str) -> list[tuple[ServiceMonth, str]]:
    """List the months to choose from with the status of their claim period.

    Those whose period has closed are among them: a late claim is refused, and the attempt goes on record.
    """
    earliest = windows[-1][0] if windows else ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE)).next
    before = [earliest + -n for n in range(1, LATE_MONTHS + 1)]
    late = windows_of(months_in_service(month for month in before if month.last_day >= contract.starts_on))
    names = [
        (month, f"{month_name(month)} · {time_left(window, now)[1]}") for month, window in [*windows, *late.items()]
    ]
    try:
        asked = ServiceMonth.parse(chosen)
    except ValueError:
        return names
    offered = {month for month, _name in names}
    return names if asked in offered else [*names, (asked, month_name(asked))]


def _figures(contract: Contract, windows: Windows, now: datetime) -> list[dict[str, Any]]:
    """List recent months: figures, claim period, and existing claims of the contract."""
    known = dict(windows)
    first = windows[0][0] if windows else ServiceMonth.of(now.date())
    months = [first + -n for n in range(MONTHS_SHOWN)]
    edge = months[-1].first_day
    judged = {row.month: row for row in CustomerMonth.objects.filter(customer=contract.customer_id, month__gte=edge)}
    closed = closed_months(list(judged))
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    claims: dict[Any, list[Claim]] = {}
    for claim in Claim.objects.filter(contract=contract, month__gte=edge).order_by("-received_at"):
        claims.setdefault(claim.month, []).append(claim)
    return [
        {
            "month": month,
            "name": month_name(month),
            "window": (window := known.get(month)),
            "last_day": last_day(window) if window else None,
            "left": time_left(window, now) if window else ("outside", pgettext("claims", "Closed")),
            **_row(judged.get(month.first_day)),
            "status": status_badge(stored_status(month.first_day, closed, present)),
            "claims": [(claim, CLAIM_MARKS[claim.status]) for claim in claims.get(month.first_day, [])],
        }
        for month in months
    ]


def _row(row: CustomerMonth | None) -> dict[str, Any]:
    if row is None:
        return {"row": None}
    reached = availability(row.unavailable_minutes, row.total_minutes)
    return {
        "row": row,
        "availability": None if reached is None else cut(reached),
        "verdict": verdict(row.met, over=True),
    }
