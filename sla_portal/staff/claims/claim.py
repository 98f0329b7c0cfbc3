"""The page of a claim: claimant, checks, proof materials, recommendations and decisions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language_info
from django.views.decorators.http import require_safe

from claims import emails
from claims.models import Claim, Status
from claims.queries import Assessment, assess, deciders_of_appeal
from claims.queries.exclusions import corrections_in
from claims.queries.proofs import proofs_of
from sla_portal.agreements.queries import NoAgreementInForce
from sla_portal.audit.actors import Actor
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.audit.versions import acting
from sla_portal.availability.queries import status_of
from sla_portal.availability.rules import cut
from sla_portal.availability.words import pending_sentence, status_badge
from sla_portal.clocks import month_name
from sla_portal.notices.models import Notice
from sla_portal.notices.tasks import deliver_soon

from ..common import page, refusals_on, require_right
from ..forms import DecisionForm, KeyedForm, ReasonForm
from ..incidents.impact import clauses_of_section_4
from ..operations import save_once
from ..words import CLAIM_MARKS, verdict
from . import sheet
from .colleagues import looked_at, work_on
from .forms import (
    AnswerForm,
    AppealForm,
    CustomerExclusionForm,
    ProofForm,
    QuestionForm,
    RecommendForm,
    SendBackForm,
)
from .picture import claim_picture
from .waiting import age, due, last_day, time_left

VIEW, REVIEW, DECIDE, ENTER = "claims.view_claim", "claims.review_claim", "claims.decide_claim", "claims.enter_claim"
PROPOSE_OWN, DECIDE_OWN = "availability.propose_own_exclusion", "availability.decide_own_exclusion"
RIGHTS = {
    "review": REVIEW,
    "decide": DECIDE,
    "enter": ENTER,
    "propose_own": PROPOSE_OWN,
    "decide_own": DECIDE_OWN,
    "see_proof": "claims.view_proof",
    "see_notices": "notices.view_notice",
    "see_month": "availability.view_customermonth",
}
IN_REVIEW = (Status.SUBMITTED, Status.WAITING)
OPEN = (*IN_REVIEW, Status.HELD, Status.RECOMMENDED)
MOST_NOTICES = 20


def under_an_agreement(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Redirect to the claim with an error message if no agreement version is in force in its month."""

    @wraps(view)
    def guarded(request: HttpRequest, pk: int) -> HttpResponse:
        try:
            return view(request, pk)
        except NoAgreementInForce as refusal:
            messages.error(request, str(refusal))
            return redirect("admin:claim", pk)

    return guarded


@require_safe
@under_an_agreement
def claim_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a claim; `?part=worth&voucher_minutes=12` returns the amounts for a division, for the page to update them."""
    require_right(request, VIEW)
    claim, now = found_claim(pk), timezone.now()
    if request.GET.get("part") == "worth":
        assessment = assess(claim, now)
        division = sheet.division_of(assessment, typed_count(request.GET.get("voucher_minutes")))
        return page(request, "staff/claims/_worth.html", {"worth": sheet.worth_of(assessment, division)})
    if request.GET.get("part") == "looking":
        return page(request, "staff/claims/_looking.html", looked_at(request, claim, now))
    return claim_response(request, claim, now)


def found_claim(pk: int) -> Claim:
    return get_object_or_404(
        Claim.objects.select_related(
            "contract__customer__region", "contact", "entered_by", "assigned_to"
        ).prefetch_related("times", "functions", "clients", "proofs", "links"),
        pk=pk,
    )


def typed_count(text: str | None) -> int:
    """Parse a number of minutes from a query string; 0 if invalid."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def claim_response(request: HttpRequest, claim: Claim, now: datetime, **bound: Any) -> HttpResponse:
    """Render the whole page; `bound` are the submitted forms with errors, by name."""
    may = {name: request.user.has_perm(right) for name, right in RIGHTS.items()}
    history = sheet.history_of(claim)
    deciders = deciders_of_appeal(claim) if claim.appealed_at and claim.status in OPEN else []
    granted = sheet.granted_entries(claim) if claim.status == Status.GRANTED else []
    context: dict[str, Any] = {
        "title": claim.number,
        "claim": claim,
        "customer": claim.contract.customer,
        "contract": claim.contract,
        "month": claim.service_month,
        "month_name": month_name(claim.service_month),
        "language": get_language_info(emails.language_of(claim))["name_translated"],
        "now": now,
        "age": age(claim.received_at, now),
        "due": due(claim, now),
        "state": CLAIM_MARKS[Status(claim.status)],
        "may": may,
        "times": sheet.format_times(claim.times.all(), claim.time_zone),
        "live_links": [link for link in claim.links.all() if not link.revoked_at and link.expires_at > now],
        "proofs": proofs_of(claim),
        "steps": [(row, history.decisions.get(row.pk)) for row in history.recommendations],
        "last": history.last,
        "refusal": history.refusal,
        "is_open": claim.status in OPEN,
        "in_review": claim.status in IN_REVIEW,
        "deciders": deciders,
        "why_not_recommend": sheet.why_not_recommend(request.user, deciders) if claim.appealed_at else "",
        "why_not_decide": sheet.why_not_decide(request.user, history),
        "recommended_by_me": history.last is not None and history.last.recommended_by_id == request.user.pk,
        "granted": granted,
        "key": KeyedForm(),
    }
    decided: dict[int, DecisionForm] = bound.pop("decisions", {})
    exclusions: list[sheet.CustomerExclusion] = []
    corrections: dict[int, str] = {}
    try:
        assessment = assess(claim, now)
    except NoAgreementInForce as refusal:
        context["no_agreement"] = str(refusal)
    else:
        exclusions = sheet.customer_exclusions(claim, assessment, now, compare=may["decide_own"] or may["propose_own"])
        if exclusions:
            found = corrections_in(claim.contract.customer, claim.service_month)
            corrections = {one.exclusion.pk: sheet.correction_sentence(one) for one in found}
        context |= _assessed(claim, assessment, history, now)
        context |= {
            "recommend": RecommendForm(
                assessment=assessment, enclosures=list(claim.enclosures.defer("content")), auto_id="recommend-%s"
            ),
            "own": CustomerExclusionForm(
                clauses=clauses_of_section_4(now), times=list(claim.times.all()), auto_id="own-%s"
            ),
            "preview": "",
        }
    context |= work_on(request, claim, now)
    context |= {
        "exclusions": [
            {
                "own": shown,
                "mine": shown.row.proposed_by_id == request.user.pk,
                "correction": corrections.get(shown.row.pk, ""),
                "form": decided.get(shown.row.pk) or DecisionForm(auto_id=f"decide-{shown.row.pk}-%s"),
            }
            for shown in exclusions
        ],
        "notices": Notice.objects.filter(about=claim.number)
        .order_by("-given_at", "-id")
        .prefetch_related("wordings", "deliveries")[:MOST_NOTICES]
        if may["see_notices"]
        else [],
        "bring": ProofForm(auto_id="bring-%s"),
        "ask": QuestionForm(auto_id="ask-%s"),
        "answered": AnswerForm(auto_id="answered-%s"),
        "appeal": AppealForm(auto_id="appeal-%s"),
        "send_back": SendBackForm(auto_id="send-back-%s"),
        "withdraw_recommendation": ReasonForm(auto_id="withdraw-recommendation-%s"),
        "withdraw": ReasonForm(auto_id="withdraw-%s"),
        "log": audit_log(claim, *(shown.row for shown in exclusions), *(entry for entry, _value in granted)),
        **bound,
    }
    sent = (*bound.values(), *decided.values())
    context["refused"] = [form for form in sent if isinstance(form, forms.Form) and form.errors]
    return page(request, "staff/claims/claim.html", context, status=422 if context["refused"] else 200)


