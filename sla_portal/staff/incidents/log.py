"""Log an outage as a new incident or add it to an existing one."""

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

from incidents.models import Incident, IncidentTemplate
from incidents.operations import check_detected, check_outage
from incidents.queries import possible_duplicates
from incidents.rules import check_end
from sla_portal.audit.actors import Actor
from sla_portal.audit.versions import acting
from sla_portal.clocks import zone_name

from ..common import chosen_template, page, refusals_on, require_right
from ..forms import NOW
from ..operations import save_once
from .closed_months import asking_why
from .forms import FIELDS, MINUTES_AGO, LogOutageForm, OutageForm
from .operations import add_outages, log_outages


class PossibleDuplicates(Exception):
    """The outage may belong to one of `incidents`, and the form does not say which."""

    def __init__(self, incidents: list[Incident]) -> None:
        self.incidents = incidents


@require_http_methods(["GET", "HEAD", "POST"])
def log_outage(request: HttpRequest) -> HttpResponse:
    """Log an outage as a new incident, or add it to the possible duplicate that the person chooses."""
    require_right(request, "incidents.add_incident")
    now = timezone.now()
    form = LogOutageForm(request.POST or None, now=now)
    duplicates: list[Incident] = []
    templates = IncidentTemplate.objects.all()
    if "template" in request.POST:
        form = form.with_template(chosen_template(request, templates))
    elif form.is_valid():
        actor = acting(request)

        def write() -> str:
            incident, sentence = _write(actor, form, now, form.cleaned_data["correction"])
            messages.success(request, sentence)
            return reverse("admin:incident_page", args=[incident.pk])

        try:
            with refusals_on(form, FIELDS), asking_why(form, lambda reason: _write(actor, form, now, reason), now):
                return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
        except PossibleDuplicates as found:
            duplicates = found.incidents
            form = form.asked_back()
    return page(
        request,
        "staff/incidents/log.html",
        {
            "title": _("Log an outage"),
            "form": form,
            "duplicates": duplicates,
            "templates": templates,
            "now": now,
            "ago": _ago(form),
        },
    )


def _write(actor: Actor, form: LogOutageForm, now: datetime, reason: str) -> tuple[Incident, str]:
    """Log the outage; return its incident and what was done. `reason`: why the record of a closed month is changed."""
    for facts in form.outages:
        check_outage(facts, now)
    check_detected(form.detected, now)
    given = form.cleaned_data
    found = [
        incident
        for incident in possible_duplicates(list(given["regions"]), given["started"], given["ended"])
        # An outage that is ongoing, or ends later, cannot belong to a resolved incident (2.2).
        if not check_end(given["ended"], incident.resolved_at)
    ]
    chosen = form.chosen_duplicate(found)
    if chosen:
        add_outages(actor=actor, incident=chosen, outages=form.outages, now=now, reason=reason)
        return chosen, _("Outage added to %(incident)s.") % {"incident": chosen.reference}
    if found and form.cleaned_data["duplicate_of"] != "new":
        raise PossibleDuplicates(found)
    incident = log_outages(
        actor=actor,
        title=form.title_or_default,
        source=form.cleaned_data["source"],
        ticket_number=form.cleaned_data["ticket_number"],
        ticket_url=form.cleaned_data["ticket_url"],
        chat_url=form.cleaned_data["chat_url"],
        severity=form.severity_given,
        severity_reason=form.cleaned_data["severity_reason"],
        outages=form.outages,
        detected_at=form.detected,
        now=now,
        reason=reason,
    )
    return incident, _("Outage logged as %(incident)s.") % {"incident": incident.reference}


@require_http_methods(["GET", "HEAD", "POST"])
def add_outage(request: HttpRequest, pk: int) -> HttpResponse:
    """Add an outage to an incident: another region, scope or period."""
    require_right(request, "incidents.change_incident")
    now = timezone.now()
    incident = get_object_or_404(Incident, pk=pk)
    back = reverse("admin:incident_page", args=[incident.pk])
    form = OutageForm(request.POST or None, now=now)

    def add(reason: str) -> None:
        actor = acting(request)
        add_outages(actor=actor, incident=incident, outages=form.outages, now=now, reason=reason)

    def write() -> str:
        add(form.cleaned_data["correction"])
        messages.success(request, _("Outage added."))
        return back

    if form.is_valid():
        with refusals_on(form, FIELDS), asking_why(form, add, now):
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
    """The times that the preset starts stand for, in the time zone of the reader and the SLA time zone."""
    return [(str(minutes or NOW), _in_both_zones(form.moment(minutes))) for minutes in (0, *MINUTES_AGO)]


def _in_both_zones(at: datetime) -> str:
    zones = dict.fromkeys([timezone.get_current_timezone(), settings.SLA_ZONE])
    return " · ".join(f"{at.astimezone(zone):%H:%M:%S} {zone_name(zone)}" for zone in zones)
