"""Request the withdrawal of an announced version with its letter, and confirm one that another person requested (5.2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from sla_portal.agreements import emails
from sla_portal.agreements.models import AgreementVersion, Withdrawal, WithdrawalStatus
from sla_portal.agreements.operations import (
    NotAcceptable,
    cancel_withdrawal,
    confirm_withdrawal,
    request_withdrawal,
    return_withdrawal,
    withdraw_version,
)
from sla_portal.agreements.queries import ended_because_of
from sla_portal.agreements.rules import Stage
from sla_portal.audit.versions import acting
from sla_portal.notices.tasks import deliver_soon
from sla_portal.website.tasks import keep_announcements

from ..common import page, refusals_on, require_right
from ..forms import KeyedForm, ReasonForm
from ..operations import save_once
from .comparison import email_preview
from .forms import WithdrawForm
from .pending import days_until
from .publication import PUBLISH, would_notify

ENDED_SHOWN = 20


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the letter of a withdrawal, and request the withdrawal when it is sent as shown."""
    require_right(request, PUBLISH)
    version, now = _announced(pk), timezone.now()
    form = WithdrawForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return _page(request, version, form, now)
    if not form.is_valid():
        return _page(request, version, form, now)
    if not form.may_be_saved:
        return _page(request, version, form.for_preview(), now, shown=Withdrawal(version=version, **_said(form)))

    def write() -> str:
        said = {"actor": acting(request), "version": version, "now": now, **_said(form)}
        if settings.PUBLISHING_NEEDS_SECOND_PERSON:
            request_withdrawal(**said)
            messages.success(request, _("Requested. Another person of Legal confirms the withdrawal on this page."))
            return reverse("admin:withdraw_amendment", args=[pk])
        withdraw_version(**said)
        return _sent(request, pk)

    with refusals_on(form):
        try:
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
        except NotAcceptable as refused:
            for field, sentences in refused.errors.items():
                form.add_error(field, sentences)
    return _page(request, version, form, now)


@require_POST
def decide(request: HttpRequest, pk: int, request_pk: int, step: str) -> HttpResponse:
    """Confirm, send back or cancel the request to withdraw a version."""
    require_right(request, PUBLISH)
    version, now = _announced(pk), timezone.now()
    withdrawal = get_object_or_404(Withdrawal.objects.select_related("version"), pk=request_pk, version=version)
    form: Any = {"confirm": KeyedForm, "return": ReasonForm, "cancel": KeyedForm}.get(step)
    if form is None:
        raise Http404
    form, actor = form(request.POST), acting(request)

    def write() -> str:
        if step == "confirm":
            confirm_withdrawal(actor=actor, withdrawal=withdrawal, now=now)
            return _sent(request, pk)
        if step == "cancel":
            cancel_withdrawal(actor=actor, withdrawal=withdrawal, now=now)
            messages.success(request, _("The request was cancelled."))
            return reverse("admin:amendment", args=[pk])
        return_withdrawal(actor=actor, withdrawal=withdrawal, reason=form.cleaned_data["reason"], now=now)
        messages.success(request, _("The request was sent back."))
        return reverse("admin:withdraw_amendment", args=[pk])

    if form.is_valid():
        with refusals_on(form):
            key = form.cleaned_data.get("key")
            return redirect(save_once(key=key, write=write, now=now) if key else write())
    return _page(request, version, WithdrawForm(), now, **{"send_back" if step == "return" else "decision": form})


def _announced(pk: int) -> AgreementVersion:
    version = get_object_or_404(AgreementVersion.objects.select_related("based_on", "notice"), pk=pk)
    if not version.notice_id:
        raise Http404(f"Version {version} was never announced.")
    return version


def _said(form: WithdrawForm) -> dict[str, str]:
    return {name: form.cleaned_data[name] for name in ("reason", "reason_zh")}


def _sent(request: HttpRequest, pk: int) -> str:
    # Only for speed: if the message is lost, the schedule finds the rows.
    deliver_soon()
    keep_announcements.delay_on_commit()
    messages.success(request, _("Withdrawn. Everyone who was notified of the version is notified of the withdrawal."))
    return reverse("admin:amendment", args=[pk])


def _page(
    request: HttpRequest,
    version: AgreementVersion,
    form: WithdrawForm,
    now: datetime,
    *,
    shown: Withdrawal | None = None,
    **bound: Any,
) -> HttpResponse:
    """Render the page; `shown` is a withdrawal whose letter is shown before it is requested."""
    if version.stage is not Stage.PUBLISHED or days_until(version.effective_on, now) <= 0:
        if request.method == "POST":
            messages.error(request, _("The version was withdrawn already, or is in force: it cannot be withdrawn."))
        return redirect("admin:amendment", version.pk)
    requests = list(version.withdrawals.select_related("decided_by"))
    pending = next((one for one in requests if one.status == WithdrawalStatus.PENDING), None)
    if pending and form.errors:
        for sentences in form.errors.values():
            messages.error(request, " ".join(sentences))
    letter = pending or shown
    ended = ended_because_of(version)
    refused = bool(form.errors or bound)
    return page(
        request,
        "staff/amendments/withdraw.html",
        {
            "title": _("Withdraw version %(version)s") % {"version": version},
            "version": version,
            "form": form,
            "pending": pending,
            "returned": [one for one in requests if one.status == WithdrawalStatus.RETURNED],
            "own": pending is not None and pending.requested_by_id == request.user.pk,
            "may_confirm": pending is not None
            and (pending.requested_by_id != request.user.pk or not settings.PUBLISHING_NEEDS_SECOND_PERSON),
            "two_persons": settings.PUBLISHING_NEEDS_SECOND_PERSON,
            "emails": email_preview(version, emails.Step.WITHDRAWAL, withdrawal=letter) if letter else [],
            "would_notify": would_notify(version) if letter else 0,
            "ended": ended.count(),
            "contracts": ended.select_related("contract__customer")[:ENDED_SHOWN],
            "decision": KeyedForm(),
            "send_back": ReasonForm(),
            **bound,
        },
        status=422 if refused else 200,
    )
