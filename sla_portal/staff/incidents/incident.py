"""An incident: what it costs, what was said about it, and whether it was ours."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from incidents.models import Incident
from incidents.operations import acknowledge_incident, add_update, resolve_incident
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.rules import Reading
from sla_portal.audit.actors import Actor
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.availability.models import Exclusion, Status
from sla_portal.availability.operations import (
    attribute_incident,
    confirm_exclusion,
    count_changed_outcomes,
    propose_exclusion,
    reject_exclusion,
    revoke_exclusion,
)
from sla_portal.availability.queries import Grid
from sla_portal.availability.rules import MonthFigures
from sla_portal.clocks import format_length, format_minutes, month_name
from sla_portal.kernel.intervals import Span, epoch, merged, seconds

from ..common import page, refusals_on, require_right
from ..forms import DecisionForm, ReasonForm
from ..grid import Scope, down_in_words
from ..operations import save_once
from ..words import reading_name, verdict
from .forms import ProposalForm, ResolveForm, UpdateForm
from .impact import Difference, RegionCost, clauses_of_section_4, costs, difference_made
from .timeline import timeline

CHANGE, PROPOSE, DECIDE = (
    "incidents.change_incident",
    "availability.propose_exclusion",
    "availability.decide_exclusion",
)
MOST_TOLD = 3


@require_safe
def incident_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an incident; `?part=figures` its running figures alone, for the page to refresh itself."""
    require_right(request, "incidents.view_incident")
    now = timezone.now()
    incident = get_object_or_404(Incident, pk=pk)
    if request.GET.get("part") == "figures":
        return page(request, "staff/incidents/_figures.html", _figures(incident, now))
    return _page(request, incident, now)


def _page(request: HttpRequest, incident: Incident, now: datetime, **bound: Any) -> HttpResponse:
    """The whole page; `bound` are the forms that were sent and refused, by name."""
    may = {
        name: request.user.has_perm(right)
        for name, right in (("change", CHANGE), ("propose", PROPOSE), ("decide", DECIDE))
    }
    context = _figures(incident, now)
    felt: list[RegionCost] = context["costs"]
    windows = list({overlap.window.pk: overlap.window for cost in felt for overlap in cost.overlaps}.values())
    clauses = clauses_of_section_4(now)
    decided: dict[int, DecisionForm] = bound.pop("decisions", {})
    exclusions = list(
        incident.exclusions.select_related(
            "incident", "maintenance", "proposed_by", "decided_by", "revoked_by"
        ).prefetch_related(
            "files", "maintenance__notices", "maintenance__regions", "maintenance__functions", "maintenance__clients"
        )
    )
    context |= {
        "title": f"{incident.reference} {incident.title}",
        "may": may,
        "updates": incident.updates.all(),
        "clauses": clauses,
        "exclusions": [
            {
                "row": exclusion,
                "clause": next((clause for clause in clauses if clause.number == exclusion.clause), None),
                "own": exclusion.proposed_by_id == request.user.pk,
                "form": decided.get(exclusion.pk) or DecisionForm(auto_id=f"decide-{exclusion.pk}-%s"),
                "differences": [_difference(exclusion, made, now) for made in difference_made(exclusion, felt, now)]
                if may["decide"] and exclusion.status in (Status.PROPOSED, Status.CONFIRMED)
                else [],
            }
            for exclusion in exclusions
        ],
        "noticed": _to_propose(felt, exclusions),
        "log": audit_log(incident, *exclusions),
        "resolve": ResolveForm(now=now, auto_id="resolve-%s"),
        "update": UpdateForm(auto_id="update-%s"),
        "attribute": ReasonForm(auto_id="attribute-%s"),
        "propose": ProposalForm(clauses=clauses, windows=windows, auto_id="propose-%s"),
        "preview": None,
        **bound,
    }
    sent = (*bound.values(), *decided.values())
    context["refused"] = [form for form in sent if isinstance(form, forms.Form) and form.errors]
    return page(request, "staff/incidents/incident.html", context, status=422 if context["refused"] else 200)


