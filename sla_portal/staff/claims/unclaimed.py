"""Act on breached months that nobody claimed: invitations and credits, each proposed by one person and decided by another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import get_language_info, gettext_lazy, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from claims import emails
from claims.models import Invitation
from claims.operations.unclaimed import (
    Done,
    confirm_invitation,
    decline_invitation,
    for_each,
    propose_credit,
    propose_invitation,
    withdraw_invitation,
)
from claims.queries import window_of
from claims.queries.applying import contacts_who_may_claim
from claims.queries.entitlements import EntitledContract, Month, entitled_contracts
from sla_portal.agreements.models import Contract
from sla_portal.agreements.queries import version_in_force
from sla_portal.audit.versions import acting
from sla_portal.clocks import month_name
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.money import format_amount as amount
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.tasks import deliver_soon

from ..common import page, require_right
from ..forms import ReasonForm
from .claim import DECIDE, REVIEW, VIEW
from .entitlements import month_of

MOST = 50


class CreditForm(ReasonForm):
    """In which form the minutes are credited, and why."""

    part = forms.ChoiceField(
        label=gettext_lazy("Form of compensation"),
        widget=forms.RadioSelect,
        initial="extension",
        choices=[
            ("extension", gettext_lazy("Service extension")),
            ("voucher", gettext_lazy("Voucher for the minutes that carry a charge")),
        ],
        error_messages={"required": gettext_lazy("Choose an item from the list.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest, month: str) -> HttpResponse:
    """Show whom an invitation would go to and what it says (`?contract=1&contract=2`); POST proposes it for each."""
    require_right(request, REVIEW)
    asked, now = month_of(month), timezone.now()
    lines = _chosen(request, asked)
    if problem := _problem(lines):
        messages.error(request, problem)
        return redirect("admin:entitled_contracts_in", asked)
    context = {"title": _("Invite to claim"), "month": asked, "month_name": month_name(asked), "invites": True}
    if request.method != "POST":
        to = contacts_who_may_claim(one.customer for one in _contracts(lines))
        return page(
            request,
            "staff/claims/unclaimed.html",
            {
                **context,
                "lines": [{**_line(line), "recipients": to[line.entitled.contract.customer_id]} for line in lines],
                "letters": letters(lines, asked),
                "over": now >= window_of(asked).closes_at,
            },
        )
    actor = acting(request)
    results = for_each(
        _contracts(lines), lambda one: propose_invitation(actor=actor, contract=one, month=asked, now=now)
    )
    done = ngettext(
        "%(count)s invitation is submitted for approval.", "%(count)s invitations are submitted for approval.", made(results)
    ) % {"count": made(results)}  # fmt: skip
    return page(request, "staff/claims/unclaimed.html", {**context, "results": results, "done": done})


@require_http_methods(["GET", "HEAD", "POST"])
def credit(request: HttpRequest, month: str) -> HttpResponse:
    """Show what would be credited; POST proposes it for each contract, with its letter."""
    require_right(request, REVIEW)
    asked, now = month_of(month), timezone.now()
    lines = _chosen(request, asked)
    if problem := _problem(lines):
        messages.error(request, problem)
        return redirect("admin:entitled_contracts_in", asked)
    form = CreditForm(request.POST if request.method == "POST" else None, auto_id="credit-%s")
    context: dict[str, Any] = {
        "title": _("Credit without a claim"),
        "month": asked,
        "month_name": month_name(asked),
        "form": form,
        "lines": [_line(line) for line in lines],
        "version": version_in_force(asked.first_day),
    }
    if request.method == "POST" and form.is_valid():
        given, actor = form.cleaned_data, acting(request)
        results = for_each(
            _contracts(lines),
            lambda one: propose_credit(
                actor=actor,
                contract=one,
                month=asked,
                as_voucher=given["part"] == "voucher",
                reason=given["reason"],
                now=now,
            ),
        )
        done = ngettext(
            "%(count)s credit is submitted for approval.", "%(count)s credits are submitted for approval.", made(results)
        ) % {"count": made(results)}  # fmt: skip
        return page(request, "staff/claims/unclaimed.html", {**context, "results": results, "done": done})
    return page(request, "staff/claims/unclaimed.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def invitations(request: HttpRequest, month: str) -> HttpResponse:
    """Show the invitations pending approval, with their e-mail; POST sends the ticked ones, each once."""
    require_right(request, VIEW)
    asked, now = month_of(month), timezone.now()
    results: list[Done] = []
    if request.method == "POST":
        require_right(request, DECIDE)
        actor = acting(request)
        ticked = list(_waiting(asked).filter(pk__in=_keys(request.POST.getlist("invitation"))))
        by_contract = {one.contract_id: one for one in ticked}
        results = for_each(
            [one.contract for one in ticked],
            lambda one: confirm_invitation(actor=actor, invitation=by_contract[one.pk], now=now),
        )
        deliver_soon()
        if not ticked:
            messages.error(request, _("Select at least one invitation that is still pending approval."))
    return _invitations_page(request, asked, results=results)


def _invitations_page(request: HttpRequest, month: ServiceMonth, status: int = 200, **more: Any) -> HttpResponse:
    waiting = list(_waiting(month)[:MOST])
    lines = _entitled([one.contract for one in waiting], month)
    to = contacts_who_may_claim(one.contract.customer for one in waiting)
    return page(
        request,
        "staff/claims/invitations.html",
        {
            "title": _("Invitations to claim for %(month)s") % {"month": month_name(month)},
            "month": month,
            "waiting": [
                {
                    "invitation": one,
                    "mine": one.proposed_by_id == request.user.pk,
                    "recipients": to[one.contract.customer_id],
                }
                for one in waiting
            ],
            "decidable": request.user.has_perm(DECIDE)
            and any(one.proposed_by_id != request.user.pk for one in waiting),
            "letters": letters(lines, month),
            "decline": ReasonForm(auto_id="decline-%s"),
            **more,
        },
        status=status,
    )


@require_POST
def decline(request: HttpRequest, pk: int) -> HttpResponse:
    """Decline the invitation of another person with a reason."""
    require_right(request, DECIDE)
    invitation, form = get_object_or_404(Invitation, pk=pk), ReasonForm(request.POST, auto_id="decline-%s")
    if not form.is_valid():
        return _invitations_page(request, invitation.service_month, 422, decline=form, declining=pk)
    reason, now = form.cleaned_data["reason"], timezone.now()
    _said(request, lambda: decline_invitation(actor=acting(request), invitation=invitation, reason=reason, now=now))
    return redirect("admin:invitations", invitation.service_month)


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw one's own invitation."""
    require_right(request, REVIEW)
    invitation, now = get_object_or_404(Invitation, pk=pk), timezone.now()
    _said(request, lambda: withdraw_invitation(actor=acting(request), invitation=invitation, now=now))
    return redirect("admin:invitations", invitation.service_month)


