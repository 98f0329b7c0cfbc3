"""Actions on a claim other than its decision: question, appeal, withdrawal, links, proof materials."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from claims.emails import question_draft, question_letter
from claims.models import Claim
from claims.operations.proofs import add_proof
from claims.operations.receiving import revoke_links, send_link, withdraw_claim
from claims.operations.reviewing import (
    appeal_refusal,
    ask_customer,
    customer_answered,
)
from sla_portal.audit.actors import Actor

from ..common import refusals_on
from ..forms import KeyedForm, ReasonForm
from . import sheet
from .claim import (
    ENTER,
    REVIEW,
    asked_step,
    claim_response,
    found_claim,
    take_step,
)
from .forms import (
    AnswerForm,
    AppealForm,
    ProofForm,
    QuestionForm,
)


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Draft a question to the customer, preview the e-mail, or send it."""
    doing = request.POST.get("do")
    if doing in ("draft", "show"):
        claim, _actor, now, _back = asked_step(request, pk, REVIEW)
        form = QuestionForm(request.POST, auto_id="ask-%s")
        shown = {}
        if form.is_valid():
            if doing == "draft":
                form = form.with_question(question_draft(claim, form.cleaned_data["reply"] or form.first_reply))
            shown = {"question": sheet.shown_letter(claim, question_letter(claim, form.cleaned_data["question"]))}
        return claim_response(request, claim, now, ask=form, **shown)

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        ask_customer(actor=actor, claim=claim, question=given["question"], now=now)

    return take_step(
        request,
        pk,
        REVIEW,
        "ask",
        QuestionForm,
        do,
        _("Question sent by e-mail. The claim is waiting on the customer."),
    )


@require_POST
def answered(request: HttpRequest, pk: int) -> HttpResponse:
    """Record an answer given by phone."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        customer_answered(actor=actor, claim=claim, text=given["text"], now=now)

    return take_step(
        request, pk, REVIEW, "answered", AnswerForm, do, _("Answer recorded. The claim is under review again.")
    )


@require_POST
def appeal(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter a customer's appeal against a refusal."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        appeal_refusal(actor=actor, claim=claim, text=given["text"], now=now)

    return take_step(request, pk, REVIEW, "appeal", AppealForm, do, _("Appeal recorded. A third person will decide."))


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a claim at the customer's request."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        withdraw_claim(actor=actor, claim=claim, reason=given["reason"], now=now)

    return take_step(
        request, pk, REVIEW, "withdraw", ReasonForm, do, _("Withdrawn. The customer is notified by e-mail.")
    )


@require_POST
def new_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the claimant a new personal link."""

    def do(actor: Actor, claim: Claim, _given: dict[str, Any], now: datetime) -> None:
        send_link(actor=actor, claim=claim, now=now)

    return take_step(
        request, pk, REVIEW, "key", KeyedForm, do, _("A new link is sent by e-mail. Earlier links no longer work.")
    )


@require_POST
def revoke_all_links(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke all links to the claim."""

    def do(actor: Actor, claim: Claim, _given: dict[str, Any], now: datetime) -> None:
        revoke_links(actor=actor, claim=claim, now=now)

    return take_step(request, pk, REVIEW, "key", KeyedForm, do, _("All links to this claim are revoked."))


@require_POST
def bring_proof(request: HttpRequest, pk: int) -> HttpResponse:
    """Add files that the customer sent with a ticket or e-mail (3.3.2)."""
    claim, actor, now, back = asked_step(request, pk, ENTER)
    form = ProofForm(request.POST, request.FILES, auto_id="bring-%s")
    if form.is_valid():
        with refusals_on(form):
            for upload in form.cleaned_data["files"]:
                add_proof(actor=actor, to=claim, upload=upload, now=now)
            messages.success(request, _("Files added."))
            return redirect(f"{back}#proof")
    return claim_response(request, found_claim(pk), now, bring=form)