def _figures(incident: Incident, now: datetime) -> dict[str, Any]:
    """The figures that run while an incident is open."""
    grid = Grid.current()
    felt = costs(incident, grid, now)
    stretches = _stretches(felt)
    return {
        "incident": incident,
        "now": now,
        "said": [what for what, _long in stretches],
        "headline": _headline(incident, stretches),
        "tally": [_tally(cost, named=len(felt) > 1) for cost in felt],
        "costs": felt,
        "regions": [
            {
                "cost": cost,
                "timeline": timeline(cost, incident, grid, epoch(now)),
                "months": [
                    (
                        row,
                        month_name(row.month),
                        verdict(row.figures.met, row.month.span(settings.SLA_ZONE)[1] <= epoch(now)),
                    )
                    for row in cost.months
                ],
            }
            for cost in felt
        ],
        "ongoing": any(cost.ongoing for cost in felt),
    }


def _difference(exclusion: Exclusion, made: Difference, now: datetime) -> dict[str, Any]:
    """A month with and without an exclusion, under each reading."""
    over = made.month.span(settings.SLA_ZONE)[1] <= epoch(now)

    def told(figures: MonthFigures, reading: Reading) -> dict[str, str]:
        under = figures.under[reading]
        state, word = verdict(under.met, over)
        return {"minutes": format_minutes(under.unavailable_minutes), "state": state, "word": word}

    return {
        "region": made.region,
        "month": made.month,
        "name": month_name(made.month),
        "flipping": count_changed_outcomes(region=made.region, month=made.month, now=now, as_if_confirmed=[exclusion])
        if exclusion.status == Status.PROPOSED
        else 0,
        "lines": [
            {
                "name": reading_name(reading),
                "in_force": reading is made.stands.terms.unavailability_reading,
                "stands": told(made.stands, reading),
                "would": told(made.would, reading),
            }
            for reading in Reading
        ],
    }


def _to_propose(felt: Sequence[RegionCost], exclusions: Sequence[Exclusion]) -> list[MaintenanceWindow]:
    """Windows whose notices cover some of the incident, and of which no exclusion stands yet."""
    covering = {o.window.pk: o.window for cost in felt for o in cost.overlaps if o.covered_seconds}
    standing = {e.maintenance_id for e in exclusions if e.status in (Status.PROPOSED, Status.CONFIRMED)}
    return [window for pk, window in covering.items() if pk not in standing]


def _stretches(felt: Sequence[RegionCost]) -> list[tuple[str, int]]:
    """What was down where, and for how many seconds; the longest first.

    What was down at the same times is told together, and so are regions in which the same was down.
    """
    where: dict[str, tuple[Sequence[Scope], list[RegionCost], list[Span]]] = {}
    for cost in felt:
        together: dict[tuple[Span, ...], list[Scope]] = {}
        for scope, spans in cost.down_by_scope:
            together.setdefault(tuple(spans), []).append(scope)
        for spans, scopes in together.items():
            _scopes, regions, down = where.setdefault(repr(scopes), (scopes, [], []))
            regions.append(cost)
            down += spans
    told = [
        (down_in_words(scopes, [cost.region for cost in regions]), seconds(merged(down)))
        for scopes, regions, down in where.values()
    ]
    return sorted(told, key=lambda stretch: -stretch[1])


def _headline(incident: Incident, stretches: Sequence[tuple[str, int]]) -> str:
    """What was down where for how long: `Login down on all clients in Europe for 12 min 30 s`."""
    told = "; ".join(
        _("%(what)s for %(length)s") % {"what": what, "length": format_length(long)}
        for what, long in stretches[:MOST_TOLD]
    )
    return _("%(told)s; and more") % {"told": told} if len(stretches) > MOST_TOLD else told or incident.title


def _tally(cost: RegionCost, *, named: bool) -> str:
    """What it counts: `counts 12 minutes under the reading in force, 12 / 12 / 13 under the three`."""
    sentence = _("Counts %(minutes)s under the reading in force, %(reading)s; %(three)s under the three.") % {
        "minutes": format_minutes(cost.counted()),
        "reading": reading_name(cost.reading),
        "three": " / ".join(str(cost.counted(reading)) for reading in Reading),
    }
    if cost.excluded:
        sentence += " " + ngettext(
            "%(count)s minute is excluded.", "%(count)s minutes are excluded.", cost.excluded
        ) % {"count": cost.excluded}
    return f"{cost.region}: {sentence}" if named else sentence