def _said(request: HttpRequest, do: Any) -> None:
    try:
        do()
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Nothing is sent. The decision is in the audit log."))


def letters(lines: Iterable[EntitledContract], month: ServiceMonth) -> list[dict[str, str]]:
    """Return the e-mail as it goes out, once in each language of the customers, for the first of each."""
    by_language: dict[str, EntitledContract] = {}
    for line in lines:
        by_language.setdefault(line.entitled.contract.customer.language, line)
    return [
        {
            "language": get_language_info(language)["name_translated"],
            "code": language,
            "customer": line.entitled.contract.customer.name,
            "subject": words.heading,
            "text": words.text,
        }
        for language, line in by_language.items()
        for words in emails.invitation_email(line, month)
        if words.language == language
    ]


def made(results: Iterable[Done]) -> int:
    return sum(not one.why_not for one in results)


def _waiting(month: ServiceMonth) -> Any:
    found = Invitation.objects.filter(month=month.first_day, outcome="")
    return found.select_related("contract__customer__region", "proposed_by")


def _keys(texts: Iterable[str]) -> set[int]:
    return {int(text) for text in list(texts)[: 2 * MOST] if text.isascii() and text.isdigit() and len(text) < 19}


def _chosen(request: HttpRequest, month: ServiceMonth) -> list[EntitledContract]:
    """Return the chosen contracts that are entitled and not claimed, in the order of the list."""
    sent = request.POST if request.method == "POST" else request.GET
    contracts = Contract.objects.filter(pk__in=_keys(sent.getlist("contract"))).select_related("customer__region")
    return [line for line in _entitled(list(contracts), month) if not line.claimed]


def _entitled(contracts: list[Contract], month: ServiceMonth) -> list[EntitledContract]:
    wanted = {one.pk: one for one in contracts}
    customers = sorted({one.customer_id for one in contracts})
    lines = entitled_contracts(Month(month, timezone.now()), customers) if customers else []
    found = [line for line in lines if line.entitled.contract.pk in wanted]
    for line in found:
        # With the region, whose time zone the e-mail speaks in.
        line.entitled.contract.customer = wanted[line.entitled.contract.pk].customer
    return found


def _problem(lines: list[EntitledContract]) -> str:
    if not lines:
        return _("Select at least one contract that is not claimed.")
    if len(lines) > MOST:
        return _("Select at most %(most)s contracts at a time.") % {"most": MOST}
    return ""


def _contracts(lines: Iterable[EntitledContract]) -> list[Contract]:
    return [line.entitled.contract for line in lines]


def _line(line: EntitledContract) -> dict[str, Any]:
    entitled = line.entitled
    return {
        "contract": entitled.contract,
        "counted": entitled.entitlement.counted_minutes,
        "minutes": entitled.minutes,
        "worth": amount(entitled.worth, entitled.contract.currency),
    }
