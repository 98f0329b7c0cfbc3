"""Contracts entitled to compensation for a month, and claims affected by the correction of a closed month."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from claims.models import Compensation, Invitation
from claims.operations.exporting import Export, record_export
from claims.queries import window_of
from claims.queries.entitlements import (
    COLUMNS,
    AffectedClaim,
    EntitledContract,
    Month,
    affected_claims,
    below_target,
    entitled_contracts,
    for_export,
)
from sla_portal.agreements.queries import NoAgreementInForce, version_in_force
from sla_portal.audit.versions import acting
from sla_portal.availability.models import MonthClosing
from sla_portal.availability.queries import closing_of
from sla_portal.clocks import month_name
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.money import format_amount as amount
from sla_portal.kernel.months import ServiceMonth, local_date

from ..common import page, require_right
from ..exports import export_response
from ..words import CLAIM_MARKS

SHOWN = 100
MOST_COUNTED = 10_000
EARLIEST, LATEST = ServiceMonth(1970, 1), ServiceMonth(9998, 8)


class AfterForm(forms.Form):
    """Page position and filter of a list."""

    after = forms.IntegerField(required=False, min_value=0, max_value=2**63 - 1)
    unclaimed = forms.BooleanField(required=False)


@require_safe
def newest(request: HttpRequest) -> HttpResponse:
    """Redirect to the newest closed month, or to `?month=2026-09`."""
    require_right(request, "availability.view_customermonth")
    closing = MonthClosing.objects.order_by("-month").first()
    present = ServiceMonth.of(local_date(epoch(timezone.now()), settings.SLA_ZONE))
    last = ServiceMonth.of(closing.month) if closing else present.previous
    return redirect("admin:entitled_contracts_in", request.GET.get("month", "").replace("/", "") or last)


@require_safe
def of_one_month(request: HttpRequest, month: str) -> HttpResponse:
    """List the contracts entitled to compensation for a closed month, claimed or not."""
    require_right(request, "availability.view_customermonth")
    asked, form = month_of(month), _form(request)
    context: dict[str, Any] = {
        "title": _("Customers entitled to claim for %(month)s") % {"month": month_name(asked)},
        "month": asked,
        "earlier": asked.previous,
        "later": asked.next,
        "unclaimed": form["unclaimed"],
        "shown": SHOWN,
    }
    try:
        context["window"] = window_of(asked)
    except NoAgreementInForce as refused:
        return page(request, "staff/claims/entitled_contracts.html", {**context, "refused": str(refused)})
    context["closing"] = closing_of(asked)
    if context["closing"]:
        rows = below_target(asked, unclaimed=form["unclaimed"])
        customers = list(rows.filter(customer__gt=form["after"]).values_list("customer", flat=True)[: SHOWN + 1])
        lines = entitled_contracts(Month(asked, timezone.now()), customers[:SHOWN], unclaimed=form["unclaimed"])
        count = rows.order_by()[: MOST_COUNTED + 1].count()
        chosen = {"unclaimed": "on"} if form["unclaimed"] else {}
        told = _invitations(asked, lines)
        context |= {
            "lines": [_line(line, told.get(line.entitled.contract.pk)) for line in lines],
            "to_confirm": Invitation.objects.filter(month=asked.first_day, outcome="").count(),
            "may_invite": request.user.has_perm("claims.review_claim") and timezone.now() < context["window"].closes_at,
            "may_credit": request.user.has_perm("claims.review_claim")
            and version_in_force(asked.first_day).terms.credit_without_claim,
            "count": count,
            "more_than": MOST_COUNTED if count > MOST_COUNTED else 0,
            "first": f"?{urlencode(chosen)}" if form["after"] else "",
            "next": f"?{urlencode({**chosen, 'after': customers[SHOWN - 1]})}" if len(customers) > SHOWN else "",
            "question": urlencode(chosen),
        }
    return page(request, "staff/claims/entitled_contracts.html", context)


@require_POST
def export(request: HttpRequest, month: str) -> HttpResponseBase:
    """Export the list as CSV; the audit log records who exported it."""
    require_right(request, "availability.view_customermonth")
    asked, unclaimed, now = month_of(month), _form(request)["unclaimed"], timezone.now()
    if closing_of(asked) is None:
        raise Http404
    record_export(
        actor=acting(request),
        export=Export.ENTITLED_CONTRACTS,
        form="csv",
        wanted={"month": str(asked), **({"unclaimed": "yes"} if unclaimed else {})},
        now=now,
    )
    rows = for_export(Month(asked, now), window_of(asked), unclaimed=unclaimed)
    return export_response("csv", f"could-have-claimed-{asked}", COLUMNS, rows)


@require_safe
def affected_by_correction(request: HttpRequest, month: str) -> HttpResponse:
    """List decided claims of a corrected month with granted compensation and compensation at current figures."""
    require_right(request, "claims.view_claim")
    asked, form = month_of(month), _form(request)
    closing = closing_of(asked)
    corrected = closing is not None and closing.revision > 1
    rows, going_on = affected_rows(asked, timezone.now(), form["after"]) if corrected else ([], 0)
    return page(
        request,
        "staff/claims/affected.html",
        {
            "title": _("Claims affected by the correction of %(month)s") % {"month": month_name(asked)},
            "month": asked,
            "closing": closing,
            "corrected": corrected,
            "affected": rows,
            "first": reverse("admin:affected_claims", args=[asked]) if form["after"] else "",
            "next": f"?after={going_on}" if going_on else "",
        },
    )


def affected_rows(month: ServiceMonth, now: datetime, after: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Return the affected claims as table rows, and the claim after which the next page starts; 0 at the end."""
    found, going_on = affected_claims(Month(month, now), after)
    return [_affected(one) for one in found], going_on


