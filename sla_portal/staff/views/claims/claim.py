"""One claim: who, the checks, the proof, and what is recommended and decided about it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import wraps
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language_info
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from claims import letters
from claims.models import Claim, Outcome, Status
from claims.operations.proofs import add_proof
from claims.operations.receiving import revoke_links, send_link, withdraw_claim
from claims.operations.reviewing import (
    appeal_refusal,
    ask_customer,
    customer_answered,
    decide,
    recommend,
    return_claim,
    take_back,
)
from claims.queries import Assessment, assess
from claims.queries.proofs import proofs_of
from sla_portal.agreements.queries import NoAgreementInForce
from sla_portal.agreements.rules import extended_to
from sla_portal.audit.actors import Actor
from sla_portal.audit.templatetags.trail import trail
from sla_portal.availability.models import Exclusion
from sla_portal.availability.operations import (
    confirm_exclusion,
    propose_own_exclusion,
    reject_exclusion,
    revoke_exclusion,
)
from sla_portal.availability.rules import cut
from sla_portal.clocks import month_name
from sla_portal.notices.models import Notice
from sla_portal.notices.tasks import deliver_soon

from ... import claim_sheet as sheet
from ...claim_forms import (
    AnswerForm,
    AppealForm,
    DecideForm,
    OwnExclusionForm,
    ProofForm,
    QuestionForm,
    RecommendForm,
    ReturnForm,
)
from ...claim_picture import claim_picture
from ...claim_queue import STATES, age, last_day, time_left
from ...costs import clauses_of_section_4
from ...forms import DecisionForm, KeyedForm, ReasonForm
from ...operations import save_once
from ...words import verdict
from ..common import page, refusals_on, require_right

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
    """Lead back to the claim, with a sentence, where no agreement version governs its month."""

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
    """Show a claim; `?part=worth&voucher_minutes=12` what a division is worth, for the page to refresh itself."""
    require_right(request, VIEW)
    claim, now = _claim(pk), timezone.now()
    if request.GET.get("part") == "worth":
        assessment = assess(claim, now)
        division = sheet.division_of(assessment, _count(request.GET.get("voucher_minutes")))
        return page(request, "staff/_claim_worth.html", {"worth": sheet.worth_of(assessment, division)})
    return _page(request, claim, now)


def _claim(pk: int) -> Claim:
    return get_object_or_404(
        Claim.objects.select_related("contract__customer__region", "contact", "entered_by").prefetch_related(
            "times", "functions", "clients", "proofs", "links"
        ),
        pk=pk,
    )


def _count(text: str | None) -> int:
    """A number of minutes from an address; nonsense is none."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


