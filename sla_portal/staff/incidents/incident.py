"""The page of an incident: impact, updates, classification and exclusions."""

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

from incidents.models import Incident, UpdateTemplate
from incidents.operations import acknowledge_incident, add_update, resolve_incident
from incidents.queries import severities, times_of
from incidents.rules import objections
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
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import Span, epoch, merged, seconds

from ..common import chosen_template, page, refusals_on, require_right
from ..forms import DecisionForm, ReasonForm
from ..grid import Scope, describe_outage
from ..operations import save_once
from ..words import reading_name, verdict
from .forms import HandOverForm, LinksForm, ProposalForm, ResolveForm, SeverityForm, UpdateForm
from .impact import ExclusionEffect, RegionImpact, clauses_of_section_4, exclusion_effects, impacts
from .timeline import timeline

CHANGE, PROPOSE, DECIDE = (
    "incidents.change_incident",
    "availability.propose_exclusion",
    "availability.decide_exclusion",
)
HEADLINE_PARTS = 3


@require_safe
def incident_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an incident; `?part=figures` returns the figures alone, for the refresh of the page."""
    require_right(request, "incidents.view_incident")
    now = timezone.now()
    incident = get_object_or_404(Incident, pk=pk)
    if request.GET.get("part") == "figures":
        return page(request, "staff/incidents/_figures.html", _figures(incident, now))
    return _page(request, incident, now)


def _page(request: HttpRequest, incident: Incident, now: datetime, **bound: Any) -> HttpResponse:
    """Render the page; `bound` holds the submitted forms that were refused, by name."""
    may = {
        name: request.user.has_perm(right)
        for name, right in (("change", CHANGE), ("propose", PROPOSE), ("decide", DECIDE))
    }
    context = _figures(incident, now)
    by_region: list[RegionImpact] = context["impacts"]
    windows = list({overlap.window.pk: overlap.window for impact in by_region for overlap in impact.overlaps}.values())
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
        "clauses": clauses,
        "exclusions": [
            {
                "row": exclusion,
                "clause": next((clause for clause in clauses if clause.number == exclusion.clause), None),
                "own": exclusion.proposed_by_id == request.user.pk,
                "form": decided.get(exclusion.pk) or DecisionForm(auto_id=f"decide-{exclusion.pk}-%s"),
                "effects": [_effect(exclusion, made, now) for made in exclusion_effects(exclusion, by_region, now)]
                if may["decide"] and exclusion.status in (Status.PROPOSED, Status.CONFIRMED)
                else [],
            }
            for exclusion in exclusions
        ],
        "out_of_order": [_(objection.sentence) for objection in objections(times_of(incident))],
        "windows_to_propose": _windows_to_propose(by_region, exclusions),
        "log": audit_log(incident, *exclusions),
        "severity_form": SeverityForm(
            initial={"severity": incident.severity or "", "reason": incident.severity_reason}, auto_id="severity-%s"
        ),
        "hand_over": HandOverForm(owner=incident.owner, auto_id="hand-over-%s") if may["change"] else None,
        "links": LinksForm(
            initial={name: getattr(incident, name) for name in LinksForm.base_fields}, auto_id="links-%s"
        ),
        "update_templates": UpdateTemplate.objects.all(),
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
    """The figures that change while an incident is ongoing."""
    grid = Grid.current()
    by_region = impacts(incident, grid, now)
    stretches = _stretches(by_region)
    return {
        "incident": incident,
        "now": now,
        "descriptions": [what for what, _long in stretches],
        "headline": _headline(incident, stretches),
        "severity": severities([incident])[incident.pk],
        "updates": incident.updates.all(),
        "tally": [_tally(impact, named=len(by_region) > 1) for impact in by_region],
        "impacts": by_region,
        "regions": [
            {
                "impact": impact,
                "timeline": timeline(impact, incident, grid, epoch(now)),
                "months": [
                    (
                        row,
                        month_name(row.month),
                        verdict(row.figures.met, row.month.span(settings.SLA_ZONE)[1] <= epoch(now)),
                    )
                    for row in impact.months
                ],
            }
            for impact in by_region
        ],
        "ongoing": any(impact.ongoing for impact in by_region),
        "unacknowledged": int(incident.acknowledged_at is None and incident.resolved_at is None),
    }


def _effect(exclusion: Exclusion, made: ExclusionEffect, now: datetime) -> dict[str, Any]:
    """A month with and without an exclusion, under each counting rule."""
    over = made.month.span(settings.SLA_ZONE)[1] <= epoch(now)

    def result(figures: MonthFigures, reading: Reading) -> dict[str, str]:
        under = figures.under[reading]
        state, word = verdict(under.met, over)
        return {"minutes": format_minutes(under.unavailable_minutes), "state": state, "word": word}

    return {
        "region": made.region,
        "month": made.month,
        "name": month_name(made.month),
        "verdicts_changed": count_changed_outcomes(
            region=made.region, month=made.month, now=now, as_if_confirmed=[exclusion]
        )
        if exclusion.status == Status.PROPOSED
        else 0,
        "lines": [
            {
                "name": reading_name(reading),
                "in_force": reading is made.current.terms.unavailability_reading,
                "current": result(made.current, reading),
                "changed": result(made.changed, reading),
            }
            for reading in Reading
        ],
    }


def _windows_to_propose(by_region: Sequence[RegionImpact], exclusions: Sequence[Exclusion]) -> list[MaintenanceWindow]:
    """Windows whose notices cover part of the incident and that no open or confirmed exclusion uses."""
    covering = {o.window.pk: o.window for impact in by_region for o in impact.overlaps if o.covered_seconds}
    used = {e.maintenance_id for e in exclusions if e.status in (Status.PROPOSED, Status.CONFIRMED)}
    return [window for pk, window in covering.items() if pk not in used]


def _stretches(by_region: Sequence[RegionImpact]) -> list[tuple[str, int]]:
    """Descriptions of what was down where, each with its seconds, longest first.

    Scopes with the same periods are merged, and so are regions with the same scopes.
    """
    where: dict[str, tuple[Sequence[Scope], list[RegionImpact], list[Span]]] = {}
    for impact in by_region:
        together: dict[tuple[Span, ...], list[Scope]] = {}
        for scope, spans in impact.downtime_by_scope:
            together.setdefault(tuple(spans), []).append(scope)
        for spans, scopes in together.items():
            _scopes, regions, down = where.setdefault(repr(scopes), (scopes, [], []))
            regions.append(impact)
            down += spans
    described = [
        (describe_outage(scopes, [impact.region for impact in regions]), seconds(merged(down)))
        for scopes, regions, down in where.values()
    ]
    return sorted(described, key=lambda stretch: -stretch[1])


def _headline(incident: Incident, stretches: Sequence[tuple[str, int]]) -> str:
    """What was down, where and for how long: `Login down on all clients in Europe for 12 min 30 s`."""
    headline = "; ".join(
        _("%(what)s for %(length)s") % {"what": what, "length": format_length(long)}
        for what, long in stretches[:HEADLINE_PARTS]
    )
    if len(stretches) > HEADLINE_PARTS:
        return _("%(headline)s; and more") % {"headline": headline}
    return headline or incident.title


def _tally(impact: RegionImpact, *, named: bool) -> str:
    """The unavailable minutes under the counting rule in force and under the others, and the excluded minutes."""
    counted = impact.counted()
    sentence = ngettext(
        "%(count)s unavailable minute under the counting rule in force (%(rule)s). Other counting rules: %(others)s.",
        "%(count)s unavailable minutes under the counting rule in force (%(rule)s). Other counting rules: %(others)s.",
        counted,
    ) % {
        "count": counted,
        "rule": reading_name(impact.reading),
        "others": ", ".join(
            f"{reading_name(reading)} {impact.counted(reading)}" for reading in Reading if reading is not impact.reading
        ),
    }
    if impact.excluded:
        sentence += " " + ngettext(
            "%(count)s minute is excluded.", "%(count)s minutes are excluded.", impact.excluded
        ) % {"count": impact.excluded}
    return f"{impact.region}: {sentence}" if named else sentence


def _requested(request: HttpRequest, pk: int, right: str) -> tuple[Incident, Actor, datetime, str]:
    require_right(request, right)
    incident = get_object_or_404(Incident, pk=pk)
    return incident, Actor.staff(request.user), timezone.now(), reverse("admin:incident_page", args=[incident.pk])


@require_POST
def acknowledge(request: HttpRequest, pk: int) -> HttpResponse:
    """Acknowledge the incident (2.2)."""
    incident, actor, now, back = _requested(request, pk, CHANGE)
    try:
        acknowledge_incident(actor=actor, incident=incident, now=now)
    except Refused as refused:
        messages.error(request, str(refused))
    else:
        messages.success(request, _("Incident acknowledged."))
    return redirect(back)


@require_POST
def resolve(request: HttpRequest, pk: int) -> HttpResponse:
    """Resolve the incident and end its ongoing outages."""
    incident, actor, now, back = _requested(request, pk, CHANGE)
    form = ResolveForm(request.POST, now=now, auto_id="resolve-%s")
    if form.is_valid():
        given = form.cleaned_data
        ended = "restored_at" if given["restored_at"] else "end_at"
        with refusals_on(form, {"resolved_at": "end_at", "ended_at": ended}):
            resolve_incident(actor=actor, incident=incident, at=given["at"], restored_at=given["restored_at"], now=now)
            messages.success(request, _("Incident resolved."))
            return redirect(back)
    return _page(request, incident, now, resolve=form)


@require_POST
def update(request: HttpRequest, pk: int) -> HttpResponse:
    """Add an update; a public one is previewed before it is published."""
    incident, actor, now, back = _requested(request, pk, CHANGE)
    form = UpdateForm(request.POST, auto_id="update-%s")
    if "template" in request.POST:
        chosen = chosen_template(request, UpdateTemplate.objects.all())
        return _page(request, incident, now, update=form.with_template(chosen))
    if form.is_valid() and not form.may_be_saved:
        return _page(request, incident, now, update=form.for_preview(), preview=form.cleaned_data)

    def write() -> str:
        add_update(
            actor=actor,
            incident=incident,
            text=form.cleaned_data["text"],
            text_zh=form.cleaned_data["text_zh"],
            public=form.public,
            now=now,
        )
        messages.success(request, _("Update published.") if form.public else _("Internal note saved."))
        return back

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    return _page(request, incident, now, update=form)


@require_POST
def attribute(request: HttpRequest, pk: int) -> HttpResponse:
    """Classify the incident as attributable."""
    incident, actor, now, back = _requested(request, pk, PROPOSE)
    form = ReasonForm(request.POST, auto_id="attribute-%s")
    if form.is_valid():
        with refusals_on(form):
            attribute_incident(actor=actor, incident=incident, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, _("Incident classified as attributable."))
            return redirect(back)
    return _page(request, incident, now, attribute=form)


@require_POST
def propose(request: HttpRequest, pk: int) -> HttpResponse:
    """Propose an exclusion, for another person to decide."""
    incident, actor, now, back = _requested(request, pk, PROPOSE)
    by_region = impacts(incident, Grid.current(), now)
    form = ProposalForm(
        request.POST,
        clauses=clauses_of_section_4(now),
        windows=[overlap.window for impact in by_region for overlap in impact.overlaps],
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
            **form.excluded_period,
        )
        messages.success(request, _("Exclusion proposed. Figures do not change until another person confirms it."))
        return back

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    return _page(request, incident, now, propose=form)


@require_POST
def confirm(request: HttpRequest, pk: int) -> HttpResponse:
    """Confirm an exclusion that another person proposed."""
    return _decide(request, pk, confirm_exclusion, _("Exclusion confirmed. The figures are updated."))


@require_POST
def reject(request: HttpRequest, pk: int) -> HttpResponse:
    """Reject an exclusion that another person proposed."""
    return _decide(request, pk, reject_exclusion, _("Exclusion rejected. The time counts as downtime."))


@require_POST
def revoke(request: HttpRequest, pk: int) -> HttpResponse:
    """Revoke a confirmed exclusion."""
    return _decide(request, pk, revoke_exclusion, _("Exclusion revoked. The time counts as downtime again."))


def _decide(request: HttpRequest, pk: int, decision, message: str) -> HttpResponse:
    require_right(request, DECIDE)
    exclusion = get_object_or_404(Exclusion, pk=pk)
    incident = get_object_or_404(Incident, exclusions=exclusion)
    now = timezone.now()
    form = DecisionForm(request.POST, auto_id=f"decide-{pk}-%s")
    if form.is_valid():
        with refusals_on(form):
            decision(actor=Actor.staff(request.user), exclusion=exclusion, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, message)
            return redirect("admin:incident_page", incident.pk)
    return _page(request, incident, now, decisions={exclusion.pk: form})
