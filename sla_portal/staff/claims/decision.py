"""Recommendation by one person, decision by another."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from claims import emails
from claims.models import Claim, Outcome, Status
from claims.operations.enclosing import enclose
from claims.operations.ledger import valid_until
from claims.operations.reviewing import (
    decide,
    recommend,
    send_back_claim,
    withdraw_recommendation,
)
from claims.queries import Assessment, assess
from claims.rules import Division
from sla_portal.agreements.rules import extended_to
from sla_portal.audit.actors import Actor
from sla_portal.clocks import month_name
from sla_portal.kernel.errors import Refused
from sla_portal.notices.tasks import deliver_soon

from ..common import page, refusals_on
from ..forms import ReasonForm
from ..operations import save_once
from . import sheet
from .claim import (
    DECIDE,
    REVIEW,
    asked_step,
    claim_response,
    take_step,
    typed_count,
    under_an_agreement,
)
from .forms import (
    DecideForm,
    RecommendForm,
    SendBackForm,
)


@require_POST
@under_an_agreement
def recommend_claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Draft the e-mail, preview it, or submit the recommendation."""
    claim, actor, now, back = asked_step(request, pk, REVIEW)
    assessment = assess(claim, now)
    data, refused = _enclosing(request, claim, actor, now)
    form = RecommendForm(
        data,
        assessment=assessment,
        enclosures=list(claim.enclosures.defer("content")),
        refused_files=refused,
        auto_id="recommend-%s",
    )
    if not form.is_valid():
        return claim_response(request, claim, now, recommend=form)
    given = form.cleaned_data
    doing = request.POST.get("do")
    if doing == "draft":
        drafted = emails.draft(
            assessment,
            given["outcome"],
            given["clause"],
            voucher_minutes=given["voucher_minutes"],
            reply=given["reply"],
        )
        form = form.with_email(*drafted, assessment)
        return claim_response(request, claim, now, recommend=form, **_preview(assessment, form.cleaned_data, now))
    if not form.check_email():
        return claim_response(request, claim, now, recommend=form)
    if doing == "show":
        return claim_response(request, claim, now, recommend=form, **_preview(assessment, given, now))

    def write() -> str:
        recommend(
            actor=actor,
            claim=claim,
            outcome=given["outcome"],
            clause=given["clause"],
            reason=given["reason"],
            voucher_minutes=given["voucher_minutes"] if given["outcome"] == Outcome.GRANT else 0,
            letter_subject=given["letter_subject"],
            letter_text=given["letter_text"],
            enclosures=given["enclosed"],
            now=now,
        )
        messages.success(
            request,
            _(
                "Submitted for approval. Nothing is granted and the customer is not notified until another person decides."
            ),
        )
        return back

    with refusals_on(form):
        return redirect(save_once(key=given["key"], write=write, now=now))
    return claim_response(request, claim, now, recommend=form)


def _enclosing(request: HttpRequest, claim: Claim, actor: Actor, now: datetime) -> tuple[QueryDict, list[str]]:
    """Store the files of the form, so that none is lost on the way; return what was sent with them ticked, and refusals."""
    data, refused = request.POST.copy(), []
    for upload in request.FILES.getlist("files"):
        try:
            stored = enclose(actor=actor, claim=claim, upload=upload, now=now)
            data.appendlist("enclosed", str(stored.pk))
        except Refused as refusal:
            refused.append(f"{upload.name}: {refusal}")
    return data, refused