def _page(request: HttpRequest, claim: Claim, now: datetime, **bound: Any) -> HttpResponse:
    """The whole page; `bound` are the forms that were sent and refused, by name."""
    may = {name: request.user.has_perm(right) for name, right in RIGHTS.items()}
    course = sheet.course_of(claim)
    given = sheet.given_for(claim) if claim.status == Status.GRANTED else []
    context: dict[str, Any] = {
        "title": claim.number,
        "claim": claim,
        "customer": claim.contract.customer,
        "contract": claim.contract,
        "month": claim.service_month,
        "month_name": month_name(claim.service_month),
        "language": get_language_info(letters.language_of(claim))["name_translated"],
        "now": now,
        "age": age(claim.received_at, now),
        "state": STATES[Status(claim.status)],
        "may": may,
        "times": sheet.times_told(claim.times.all(), claim.time_zone),
        "live_links": [link for link in claim.links.all() if not link.revoked_at and link.expires_at > now],
        "proofs": proofs_of(claim),
        "steps": [(row, course.decisions.get(row.pk)) for row in course.recommendations],
        "last": course.last,
        "refusal": course.refusal,
        "is_open": claim.status in OPEN,
        "in_review": claim.status in IN_REVIEW,
        "why_not_decide": sheet.why_not_decide(request.user, course),
        "recommended_by_me": course.last is not None and course.last.recommended_by_id == request.user.pk,
        "given": given,
        "key": KeyedForm(),
    }
    decided: dict[int, DecisionForm] = bound.pop("decisions", {})
    exclusions: list[sheet.OwnExclusion] = []
    try:
        assessment = assess(claim, now)
    except NoAgreementInForce as refusal:
        context["no_agreement"] = str(refusal)
    else:
        exclusions = sheet.own_exclusions(claim, assessment, now, compare=may["decide_own"] or may["propose_own"])
        context |= _assessed(claim, assessment, course, now)
        context |= {
            "recommend": RecommendForm(assessment=assessment, auto_id="recommend-%s"),
            "own": OwnExclusionForm(clauses=clauses_of_section_4(now), times=list(claim.times.all()), auto_id="own-%s"),
            "preview": "",
        }
    context |= {
        "exclusions": [
            {
                "own": shown,
                "mine": shown.row.proposed_by_id == request.user.pk,
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
        "return": ReturnForm(auto_id="return-%s"),
        "take_back": ReasonForm(auto_id="take-back-%s"),
        "withdraw": ReasonForm(auto_id="withdraw-%s"),
        "trail": trail(claim, *(shown.row for shown in exclusions), *(entry for entry, _value in given)),
        **bound,
    }
    sent = (*bound.values(), *decided.values())
    context["refused"] = [form for form in sent if isinstance(form, forms.Form) and form.errors]
    return page(request, "staff/claim.html", context, status=422 if context["refused"] else 200)


def _assessed(claim: Claim, assessment: Assessment, course: sheet.Course, now: datetime) -> dict[str, Any]:
    """What the record says of a claim."""
    figures = assessment.judged.figures
    currency = assessment.entitlement.currency
    ledger = sheet.ledger_of(claim)
    recommended = course.last.voucher_minutes if course.last and claim.status == Status.RECOMMENDED else 0
    payments = sheet.payments_of(claim)
    return {
        "assessment": assessment,
        "checks": sheet.checks(assessment),
        "against": sheet.against_a_grant(assessment),
        "window": assessment.window,
        "last_day": last_day(assessment.window),
        "left": time_left(assessment.window, now) if claim.status in OPEN else None,
        "figures": figures,
        "availability": None if figures.availability is None else cut(figures.availability),
        "verdict": verdict(figures.met, over=True),
        "readings": sheet.readings(assessment.judged),
        "picture": claim_picture(assessment.minutes),
        "money": sheet.money(assessment.purse, currency),
        "payments": payments[: sheet.MOST_LINES],
        "more_payments": len(payments) > sheet.MOST_LINES,
        "ledger": ledger[: sheet.MOST_LINES],
        "more_ledger": len(ledger) > sheet.MOST_LINES,
        "entitlement": assessment.entitlement,
        "entitlement_told": sheet.entitlement_told(assessment),
        "worth": sheet.worth_of(assessment, sheet.division_of(assessment, recommended)),
        "earlier": [(other, STATES[Status(other.status)]) for other in assessment.earlier],
    }


def _asked(request: HttpRequest, pk: int, right: str) -> tuple[Claim, Actor, datetime, str]:
    require_right(request, right)
    claim = _claim(pk)
    return claim, Actor.staff(request.user), timezone.now(), reverse("admin:claim", args=[claim.pk])


def _step(
    request: HttpRequest,
    pk: int,
    right: str,
    name: str,
    form_class: type[forms.Form],
    do: Callable[[Actor, Claim, dict[str, Any], datetime], object],
    said: str,
) -> HttpResponse:
    """Take one step that a form tells, once; what is refused is shown on the page."""
    claim, actor, now, back = _asked(request, pk, right)
    form = form_class(request.POST, auto_id=f"{name.replace('_', '-')}-%s")

    def write() -> str:
        do(actor, claim, form.cleaned_data, now)
        messages.success(request, said)
        return back

    if form.is_valid():
        with refusals_on(form):
            key = form.cleaned_data.get("key")
            address = save_once(key=key, write=write, now=now) if key else write()
            deliver_soon()
            return redirect(address)
    return _page(request, claim, now, **{name: form})


@require_POST
@under_an_agreement
def recommend_claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Draft the letter, show it as it will go out, or recommend."""
    claim, actor, now, back = _asked(request, pk, REVIEW)
    assessment = assess(claim, now)
    form = RecommendForm(request.POST, assessment=assessment, auto_id="recommend-%s")
    if not form.is_valid():
        return _page(request, claim, now, recommend=form)
    given = form.cleaned_data
    doing = request.POST.get("do")
    if doing == "draft":
        form = form.with_letter(*letters.draft(assessment, given["outcome"], given["clause"]), assessment)
        return _page(request, claim, now, recommend=form, **_preview(claim, assessment, form.cleaned_data))
    if not form.check_letter():
        return _page(request, claim, now, recommend=form)
    if doing == "show":
        return _page(request, claim, now, recommend=form, **_preview(claim, assessment, given))

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
        messages.success(request, _("Recommended. Nothing is given or told until another person decides."))
        return back

    with refusals_on(form):
        return redirect(save_once(key=given["key"], write=write, now=now))
    return _page(request, claim, now, recommend=form)


def _preview(claim: Claim, assessment: Assessment, given: dict[str, Any]) -> dict[str, Any]:
    """The letter as it would go out now, and what it gives."""
    division = sheet.division_of(assessment, given["voucher_minutes"])
    grants = given["outcome"] == Outcome.GRANT
    return {
        "preview": letters.preview(
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
    """The last service day of the contract that an extension by `minutes` moves."""
    contract = assessment.extendable
    return extended_to(contract.ends_on, contract.extended_minutes + minutes) if contract and minutes else None


@require_http_methods(["GET", "HEAD", "POST"])
@under_an_agreement
def decide_claim(request: HttpRequest, pk: int) -> HttpResponse:
    """Show exactly what agreeing will do; do it when the button is pressed, once."""
    claim, actor, now, back = _asked(request, pk, DECIDE)
    course = sheet.course_of(claim)
    if claim.status != Status.RECOMMENDED or course.last is None:
        messages.info(request, _("Nothing is recommended for this claim now, so there is nothing to decide."))
        return redirect(back)
    form = DecideForm(request.POST or None, initial={"recommendation": course.last.pk})
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
                request, _("Granted. The letter goes out.") if granted else _("Refused. The letter goes out.")
            )
            return redirect(back)
    return page(
        request,
        "staff/claim_decide.html",
        {**_to_decide(claim, course, request, now), "form": form},
        status=422 if form.errors else 200,
    )


def _to_decide(claim: Claim, course: sheet.Course, request: HttpRequest, now: datetime) -> dict[str, Any]:
    assessment, last = assess(claim, now), course.last
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
        "language": get_language_info(letters.language_of(claim))["name_translated"],
        "last": last,
        "grants": grants,
        "why_not_decide": sheet.why_not_decide(request.user, course),
        "against": sheet.against_a_grant(assessment) if grants else [],
        "assessment": assessment,
        "money": sheet.money(assessment.purse, assessment.entitlement.currency),
        "worth": sheet.worth_of(assessment, division),
        "ends_on": ends_on,
        "letter": letters.preview(
            claim, last.letter_text, division if grants else None, ends_on, assessment.entitlement.currency
        ),
        "recipients": [claim.contact] if claim.contact else list(claim.contract.customer.contacts.all()),
    }


@require_POST
def return_recommendation(request: HttpRequest, pk: int) -> HttpResponse:
    """Return another person's recommendation with a reason."""
    claim, actor, now, back = _asked(request, pk, DECIDE)
    form = ReturnForm(request.POST, auto_id="return-%s")
    if form.is_valid():
        with refusals_on(form):
            return_claim(
                actor=actor,
                claim=claim,
                recommendation=_count(request.POST.get("recommendation")),
                reason=form.cleaned_data["reason"],
                key=form.cleaned_data["key"],
                now=now,
            )
            messages.success(request, _("Returned. The review goes on."))
            return redirect(back)
    return _page(request, claim, now, **{"return": form})


@require_POST
def take_recommendation_back(request: HttpRequest, pk: int) -> HttpResponse:
    """Take one's own recommendation back."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        take_back(actor=actor, claim=claim, reason=given["reason"], now=now)

    return _step(request, pk, REVIEW, "take_back", ReasonForm, do, _("Taken back. The review goes on."))


@require_POST
def ask(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask the customer for more."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        ask_customer(actor=actor, claim=claim, question=given["question"], now=now)

    return _step(request, pk, REVIEW, "ask", QuestionForm, do, _("Asked by mail. The claim waits for the customer."))


@require_POST
def answered(request: HttpRequest, pk: int) -> HttpResponse:
    """Note what the customer said on the phone."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        customer_answered(actor=actor, claim=claim, text=given["text"], now=now)

    return _step(request, pk, REVIEW, "answered", AnswerForm, do, _("Noted. The review goes on."))


@require_POST
def appeal(request: HttpRequest, pk: int) -> HttpResponse:
    """Enter a customer's appeal against a refusal."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        appeal_refusal(actor=actor, claim=claim, text=given["text"], now=now)

    return _step(request, pk, REVIEW, "appeal", AppealForm, do, _("Appealed. A third person will decide."))


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw a claim as its customer wishes."""

    def do(actor: Actor, claim: Claim, given: dict[str, Any], now: datetime) -> None:
        withdraw_claim(actor=actor, claim=claim, reason=given["reason"], now=now)

    return _step(request, pk, REVIEW, "withdraw", ReasonForm, do, _("Withdrawn, and the customer is told."))


@require_POST
def new_link(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the claimant a new link."""

    def do(actor: Actor, claim: Claim, _given: dict[str, Any], now: datetime) -> None:
        send_link(actor=actor, claim=claim, now=now)

    return _step(request, pk, REVIEW, "key", KeyedForm, do, _("A new link goes out. The earlier ones no longer work."))


@require_POST
def close_links(request: HttpRequest, pk: int) -> HttpResponse:
    """Let no link to the claim work any more."""

    def do(actor: Actor, claim: Claim, _given: dict[str, Any], now: datetime) -> None:
        revoke_links(actor=actor, claim=claim, now=now)

    return _step(request, pk, REVIEW, "key", KeyedForm, do, _("No link to this claim works any more."))


@require_POST
def bring_proof(request: HttpRequest, pk: int) -> HttpResponse:
    """Add files that the customer sent with a ticket or a mail (3.3.2)."""
    claim, actor, now, back = _asked(request, pk, ENTER)
    form = ProofForm(request.POST, request.FILES, auto_id="bring-%s")
    if form.is_valid():
        with refusals_on(form):
            for upload in form.cleaned_data["files"]:
                add_proof(actor=actor, to=claim, upload=upload, now=now)
            messages.success(request, _("Added."))
            return redirect(f"{back}#proof")
    return _page(request, _claim(pk), now, bring=form)


@require_POST
@under_an_agreement
def propose_own(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose that claimed time was of the customer's own making (4.2 to 4.9)."""
    claim, actor, now, back = _asked(request, pk, PROPOSE_OWN)
    form = OwnExclusionForm(
        request.POST, clauses=clauses_of_section_4(now), times=list(claim.times.all()), auto_id="own-%s"
    )

    def write() -> str:
        given = form.cleaned_data
        starts_at, ends_at = form.span
        propose_own_exclusion(
            actor=actor,
            customer=claim.contract.customer,
            clause=given["clause"],
            starts_at=starts_at,
            ends_at=ends_at,
            reason=given["reason"],
            evidence=given["evidence"],
            now=now,
        )
        messages.success(request, _("Proposed. It changes nothing until another person confirms it."))
        return f"{back}#own"

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    return _page(request, claim, now, own=form)


@require_POST
def confirm_own(request: HttpRequest, pk: int, exclusion: int) -> HttpResponse:
    """Confirm what another person proposed."""
    return _decide_own(request, pk, exclusion, confirm_exclusion, _("Confirmed. The customer's figures have changed."))


@require_POST
def reject_own(request: HttpRequest, pk: int, exclusion: int) -> HttpResponse:
    """Refuse what another person proposed."""
    return _decide_own(request, pk, exclusion, reject_exclusion, _("Rejected. The time counts."))


@require_POST
def revoke_own(request: HttpRequest, pk: int, exclusion: int) -> HttpResponse:
    """Take back a confirmed exclusion."""
    return _decide_own(request, pk, exclusion, revoke_exclusion, _("Revoked. The time counts again."))


def _decide_own(request: HttpRequest, pk: int, exclusion: int, decision, said: str) -> HttpResponse:
    claim, actor, now, back = _asked(request, pk, DECIDE_OWN)
    row = get_object_or_404(Exclusion, pk=exclusion, customer=claim.contract.customer_id)
    form = DecisionForm(request.POST, auto_id=f"decide-{row.pk}-%s")
    if form.is_valid():
        with refusals_on(form):
            decision(actor=actor, exclusion=row, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, said)
            return redirect(f"{back}#own")
    return _page(request, claim, now, decisions={row.pk: form})


@require_safe
def of_own_exclusion(request: HttpRequest, pk: int) -> HttpResponse:
    """Lead from an exclusion of a customer's own making to the claim in which it was found, else to its record."""
    require_right(request, VIEW)
    row = get_object_or_404(Exclusion.objects.filter(customer__isnull=False), pk=pk)
    day = row.starts_at.astimezone(settings.SLA_ZONE).date()
    claim = (
        Claim.objects.filter(contract__customer=row.customer_id, month=day.replace(day=1))
        .order_by("-received_at")
        .first()
    )
    if claim is None:
        return redirect("admin:availability_exclusion_change", row.pk)
    return redirect(f"{reverse('admin:claim', args=[claim.pk])}#exclusion-{row.pk}")