def month_of(text: str) -> ServiceMonth:
    """Return the month of an address; answer 404 if there is none."""
    try:
        month = ServiceMonth.parse(text)
    except ValueError as error:
        raise Http404(str(error)) from None
    if not EARLIEST <= month <= LATEST:
        raise Http404
    return month


def _form(request: HttpRequest) -> dict[str, Any]:
    """Parse the query string; ignore invalid values."""
    form = AfterForm(request.GET)
    form.is_valid()
    return {"after": form.cleaned_data.get("after") or 0, "unclaimed": bool(form.cleaned_data.get("unclaimed"))}


def _invitations(month: ServiceMonth, lines: Sequence[EntitledContract]) -> dict[int, Invitation]:
    """Return the invitation that is proposed or sent, by contract."""
    found = Invitation.objects.filter(
        month=month.first_day,
        contract__in=[line.entitled.contract.pk for line in lines],
        outcome__in=["", Invitation.Outcome.SENT],
    )
    return {one.contract_id: one for one in found}


def _line(line: EntitledContract, invitation: Invitation | None) -> dict[str, Any]:
    entitled = line.entitled
    return {
        "claimed": line.claimed,
        "invitation": invitation,
        "contract": entitled.contract,
        "counted": entitled.entitlement.counted_minutes,
        "minutes": entitled.minutes,
        "worth": amount(entitled.worth, entitled.contract.currency),
        "claim": line.claim,
        "state": CLAIM_MARKS[line.claim.status] if line.claim else "",
    }


def _affected(one: AffectedClaim) -> dict[str, Any]:
    granted: Compensation | None = next(iter(one.claim.compensations.all()), None)
    currency = one.claim.contract.currency
    return {
        "claim": one.claim,
        "state": CLAIM_MARKS[one.claim.status],
        "counted_then": one.counted_then,
        "counted_now": one.counted_now,
        "granted": granted,
        "granted_value": amount(sum(entry.value for entry in granted.entries.all()), currency) if granted else "",
        "minutes_now": one.minutes_now,
        "worth_now": amount(one.entitled.worth, currency) if one.entitled else "",
    }