def _asked(request: HttpRequest, pk: int, right: str) -> tuple[Incident, Actor, datetime, str]:
    require_right(request, right)
    incident = get_object_or_404(Incident, pk=pk)
    return incident, Actor.staff(request.user), timezone.now(), reverse("admin:incident_page", args=[incident.pk])


@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that somebody is on it (2.2)."""
    incident, actor, now, back = _asked(request, pk, CHANGE)
    acknowledge_incident(actor=actor, incident=incident, now=now)
    messages.success(request, _("Acknowledged."))
    return redirect(back)


@require_POST
def resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """End the incident with all of its outages."""
    incident, actor, now, back = _asked(request, pk, CHANGE)
    form = ResolveForm(request.POST, now=now, auto_id="resolve-%s")
    if form.is_valid():
        with refusals_on(form):
            resolve_incident(actor=actor, incident=incident, at=form.cleaned_data["at"], now=now)
            messages.success(request, _("Resolved."))
            return redirect(back)
    return _page(request, incident, now, resolve=form)


@require_POST
def update(request: HttpRequest, pk: int) -> HttpResponse:
    """Add an update; one for the public is shown as it will go out before it does."""
    incident, actor, now, back = _asked(request, pk, CHANGE)
    form = UpdateForm(request.POST, auto_id="update-%s")
    if form.is_valid() and not form.may_go_out:
        return _page(request, incident, now, update=form.for_preview(), preview=form.cleaned_data["text"])

    def write() -> str:
        add_update(actor=actor, incident=incident, text=form.cleaned_data["text"], public=form.public, now=now)
        messages.success(request, _("Published.") if form.public else _("Noted."))
        return back

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    return _page(request, incident, now, update=form)


@require_POST
def attribute(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the incident was ours."""
    incident, actor, now, back = _asked(request, pk, PROPOSE)
    form = ReasonForm(request.POST, auto_id="attribute-%s")
    if form.is_valid():
        with refusals_on(form):
            attribute_incident(actor=actor, incident=incident, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, _("Classified as attributable to us."))
            return redirect(back)
    return _page(request, incident, now, attribute=form)


@require_POST
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose an exclusion; another person decides it."""
    incident, actor, now, back = _asked(request, pk, PROPOSE)
    felt = costs(incident, Grid.current(), now)
    form = ProposalForm(
        request.POST,
        clauses=clauses_of_section_4(now),
        windows=[overlap.window for cost in felt for overlap in cost.overlaps],
        auto_id="propose-%s",
    )

    def write() -> str:
        given = form.cleaned_data
        propose_exclusion(
            actor=actor,
            incident=incident,
            clause=given["clause"],
            reason=given["reason"],
            evidence=given["evidence"],
            maintenance=given["maintenance"],
            third_party=given["third_party"],
            third_party_incident=given["third_party_incident"],
            now=now,
            **form.stretch_named,
        )
        messages.success(request, _("Proposed. It changes nothing until another person confirms it."))
        return back

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    return _page(request, incident, now, propose=form)


@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm what another person proposed."""
    return _decide(request, pk, confirm_exclusion, _("Confirmed. The figures have changed."))


@require_POST
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Refuse what another person proposed."""
    return _decide(request, pk, reject_exclusion, _("Rejected. The time counts."))


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back a confirmed exclusion."""
    return _decide(request, pk, revoke_exclusion, _("Revoked. The time counts again."))


def _decide(request: HttpRequest, pk: int, decision, said: str) -> HttpResponse:
    require_right(request, DECIDE)
    exclusion = get_object_or_404(Exclusion, pk=pk)
    incident = get_object_or_404(Incident, exclusions=exclusion)
    now = timezone.now()
    form = DecisionForm(request.POST, auto_id=f"decide-{pk}-%s")
    if form.is_valid():
        with refusals_on(form):
            decision(actor=Actor.staff(request.user), exclusion=exclusion, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, said)
            return redirect("admin:incident_page", incident.pk)
    return _page(request, incident, now, decisions={exclusion.pk: form})