def _assessed(claim: Claim, assessment: Assessment, history: sheet.ClaimHistory, now: datetime) -> dict[str, Any]:
    """Context from the assessment: checks, figures, cap and balance, amounts."""
    figures = assessment.judged.figures
    currency = assessment.entitlement.currency
    ledger = sheet.ledger_of(claim)
    recommended = history.last.voucher_minutes if history.last and claim.status == Status.RECOMMENDED else 0
    payments = sheet.payments_of(claim)
    status = status_of(claim.contract.customer, assessment.judged, now)
    return {
        "assessment": assessment,
        "status": status_badge(status.status),
        "pending": pending_sentence(status),
        "closing": assessment.closing,
        "checks": sheet.checks(assessment),
        "overlap_warning": sheet.overlap_warning(assessment),
        "voided": sheet.voided_incidents(claim),
        "against": sheet.failed_checks(assessment),
        "window": assessment.window,
        "last_day": last_day(assessment.window) if _closing_matters(claim, assessment, now) else None,
        "left": time_left(assessment.window, now) if claim.status == Status.HELD else None,
        "figures": figures,
        "availability": None if figures.availability is None else cut(figures.availability),
        "verdict": verdict(figures.met, over=True),
        "counting_rules": sheet.counting_rules(assessment.judged),
        "picture": claim_picture(assessment.minutes),
        "money": sheet.money(assessment.cap_balance, currency),
        "payments": payments[: sheet.MOST_LINES],
        "more_payments": len(payments) > sheet.MOST_LINES,
        "ledger": ledger[: sheet.MOST_LINES],
        "more_ledger": len(ledger) > sheet.MOST_LINES,
        "entitlement": assessment.entitlement,
        "entitlement_lines": sheet.entitlement_lines(assessment),
        "worth": sheet.worth_of(assessment, sheet.division_of(assessment, recommended)),
        "earlier": [(other, CLAIM_MARKS[Status(other.status)]) for other in assessment.earlier],
    }


def _closing_matters(claim: Claim, assessment: Assessment, now: datetime) -> bool:
    """Whether the end of the claim period still matters: where the customer may claim again, or the period is not open."""
    ended = claim.status in (Status.REFUSED, Status.WITHDRAWN) and now < assessment.window.closes_at
    return ended or claim.status == Status.HELD


def asked_step(request: HttpRequest, pk: int, right: str) -> tuple[Claim, Actor, datetime, str]:
    require_right(request, right)
    claim = found_claim(pk)
    return claim, acting(request), timezone.now(), reverse("admin:claim", args=[claim.pk])


def take_step(
    request: HttpRequest,
    pk: int,
    right: str,
    name: str,
    form_class: type[forms.Form],
    do: Callable[[Actor, Claim, dict[str, Any], datetime], object],
    message: str,
) -> HttpResponse:
    """Perform the operation of a submitted form once; show refusals on the page."""
    claim, actor, now, back = asked_step(request, pk, right)
    form = form_class(request.POST, auto_id=f"{name.replace('_', '-')}-%s")

    def write() -> str:
        do(actor, claim, form.cleaned_data, now)
        messages.success(request, message)
        return back

    if form.is_valid():
        with refusals_on(form):
            key = form.cleaned_data.get("key")
            address = save_once(key=key, write=write, now=now) if key else write()
            deliver_soon()
            return redirect(address)
    return claim_response(request, claim, now, **{name: form})