def _preview(assessment: Assessment, given: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Context of the preview: the letter as it would go now, and the amounts."""
    division = sheet.division_of(assessment, given["voucher_minutes"])
    grants = given["outcome"] == Outcome.GRANT
    written = emails.decision_letter(
        assessment.claim,
        given["letter_subject"],
        given["letter_text"],
        _given(assessment, division, now) if grants else None,
    )
    return {
        "preview": sheet.shown_letter(assessment.claim, written, given["enclosed"]),
        "worth": sheet.worth_of(assessment, division),
    }


def _given(assessment: Assessment, division: Division, now: datetime) -> emails.Given:
    """Return what a division of the minutes would give now."""
    contract, minutes = assessment.extendable, division.extension_minutes
    return emails.Given(
        division,
        ends_on=extended_to(contract.ends_on, contract.extended_minutes + minutes) if contract and minutes else None,
        expires_on=valid_until(now, assessment.terms.voucher_valid_months) if division.voucher_value else None,
        currency=assessment.entitlement.currency,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@under_an_agreement
def decide_claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the effects of a decision; POST decides, once."""
    claim, actor, now, back = asked_step(request, pk, DECIDE)
    history = sheet.history_of(claim)
    if claim.status != Status.RECOMMENDED or history.last is None:
        messages.info(request, _("This claim has no recommendation pending approval."))
        return redirect(back)
    form = DecideForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            decision = decide(
                actor=actor,
                claim=claim,
                recommendation=form.cleaned_data["recommendation"],
                key=form.cleaned_data["key"],
                letter=form.cleaned_data["letter"],
                now=now,
            )
            deliver_soon()
            granted = decision.recommendation.outcome == Outcome.GRANT
            messages.success(
                request,
                _("Granted. The customer is notified by e-mail.")
                if granted
                else _("Refused. The customer is notified by e-mail."),
            )
            return redirect(back)
    shown = _to_decide(claim, history, request, now)
    # Whatever was submitted, what is decided next is what this page shows.
    fresh = DecideForm(initial={"recommendation": history.last.pk, "letter": shown["letter"].fingerprint})
    return page(
        request,
        "staff/claims/decide.html",
        {**shown, "form": form, "fresh": fresh},
        status=422 if form.errors else 200,
    )


def _to_decide(claim: Claim, history: sheet.ClaimHistory, request: HttpRequest, now: datetime) -> dict[str, Any]:
    assessment, last = assess(claim, now), history.last
    assert last is not None  # noqa: S101 - the caller has looked
    grants = last.outcome == Outcome.GRANT
    division = sheet.division_of(assessment, last.voucher_minutes)
    would_give = _given(assessment, division, now)
    written = emails.decision_letter(claim, last.letter_subject, last.letter_text, would_give if grants else None)
    return {
        "title": _("Decide %(number)s") % {"number": claim.number},
        "claim": claim,
        "contract": claim.contract,
        "customer": claim.contract.customer,
        "month_name": month_name(claim.service_month),
        "language": get_language_info(emails.language_of(claim))["name_translated"],
        "last": last,
        "grants": grants,
        "why_not_decide": sheet.why_not_decide(request.user, history),
        "against": sheet.failed_checks(assessment) if grants else [],
        "not_on_record": not grants and last.clause not in assessment.grounds,
        "checks": sheet.checks(assessment),
        "overlap_warning": sheet.overlap_warning(assessment),
        "minutes": sheet.minute_lines(assessment),
        "entitlement_lines": sheet.entitlement_lines(assessment),
        "assessment": assessment,
        "money": sheet.money(assessment.cap_balance, assessment.entitlement.currency),
        "worth": sheet.worth_of(assessment, division),
        "ends_on": would_give.ends_on,
        "letter": sheet.shown_letter(claim, written, last.enclosures.defer("content")),
    }


@require_POST
def send_back_recommendation(request: HttpRequest, pk: int) -> HttpResponse:
    """Send back the recommendation of another person with a reason."""
    claim, actor, now, back = asked_step(request, pk, DECIDE)
    form = SendBackForm(request.POST, auto_id="send-back-%s")
    if form.is_valid():
        with refusals_on(form):
            send_back_claim(
                actor=actor,
                claim=claim,
                recommendation=typed_count(request.POST.get("recommendation")),
                reason=form.cleaned_data["reason"],
                key=form.cleaned_data["key"],
                now=now,
            )
            messages.success(
                request,
                _("Sent back. Nothing is credited, and the customer is not notified.")
                if claim.is_credit
                else _("Sent back. The claim is under review again."),
            )
            return redirect(back)
    return claim_response(request, claim, now, send_back=form)


@require_POST
def withdraw_own_recommendation(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw one's own recommendation."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        withdraw_recommendation(actor=actor, claim=claim, reason=given["reason"], now=now)

    return take_step(
        request,
        pk,
        REVIEW,
        "withdraw_recommendation",
        ReasonForm,
        do,
        _("Recommendation withdrawn. The claim is under review again."),
    )
