"""The review after an incident: write it, publish it on the website, withdraw it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from incidents.models import Incident, Review, ReviewAction
from incidents.operations import complete_action, publish_review, withdraw_review, write_review
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.audit.versions import acting
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date

from ..common import page, refusals_on, require_right
from ..forms import ReasonForm
from .forms import actions_typed, review_forms

WRITE, PUBLISH = "incidents.write_review", "incidents.publish_review"


@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the review of an incident; POST replaces what is written."""
    require_right(request, WRITE if request.method == "POST" else "incidents.view_incident")
    incident = get_object_or_404(Incident, pk=pk)
    if request.method != "POST":
        return _page(request, incident)
    found = _review_of(incident)
    form, rows = review_forms(found, request.POST)
    if form.is_valid() and rows.is_valid():
        with refusals_on(form):
            write_review(
                actor=acting(request),
                incident=incident,
                text=form.written,
                actions=actions_typed(rows, found),
                now=timezone.now(),
            )
            messages.success(request, _("Review saved."))
            return redirect(_address(incident))
    return _page(request, incident, form=form, rows=rows, status=422)


@require_POST
def publish(request: HttpRequest, pk: int) -> HttpResponse:
    """Publish the review as it was shown."""
    require_right(request, PUBLISH)
    incident = get_object_or_404(Incident, pk=pk)
    try:
        publish_review(actor=acting(request), incident=incident, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Review published."))
    return redirect(_address(incident))


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw the published review from the website, for a reason."""
    require_right(request, PUBLISH)
    incident = get_object_or_404(Incident, pk=pk)
    form = ReasonForm(request.POST, auto_id="withdraw-%s")
    if not form.is_valid():
        return _page(request, incident, withdraw=form, status=422)
    withdraw_review(actor=acting(request), incident=incident, reason=form.cleaned_data["reason"], now=timezone.now())
    messages.success(request, _("Review withdrawn from the website."))
    return redirect(_address(incident))


@require_POST
def complete(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark an action as done today."""
    require_right(request, WRITE)
    action = get_object_or_404(ReviewAction.objects.select_related("review__incident"), pk=pk)
    now = timezone.now()
    today = local_date(epoch(now), settings.SLA_ZONE)
    complete_action(actor=acting(request), action=action, on=today, now=now)
    messages.success(request, _("Action marked as done."))
    return redirect(_address(action.review.incident))


def _page(request: HttpRequest, incident: Incident, *, status: int = 200, **bound: Any) -> HttpResponse:
    found = _review_of(incident)
    form, rows = review_forms(found)
    context = {
        "title": incident.title,
        "subtitle": _("Review of the incident"),
        "incident": incident,
        "review": found,
        "actions": found.actions.select_related("owner") if found else (),
        "may_write": request.user.has_perm(WRITE),
        "may_publish": request.user.has_perm(PUBLISH),
        "form": form,
        "rows": rows,
        "withdraw": ReasonForm(auto_id="withdraw-%s"),
        "log": audit_log(incident),
        **bound,
    }
    return page(request, "staff/incidents/review.html", context, status=status)


def _review_of(incident: Incident) -> Review | None:
    return Review.objects.filter(incident=incident).prefetch_related("actions").first()


def _address(incident: Incident) -> str:
    return reverse("admin:incident_review", args=[incident.pk])
