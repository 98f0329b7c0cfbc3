"""Many claims for one outage, recommended together; each is still checked by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from claims.models import Claim
from claims.operations.together import recommend_together
from claims.queries import assess
from sla_portal.agreements.queries import NoAgreementInForce
from sla_portal.audit.versions import acting
from sla_portal.clocks import month_name
from sla_portal.kernel.intervals import MINUTE, seconds

from ..common import page, refusals_on, require_right
from . import sheet
from .claim import REVIEW
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
        "month_name": month_name(claims[0].service_month),
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
    if len({claim.month for claim in claims}) > 1:
        return _("Select claims of one month only.")
    return ""


def _line(claim: Claim, now: datetime) -> dict[str, Any]:
    """Return one table row: failed checks and amount of a claim."""
    try:
        assessment = assess(claim, now)
    except NoAgreementInForce as refusal:
        return {"claim": claim, "refusal": str(refusal)}
    return {
        "claim": claim,
        "against": sheet.failed_checks(assessment),
        "minutes": assessment.entitlement.minutes,
        "worth": sheet.worth_of(assessment, sheet.division_of(assessment, 0)),
        "overlap": seconds(assessment.minutes.overlap) // MINUTE,
        "sensitive": assessment.judged.figures.reading_sensitive,
    }


def _done(results: list[Any]) -> str:
    count = sum(result.recommendation is not None for result in results)
    return ngettext(
        "%(count)s of %(all)s claim is recommended.", "%(count)s of %(all)s claims are recommended.", len(results)
    ) % {"count": count, "all": len(results)}
