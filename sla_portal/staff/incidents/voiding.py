"""Void an incident that was logged by mistake, or merge a duplicate into the incident that it repeats."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from incidents.models import Incident, Outage
from incidents.queries import possible_duplicates
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import Status
from sla_portal.availability.operations import merge_incident, void_incident
from sla_portal.availability.queries import Grid
from sla_portal.clocks import format_instant

from ..common import page, refusals_on, require_right
from ..forms import ReasonForm
from ..grid import describe_outage
from .effects import effects_of
from .forms import MergeForm
from .impact import impacts
from .incident import VOID

MOST_CANDIDATES = 10


@require_http_methods(["GET", "HEAD", "POST"])
def void(request: HttpRequest, pk: int) -> HttpResponse:
    """Show each month with and without the incident, and void it with a reason."""
    require_right(request, VOID)
    now = timezone.now()
    incident = get_object_or_404(Incident, pk=pk)
    form = ReasonForm(request.POST or None)
    if form.is_valid():
        with refusals_on(form):
            void_incident(
                actor=Actor.staff(request.user), incident=incident, reason=form.cleaned_data["reason"], now=now
            )
            messages.success(
                request, _("%(incident)s was voided. It does not count.") % {"incident": incident.reference}
            )
            return redirect("admin:incident_page", incident.pk)
    return _answer(request, "void", incident, form, _effects(incident, dict.fromkeys(_keys(incident)), now))


@require_http_methods(["GET", "HEAD", "POST"])
def merge(request: HttpRequest, pk: int) -> HttpResponse:
    """Choose the incident to merge into and what it takes over; show each month before and after, then merge."""
    require_right(request, VOID)
    now = timezone.now()
    incident = get_object_or_404(Incident, pk=pk)
    outages = list(incident.outages.select_related("region").prefetch_related("functions", "clients"))
    exclusions = list(incident.exclusions.filter(status__in=(Status.PROPOSED, Status.CONFIRMED)))
    filled = partial(
        MergeForm,
        incident=incident,
        candidates=_candidates(incident, outages),
        outages=[(str(outage.pk), _described(outage)) for outage in outages],
        exclusions=exclusions,
    )
    form = filled(request.POST or None)
    effects = None
    if form.is_valid():
        given = form.cleaned_data
        taken = [outage for outage in outages if str(outage.pk) in given["outages"]]
        with refusals_on(form):
            if form.may_be_saved:
                merge_incident(
                    actor=Actor.staff(request.user),
                    incident=incident,
                    into=given["target"],
                    take_over=taken,
                    propose_anew=[one for one in exclusions if str(one.pk) in given.get("exclusions", ())],
                    reason=given["reason"],
                    now=now,
                )
                messages.success(
                    request,
                    _("%(incident)s was merged into %(other)s.")
                    % {"incident": incident.reference, "other": given["target"].reference},
                )
                return redirect("admin:incident_page", given["target"].pk)
            effects = _effects(incident, _moved(outages, taken, given["target"]), now)
            form = filled(form.with_preview())
    return _answer(request, "merge", incident, form, effects)


def _answer(
    request: HttpRequest, verb: str, incident: Incident, form: ReasonForm, effects: list[dict[str, Any]] | None
) -> HttpResponse:
    context = {
        "title": _("Void %(incident)s") % {"incident": incident.reference}
        if verb == "void"
        else _("Merge %(incident)s into another incident") % {"incident": incident.reference},
        "incident": incident,
        "form": form,
        "effects": effects or [],
        "previewed": effects is not None,
        "exclusions": incident.exclusions.filter(status__in=(Status.PROPOSED, Status.CONFIRMED)),
        "back": reverse("admin:incident_page", args=[incident.pk]),
    }
    return page(request, f"staff/incidents/{verb}.html", context, status=422 if form.errors else 200)


def _effects(incident: Incident, as_if: dict[int, Outage | None], now: datetime) -> list[dict[str, Any]]:
    return effects_of(impacts(incident, Grid.current(), now), now, as_if_outages=as_if)


def _keys(incident: Incident) -> list[int]:
    return list(incident.outages.values_list("pk", flat=True))


def _moved(outages: list[Outage], taken: list[Outage], target: Incident) -> dict[int, Outage | None]:
    """The outages as they count after the merge: those taken over as outages of `target`, the others not at all."""
    as_if: dict[int, Outage | None] = {outage.pk: None for outage in outages}
    for outage in taken:
        as_if[outage.pk] = Outage(incident=target, region=outage.region, ended_at=outage.ended_at)
    return as_if


def _candidates(incident: Incident, outages: list[Outage]) -> list[Incident]:
    """Other incidents that were down in the same regions at the same time or within minutes, newest first."""
    found = Q(pk__in=())
    for outage in outages:
        found |= Q(pk__in=possible_duplicates([outage.region], outage.started_at, outage.ended_at).values("pk"))
    return list(Incident.objects.filter(found).exclude(pk=incident.pk).order_by("-detected_at")[:MOST_CANDIDATES])


def _described(outage: Outage) -> str:
    zone = timezone.get_current_timezone()
    scope = list(outage.functions.all()) or None, list(outage.clients.all()) or None
    return _("%(what)s from %(start)s to %(end)s") % {
        "what": describe_outage([scope], [outage.region]),
        "start": format_instant(outage.started_at, zone),
        "end": format_instant(outage.ended_at, zone) if outage.ended_at else _("now, ongoing"),
    }
