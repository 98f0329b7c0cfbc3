"""The page of an incident: impact, updates, classification and exclusions."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
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
from incidents.operations import (
    acknowledge_incident,
    add_update,
    ended_outages,
    reopen_incident,
    resolve_incident,
)
from incidents.queries import periods_of, severities, times_of
from incidents.rules import objections
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.rules import Reading
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import closed_months_touched
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.audit.versions import acting
from sla_portal.availability.models import Exclusion, RegionMonth, Status
from sla_portal.availability.operations import (
    attribute_incident,
    confirm_exclusion,
    propose_exclusion,
    reject_exclusion,
    revoke_exclusion,
    withdraw_exclusion,
)
from sla_portal.availability.queries import Grid, closed_rows_of_regions, is_as_closed, statuses_of_regions
from sla_portal.availability.rules import MonthStatus
from sla_portal.clocks import format_length, month_name
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import Span, epoch, merged, seconds
from sla_portal.minutes import reading_name

from ..common import chosen_template, page, refusals_on, require_right
from ..forms import DecisionForm, ReasonForm
from ..grid import Scope, describe_outage
from ..headlines import as_closed, as_judged
from ..operations import save_once
from ..words import verdict
from .closed_months import asking_why
from .effects import effects_of
from .forms import HandOverForm, LinksForm, ProposalForm, ReopenForm, ResolveForm, SeverityForm, UpdateForm
from .impact import MonthOfRegion, RegionImpact, clauses_of_section_4, impacts
from .service_months import touched_months
from .timeline import timeline

CHANGE, PROPOSE, DECIDE, VOID = (
    "incidents.change_incident",
    "availability.propose_exclusion",
    "availability.decide_exclusion",
    "incidents.void_incident",
)
HEADLINE_PARTS = 3


@require_safe
def incident_page(request: HttpRequest, pk: int) -> HttpResponse:
    """Show an incident; `?part=figures` returns the figures alone, for the refresh of the page."""
    require_right(request, "incidents.view_incident")
    now = timezone.now()
    incident = get_object_or_404(Incident.objects.select_related("merged_into"), pk=pk)
    if request.GET.get("part") == "figures":
        return page(request, "staff/incidents/_figures.html", _figures(incident, now))
    return _page(request, incident, now)


def _page(request: HttpRequest, incident: Incident, now: datetime, **bound: Any) -> HttpResponse:
    """Render the page; `bound` holds the submitted forms that were refused, by name."""
    may = {
        name: request.user.has_perm(right) and not incident.voided_at
        for name, right in (("change", CHANGE), ("propose", PROPOSE), ("decide", DECIDE), ("void", VOID))
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
        "merged": incident.merged.order_by("reference"),
        "clauses": clauses,
        "exclusions": [
            {
                "row": exclusion,
                "clause": next((clause for clause in clauses if clause.number == exclusion.clause), None),
                "own": exclusion.proposed_by_id == request.user.pk,
                "form": decided.get(exclusion.pk) or DecisionForm(auto_id=f"decide-{exclusion.pk}-%s"),
                "effects": _effects(exclusion, by_region, now) if may["decide"] else [],
            }
            for exclusion in exclusions
        ],
        "out_of_order": []
        if incident.voided_at
        else [_(objection.sentence) for objection in objections(times_of(incident))],
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
        "closed_months": [month_name(month) for month in closed_months_touched(periods_of(incident, now))],
        "resolve": ResolveForm(now=now, auto_id="resolve-%s"),
        "resolved_then": [],
        "reopen": ReopenForm(auto_id="reopen-%s"),
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
    months = {row.month for impact in by_region for row in impact.months}
    statuses = statuses_of_regions(months, now)
    closed = closed_rows_of_regions(months)
    return {
        "incident": incident,
        "now": now,
        "descriptions": [what for what, _long in stretches],
        "headline": _headline(incident, stretches),
        "severity": severities([incident])[incident.pk],
        "updates": incident.updates.all(),
        "tally": []
        if incident.voided_at
        else [(impact.minutes, _tally(impact, named=len(by_region) > 1)) for impact in by_region],
        "impacts": by_region,
        "regions": [
            {
                "impact": impact,
                "timeline": timeline(impact, incident, grid, epoch(now)),
                "months": [
                    _month(
                        row,
                        closed.get((impact.region.pk, row.month.first_day)),
                        statuses[impact.region.pk, row.month.first_day],
                        now,
                    )
                    for row in impact.months
                ],
            }
            for impact in by_region
            if not incident.voided_at
        ],
        "ongoing": not incident.voided_at and any(impact.ongoing for impact in by_region),
        "service_months": [] if incident.voided_at else touched_months(periods_of(incident, now)),
        "exclusion_undecided": incident.attributable is False
        and not incident.exclusions.filter(status=Status.CONFIRMED).exists(),
        "unacknowledged": int(not (incident.acknowledged_at or incident.resolved_at or incident.voided_at)),
    }


def _month(row: MonthOfRegion, closed: RegionMonth | None, status: MonthStatus, now: datetime) -> dict[str, Any]:
    """Return the figures of a month of a region: of a closed one as it was closed, with those of the record beside them."""
    over = row.month.span(settings.SLA_ZONE)[1] <= epoch(now)
    return {
        "row": row,
        "name": month_name(row.month),
        "verdict": verdict(closed.met if closed else row.figures.met, over),
        "present": verdict(row.figures.met, over),
        "headline": as_closed(closed) if closed else as_judged(row.figures, status),
        "record": as_judged(row.figures, status) if closed and not is_as_closed(closed, row.figures) else None,
    }


def _effects(exclusion: Exclusion, by_region: Sequence[RegionImpact], now: datetime) -> list[dict[str, Any]]:
    """The months with and without an exclusion that waits for a decision or is confirmed."""
    if exclusion.status == Status.PROPOSED:
        return effects_of(by_region, now, as_if_confirmed=[exclusion])
    if exclusion.status == Status.CONFIRMED:
        return effects_of(by_region, now, as_if_revoked=[exclusion])
    return []


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
    # Of an incident that was voided in the middle of an outage nobody knows how long that one lasted.
    unknown = incident.voided_at and any(outage.ended_at is None for outage in incident.outages.all())
    headline = "; ".join(
        what if unknown else _("%(what)s for %(length)s") % {"what": what, "length": format_length(long)}
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
    return incident, acting(request), timezone.now(), reverse("admin:incident_page", args=[incident.pk])


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
    """Resolve the incident and end its ongoing outages; at a typed time after showing what that does to the month."""
    incident, actor, now, back = _requested(request, pk, CHANGE)
    form = ResolveForm(request.POST, now=now, auto_id="resolve-%s")
    if form.is_valid():
        given = form.cleaned_data
        at, restored_at = given["at"], given["restored_at"]

        def write(reason: str) -> None:
            # A copy: what is only tried is undone in the database, not on the object.
            resolve_incident(
                actor=actor, incident=copy(incident), at=at, restored_at=restored_at, now=now, reason=reason
            )

        fields = {"resolved_at": "end_at", "ended_at": "restored_at" if restored_at else "end_at"}
        with refusals_on(form, fields), asking_why(form, write, now):
            if not form.may_be_saved:
                outages = {outage.pk: outage for outage in ended_outages(incident, at, now, restored_at)}
                effects = effects_of(impacts(incident, Grid.current(), now), now, as_if_outages=outages)
                return _page(request, incident, now, resolve=form.for_preview(), resolved_then=effects)
            write(given["correction"])
            messages.success(request, _("Incident resolved."))
            return redirect(back)
    return _page(request, incident, now, resolve=form)


@require_POST
def reopen(request: HttpRequest, pk: int) -> HttpResponse:
    """Reopen the resolved incident; the public reads it as a new update."""
    incident, actor, now, back = _requested(request, pk, CHANGE)
    form = ReopenForm(request.POST, auto_id="reopen-%s")
    if form.is_valid():
        with refusals_on(form):
            reopen_incident(actor=actor, incident=incident, now=now, **form.cleaned_data)
            messages.success(request, _("Incident reopened. If the outage is ongoing, add it or correct its end."))
            return redirect(back)
    return _page(request, incident, now, reopen=form)


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


@require_POST
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Withdraw one's own proposal."""
    return _decide(request, pk, withdraw_exclusion, _("Proposal withdrawn. The time counts as downtime."), PROPOSE)


def _decide(request: HttpRequest, pk: int, decision, message: str, right: str = DECIDE) -> HttpResponse:
    require_right(request, right)
    exclusion = get_object_or_404(Exclusion, pk=pk)
    incident = get_object_or_404(Incident, exclusions=exclusion)
    now = timezone.now()
    form = DecisionForm(request.POST, auto_id=f"decide-{pk}-%s")
    if form.is_valid():
        with refusals_on(form):
            decision(actor=acting(request), exclusion=exclusion, reason=form.cleaned_data["reason"], now=now)
            messages.success(request, message)
            return redirect("admin:incident_page", incident.pk)
    return _page(request, incident, now, decisions={exclusion.pk: form})
