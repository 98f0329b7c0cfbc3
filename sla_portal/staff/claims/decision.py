"""Recommendation by one person, decision by another."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from claims import emails
from claims.models import Claim, Outcome, Status
from claims.operations.reviewing import (
    decide,
    recommend,
    send_back_claim,
    withdraw_recommendation,
)
from claims.queries import Assessment, assess
from sla_portal.agreements.rules import extended_to
from sla_portal.audit.actors import Actor
from sla_portal.clocks import month_name
from sla_portal.customers.queries import contacts_of_customer
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
    form = RecommendForm(request.POST, assessment=assessment, auto_id="recommend-%s")
    if not form.is_valid():
        return claim_response(request, claim, now, recommend=form)
    given = form.cleaned_data
    doing = request.POST.get("do")
    if doing == "draft":
        form = form.with_email(*emails.draft(assessment, given["outcome"], given["clause"]), assessment)
        return claim_response(request, claim, now, recommend=form, **_preview(claim, assessment, form.cleaned_data))
    if not form.check_email():
        return claim_response(request, claim, now, recommend=form)
    if doing == "show":
        return claim_response(request, claim, now, recommend=form, **_preview(claim, assessment, given))

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


def _preview(claim: Claim, assessment: Assessment, given: dict[str, Any]) -> dict[str, Any]:
    """Context of the preview: the e-mail as it would be sent now, and the amounts."""
    division = sheet.division_of(assessment, given["voucher_minutes"])
    grants = given["outcome"] == Outcome.GRANT
    return {
        "preview": emails.preview(
            claim,
            given["letter_text"],
            division if grants else None,
            _new_end(assessment, division.extension_minutes),
            assessment.entitlement.currency,
        ),
        "preview_subject": given["letter_subject"],
        "worth": sheet.worth_of(assessment, division),
    }


def _new_end(assessment: Assessment, minutes: int) -> date | None:
    """Return the last service day of the contract after an extension by `minutes`; None without one."""
    contract = assessment.extendable
    return extended_to(contract.ends_on, contract.extended_minutes + minutes) if contract and minutes else None


@require_http_methods(["GET", "HEAD", "POST"])
@under_an_agreement
def decide_claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the effects of a decision; POST decides, once."""
    claim, actor, now, back = asked_step(request, pk, DECIDE)
    history = sheet.history_of(claim)
    if claim.status != Status.RECOMMENDED or history.last is None:
        messages.info(request, _("This claim has no recommendation pending approval."))
        return redirect(back)
    form = DecideForm(request.POST or None, initial={"recommendation": history.last.pk})
    if request.method == "POST" and form.is_valid():
        with refusals_on(form):
            decision = decide(
                actor=actor,
                claim=claim,
                recommendation=form.cleaned_data["recommendation"],
                key=form.cleaned_data["key"],
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
    return page(
        request,
        "staff/claims/decide.html",
        {**_to_decide(claim, history, request, now), "form": form},
        status=422 if form.errors else 200,
    )


def _to_decide(claim: Claim, history: sheet.ClaimHistory, request: HttpRequest, now: datetime) -> dict[str, Any]:
    assessment, last = assess(claim, now), history.last
    assert last is not None  # noqa: S101 - the caller has looked
    division = sheet.division_of(assessment, last.voucher_minutes)
    grants = last.outcome == Outcome.GRANT
    ends_on = _new_end(assessment, division.extension_minutes)
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
        "assessment": assessment,
        "money": sheet.money(assessment.cap_balance, assessment.entitlement.currency),
        "worth": sheet.worth_of(assessment, division),
        "ends_on": ends_on,
        "email_text": emails.preview(
            claim, last.letter_text, division if grants else None, ends_on, assessment.entitlement.currency
        ),
        "recipients": [claim.contact] if claim.contact else list(contacts_of_customer(claim.contract.customer)),
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
