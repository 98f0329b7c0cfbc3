"""Who works on an incident, how severe it is, and where its ticket and chat are."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from incidents.operations import hand_over_incident, link_incident, set_severity, take_incident

from ..common import refusals_on
from .forms import HandOverForm, LinksForm, SeverityForm
from .incident import CHANGE, _page, _requested


@require_POST
def severity(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the severity of the incident, or derive it from the scope again."""
    incident, actor, now, back = _requested(request, pk, CHANGE)
    form = SeverityForm(request.POST, auto_id="severity-%s")
    if form.is_valid():
        with refusals_on(form):
            set_severity(
                actor=actor,
                incident=incident,
                severity=form.severity_given,
                reason=form.cleaned_data["reason"],
                now=now,
            )
            messages.success(request, _("Severity saved."))
            return redirect(back)
    return _page(request, incident, now, severity_form=form)


@require_POST
def take(request: HttpRequest, pk: int) -> HttpResponse:
    """Become the owner of the incident."""
    incident, actor, now, back = _requested(request, pk, CHANGE)
    take_incident(actor=actor, incident=incident, now=now)
    messages.success(request, _("You are the owner of this incident."))
    return redirect(back)


@require_POST
def hand_over(request: HttpRequest, pk: int) -> HttpResponse:
    """Hand the incident over to someone else, with a note."""
    incident, actor, now, back = _requested(request, pk, CHANGE)
    form = HandOverForm(request.POST, owner=incident.owner, auto_id="hand-over-%s")
    if form.is_valid():
        with refusals_on(form):
            hand_over_incident(actor=actor, incident=incident, to=form.person, note=form.cleaned_data["note"], now=now)
            messages.success(request, _("Incident handed over."))
            return redirect(back)
    return _page(request, incident, now, hand_over=form)


@require_POST
def links(request: HttpRequest, pk: int) -> HttpResponse:
    """Set the ticket number and the links of the incident."""
    incident, actor, now, back = _requested(request, pk, CHANGE)
    form = LinksForm(request.POST, auto_id="links-%s")
    if form.is_valid():
        with refusals_on(form):
            link_incident(actor=actor, incident=incident, now=now, **form.cleaned_data)
            messages.success(request, _("Ticket and links saved."))
            return redirect(back)
    return _page(request, incident, now, links=form)
