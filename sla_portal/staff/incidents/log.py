"""Log an outage, in under a minute."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from incidents.models import Incident
from incidents.queries import alike
from sla_portal.audit.actors import Actor
from sla_portal.clocks import zone_name

from ..common import page, refusals_on, require_right
from ..forms import NOW
from ..operations import save_once
from .forms import MINUTES_AGO, LogOutageForm, OutageForm
from .operations import add_outages, log_outages


class OneLikeIt(Exception):
    """Incidents that the outage may belong to, of which nobody has said yet whether it does."""

    def __init__(self, incidents: list[Incident]) -> None:
        self.incidents = incidents


@require_http_methods(["GET", "HEAD", "POST"])
def log_outage(request: HttpRequest) -> HttpResponse:
    """Put an outage on record as a new incident, or with one that is like it."""
    require_right(request, "incidents.add_incident")
    now = timezone.now()
    form = LogOutageForm(request.POST or None, now=now)
    like: list[Incident] = []
    if form.is_valid():
        with refusals_on(form):
            try:
                return redirect(
                    save_once(key=form.cleaned_data["key"], write=lambda: _write(request, form, now), now=now)
                )
            except OneLikeIt as found:
                like = found.incidents
                form = form.asked_back()
    return page(
        request,
        "staff/incidents/log.html",
        {"title": _("Log an outage"), "form": form, "like": like, "now": now, "ago": _ago(form)},
    )


def _write(request: HttpRequest, form: LogOutageForm, now: datetime) -> str:
    actor = Actor.staff(request.user)
    found = [
        incident
        for incident in alike(list(form.cleaned_data["regions"]), form.cleaned_data["started"])
        # What still goes on does not belong to an incident that is over.
        if form.cleaned_data["ended"] or not incident.resolved_at
    ]
    joined = form.joined(found)
    if joined:
        add_outages(actor=actor, incident=joined, outages=form.outages, now=now)
        incident = joined
        messages.success(request, _("Added to %(incident)s.") % {"incident": joined.reference})
    elif found and form.cleaned_data["like"] != "new":
        raise OneLikeIt(found)
    else:
        incident = log_outages(
            actor=actor,
            title=form.title_or_made,
            source=form.cleaned_data["source"],
            ticket_number=form.cleaned_data["ticket_number"],
            outages=form.outages,
            now=now,
        )
        messages.success(request, _("Logged as %(incident)s.") % {"incident": incident.reference})
    return reverse("admin:incident_page", args=[incident.pk])


@require_http_methods(["GET", "HEAD", "POST"])
def add_outage(request: HttpRequest, pk: int) -> HttpResponse:
    """Add another region, function or stretch to an incident."""
    require_right(request, "incidents.change_incident")
    now = timezone.now()
    incident = get_object_or_404(Incident, pk=pk)
    back = reverse("admin:incident_page", args=[incident.pk])
    form = OutageForm(request.POST or None, now=now)

    def write() -> str:
        add_outages(actor=Actor.staff(request.user), incident=incident, outages=form.outages, now=now)
        messages.success(request, _("The outage was added."))
        return back

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    return page(
        request,
        "staff/incidents/log.html",
        {
            "title": incident.title,
            "subtitle": _("Add an outage"),
            "incident": incident,
            "form": form,
            "now": now,
            "ago": _ago(form),
        },
    )


def _ago(form: OutageForm) -> list[tuple[str, str]]:
    """What the clocks showed at the moments that the taps of “since when” stand for."""
    return [(str(minutes or NOW), _on_clocks(form.moment(minutes))) for minutes in (0, *MINUTES_AGO)]


def _on_clocks(at: datetime) -> str:
    zones = dict.fromkeys([timezone.get_current_timezone(), settings.SLA_ZONE])
    return " · ".join(f"{at.astimezone(zone):%H:%M:%S} {zone_name(zone)}" for zone in zones)
