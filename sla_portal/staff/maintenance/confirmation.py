"""Confirm, send back or withdraw a requested announcement of more than 24 hours."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from maintenance.models import AnnouncementRequest, RequestStatus
from maintenance.operations import confirm_announcement, return_request, withdraw_request
from maintenance.words import format_regions, overlap_warnings
from sla_portal.audit.actors import Actor
from sla_portal.notices.tasks import deliver_soon

from ..common import page, refusals_on, require_right
from ..operations import save_once
from .forms import ConfirmForm, WithdrawForm
from .preview import preview
from .window import ANNOUNCE, CONFIRM, VIEW


@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Show what would be announced; POST confirms it."""
    require_right(request, VIEW if request.method != "POST" else CONFIRM)
    asked = _get_request(pk, number)
    form = ConfirmForm(request.POST if request.method == "POST" else None, auto_id="confirm-%s")

    def write() -> str:
        confirm_announcement(
            actor=Actor.staff(request.user),
            request=asked,
            reason=form.cleaned_data["reason"],
            # What is covered depends on the time of sending, so read the clock as late as possible.
            now=timezone.now(),
        )
        deliver_soon()
        messages.success(request, _("Confirmed. The notice is published, and the e-mails are being sent."))
        return reverse("admin:maintenance_window", args=[pk])

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=timezone.now()))
    return _page(request, pk, number, confirm=form)


@require_POST
def send_back(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Send another person's request back."""
    require_right(request, CONFIRM)
    return _closed(request, pk, number, return_request, _("Sent back. Nothing was announced."))


@require_POST
def withdraw(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """Withdraw one's own request."""
    require_right(request, ANNOUNCE)
    return _closed(request, pk, number, withdraw_request, _("Withdrawn. Nothing was announced."))


def _closed(request: HttpRequest, pk: int, number: int, operation: Callable[..., None], done: str) -> HttpResponse:
    """Call `operation` once with the reason of the form."""
    asked, now = _get_request(pk, number), timezone.now()
    form = WithdrawForm(request.POST, auto_id="withdraw-%s")

    def write() -> str:
        operation(actor=Actor.staff(request.user), request=asked, reason=form.cleaned_data["reason"], now=now)
        messages.success(request, done)
        return reverse("admin:maintenance_window", args=[pk])

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    return _page(request, pk, number, withdraw=form)


def _get_request(pk: int, number: int) -> AnnouncementRequest:
    return get_object_or_404(AnnouncementRequest.objects.select_related("window"), pk=number, window=pk)


def _page(request: HttpRequest, pk: int, number: int, **forms: ConfirmForm | WithdrawForm) -> HttpResponse:
    """Show a pending request as it would be announced now; one that was decided leads to the window's page."""
    asked, now = _get_request(pk, number), timezone.now()
    refused = [form for form in forms.values() if form.errors]
    if asked.status != RequestStatus.PENDING:
        for form in refused:
            for sentences in form.errors.values():
                for sentence in sentences:
                    messages.error(request, sentence)
        return redirect("admin:maintenance_window", pk)
    shown = preview(asked.window, asked.starts_at, asked.ends_at, asked.reason, now)
    own = asked.requested_by_id == request.user.pk
    return page(
        request,
        "staff/maintenance/confirm.html",
        {
            "title": _("Announcement pending confirmation"),
            "window": asked.window,
            "where": format_regions(asked.window),
            "asked": asked,
            "own": own,
            "may_confirm": request.user.has_perm(CONFIRM) and not own,
            "may_withdraw": request.user.has_perm(ANNOUNCE) and own,
            "too_late": asked.ends_at <= now,
            "preview": shown,
            "calendar": shown.calendar.content.decode(),
            "overlaps": overlap_warnings(shown.overlapping),
            "confirm": ConfirmForm(auto_id="confirm-%s"),
            "withdraw": WithdrawForm(auto_id="withdraw-%s"),
            "refused": refused,
            **forms,
        },
        status=422 if refused else 200,
    )
