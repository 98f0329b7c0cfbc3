"""Many claims recommended or decided together; each is still checked by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from claims.models import Claim, Outcome, Status
from claims.operations.together import decide_together, recommend_together
from claims.queries import assess
from sla_portal.agreements.queries import NoAgreementInForce
from sla_portal.audit.versions import acting
from sla_portal.clocks import month_name
from sla_portal.kernel.intervals import MINUTE, seconds
from sla_portal.notices.tasks import deliver_soon

from ..common import page, refusals_on, require_right
from ..forms import KeyedForm
from . import sheet
from .claim import DECIDE, REVIEW, typed_count
from .forms import TogetherForm

MOST = 50


@require_http_methods(["GET", "HEAD", "POST"])
def recommend_chosen(request: HttpRequest) -> HttpResponse:
    """Show the selected claims with checks and amounts (`?claim=1&claim=2`); POST recommends one outcome for all."""
    require_right(request, REVIEW)
    now = timezone.now()
    sent = request.POST if request.method == "POST" else request.GET
    claims = _chosen(sent.getlist("claim"))
    if problem := _problem(claims):
        messages.error(request, problem)
        return redirect("admin:claims")
    context: dict[str, Any] = {
        "title": _("Recommend several claims"),
        "claims": claims,
    }
    form = TogetherForm(request.POST or None, auto_id="together-%s")
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        with refusals_on(form):
            results = recommend_together(
                actor=acting(request),
                claims=claims,
                outcome=given["outcome"],
                clause=given["clause"],
                reason=given["reason"],
                as_voucher=given["part"] == "voucher",
                now=now,
            )
            return page(request, "staff/claims/together.html", {**context, "results": results, "done": _done(results)})
    return page(
        request,
        "staff/claims/together.html",
        {
            **context,
            "form": form,
            "lines": [_line(claim, now) for claim in claims],
            "refused": [form] if form.errors else [],
        },
        status=422 if form.errors else 200,
    )


def _chosen(keys: list[str]) -> list[Claim]:
    pks = {int(key) for key in keys[: 2 * MOST] if key.isascii() and key.isdigit() and len(key) < 19}
    return list(
        Claim.objects.filter(pk__in=pks)
        .select_related("contract__customer__region", "contact")
        .order_by("month", "received_at", "id")
    )


def _problem(claims: list[Claim]) -> str:
    if not claims:
        return _("Select at least one claim in the list.")
    if len(claims) > MOST:
        return _("Select at most %(most)s claims at a time.") % {"most": MOST}
    return ""


def _line(claim: Claim, now: datetime) -> dict[str, Any]:
    """Return one table row: failed checks and amount of a claim."""
    try:
        assessment = assess(claim, now)
    except NoAgreementInForce as refusal:
        return {"claim": claim, "refusal": str(refusal)}
    return {
        "claim": claim,
        "month": month_name(claim.service_month),
        "against": sheet.failed_checks(assessment),
        "minutes": assessment.entitlement.minutes,
        "worth": sheet.worth_of(assessment, sheet.division_of(assessment, 0)),
        "overlap": seconds(assessment.minutes.overlap) // MINUTE,
        "nothing_overlaps": assessment.minutes.nothing_overlaps,
        "sensitive": assessment.judged.figures.reading_sensitive,
    }


@require_http_methods(["GET", "HEAD", "POST"])
def decide_chosen(request: HttpRequest) -> HttpResponse:
    """Show the selected recommendations with checks and amounts; POST grants those whose checks all pass."""
    require_right(request, DECIDE)
    now = timezone.now()
    sent = request.POST if request.method == "POST" else request.GET
    claims = _chosen(sent.getlist("claim"))
    if problem := _problem(claims):
        messages.error(request, problem)
        return redirect(f"{reverse('admin:claims')}?tab=second")
    context: dict[str, Any] = {"title": _("Decide several claims"), "claims": claims}
    form = KeyedForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        shown = {claim: typed_count(request.POST.get(f"recommendation-{claim.pk}")) for claim in claims}
        with refusals_on(form):
            results = decide_together(
                actor=acting(request), recommendations=shown, key=form.cleaned_data["key"], now=now
            )
            deliver_soon()
            context |= {"results": results, "done": _granted(results)}
            return page(request, "staff/claims/decide_together.html", context)
    lines = [_to_decide(request, claim, now) for claim in claims]
    context |= {
        "form": form,
        "lines": lines,
        "count": sum(not line["why_not"] for line in lines),
        "refused": [form] if form.errors else [],
    }
    return page(request, "staff/claims/decide_together.html", context, status=422 if form.errors else 200)


def _to_decide(request: HttpRequest, claim: Claim, now: datetime) -> dict[str, Any]:
    """Return one table row: what was recommended, the amount, and why it cannot be granted here; empty if it can."""
    history = sheet.history_of(claim)
    last = history.last
    if claim.status != Status.RECOMMENDED or last is None:
        return {"claim": claim, "why_not": _("This claim has no recommendation pending approval.")}
    try:
        assessment = assess(claim, now)
    except NoAgreementInForce as refusal:
        return {"claim": claim, "why_not": str(refusal)}
    against = sheet.failed_checks(assessment)
    why_not = sheet.why_not_decide(request.user, history)
    if last.outcome == Outcome.REFUSE:
        why_not = why_not or _("A refusal is decided on the claim's page, with its proof materials in view.")
    elif against:
        why_not = why_not or _("Not all checks pass.")
    return {
        "claim": claim,
        "month": month_name(claim.service_month),
        "last": last,
        "against": against,
        "why_not": why_not,
        "worth": sheet.worth_of(assessment, sheet.division_of(assessment, last.voucher_minutes)),
        "nothing_overlaps": assessment.minutes.nothing_overlaps,
        "sensitive": assessment.judged.figures.reading_sensitive,
    }


def _granted(results: list[Any]) -> str:
    count = sum(result.decision is not None for result in results)
    return ngettext(
        "%(count)s of %(all)s claim is granted.", "%(count)s of %(all)s claims are granted.", len(results)
    ) % {
        "count": count,
        "all": len(results),
    }


def _done(results: list[Any]) -> str:
    count = sum(result.recommendation is not None for result in results)
    return ngettext(
        "%(count)s of %(all)s claim is recommended.", "%(count)s of %(all)s claims are recommended.", len(results)
    ) % {"count": count, "all": len(results)}
