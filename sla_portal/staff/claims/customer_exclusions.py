"""Time caused by the customer (4.2 to 4.9), found in a claim: proposed by one person, decided by another."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from claims.models import Claim
from claims.queries.exclusions import corrections_in
from sla_portal.availability.models import Exclusion
from sla_portal.availability.operations import (
    confirm_exclusion,
    propose_own_exclusion,
    reject_exclusion,
    revoke_exclusion,
    withdraw_exclusion,
)

from ..common import refusals_on, require_right
from ..forms import DecisionForm
from ..incidents.impact import clauses_of_section_4
from ..operations import save_once
from . import sheet
from .claim import (
    DECIDE_OWN,
    PROPOSE_OWN,
    VIEW,
    asked_step,
    claim_response,
    under_an_agreement,
)
from .forms import (
    CustomerExclusionForm,
)


@require_POST
@under_an_agreement
def propose_own(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose to exclude time caused by the customer (4.2 to 4.9)."""
    claim, actor, now, back = asked_step(request, pk, PROPOSE_OWN)
    form = CustomerExclusionForm(
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
        messages.success(request, _("Proposed. Figures do not change until another person confirms the exclusion."))
        return f"{back}#own"

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    return claim_response(request, claim, now, own=form)


@require_POST
def confirm_own(request: HttpRequest, pk: int, exclusion: int) -> HttpResponse:
    """Confirm the proposal of another person."""
    return _decide_own(request, pk, exclusion, confirm_exclusion, _("Confirmed. The customer's figures are updated."))


@require_POST
def reject_own(request: HttpRequest, pk: int, exclusion: int) -> HttpResponse:
    """Reject the proposal of another person."""
    return _decide_own(request, pk, exclusion, reject_exclusion, _("Rejected. The time counts as downtime."))


@require_POST
def revoke_own(request: HttpRequest, pk: int, exclusion: int) -> HttpResponse:
    """Revoke a confirmed exclusion."""
    return _decide_own(request, pk, exclusion, revoke_exclusion, _("Revoked. The time counts as downtime again."))


@require_POST
def withdraw_own(request: HttpRequest, pk: int, exclusion: int) -> HttpResponse:
    """Withdraw one's own proposal."""
    message = _("Proposal withdrawn. The time counts as downtime.")
    return _decide_own(request, pk, exclusion, withdraw_exclusion, message, PROPOSE_OWN)


def _decide_own(
    request: HttpRequest, pk: int, exclusion: int, decision, message: str, right: str = DECIDE_OWN
) -> HttpResponse:
    claim, actor, now, back = asked_step(request, pk, right)
    row = get_object_or_404(Exclusion, pk=exclusion, customer=claim.contract.customer_id)
    form = DecisionForm(request.POST, auto_id=f"decide-{row.pk}-%s")
    if form.is_valid():
        with refusals_on(form):
            decision(actor=actor, exclusion=row, reason=form.cleaned_data["reason"], now=now)
            found = corrections_in(claim.contract.customer, claim.service_month)
            after = [sheet.correction_sentence(one) for one in found if one.exclusion == row and not one.closing]
            messages.success(request, after[0] if after else message)
            return redirect(f"{back}#own")
    return claim_response(request, claim, now, decisions={row.pk: form})


@require_safe
def of_own_exclusion(request: HttpRequest, pk: int) -> HttpResponse:
    """Redirect from an exclusion caused by a customer to the claim of its month, or to its own page."""
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
