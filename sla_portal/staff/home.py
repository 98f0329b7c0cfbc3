"""The home page of each role: pending work with deadlines, oldest first; the current month; the lists."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Case, Count, Exists, OuterRef, Prefetch, Q, QuerySet, Value, When
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from claims.models import Claim
from claims.models.applying import OPEN
from claims.queries import windows_of
from claims.queries.entitlements import DECIDED
from claims.queries.exclusions import claims_waiting_for, corrections_for
from claims.queries.working import unread_mentions
from claims.rules import ClaimWindow
from incidents.models import Incident, Outage, ShiftNote
from incidents.queries import severities, unacknowledged
from incidents.rules import Severity
from maintenance.models import MaintenanceWindow
from maintenance.queries import requests_to_confirm, stage_of
from maintenance.rules import Stage
from sla_portal import zones
from sla_portal.agreements.queries import (
    NoAgreementInForce,
    asked_to_review,
    open_objections,
    overlapping_periods,
    published_versions,
    to_reinstate,
    version_in_force,
)
from sla_portal.agreements.rules import Terms
from sla_portal.audit.admin import Link
from sla_portal.audit.models import Entry
from sla_portal.audit.queries import changes_of_closed_months, failed_seals, present_findings
from sla_portal.audit.verbs import SIGN_INS
from sla_portal.audit.words import sentence
from sla_portal.availability.models import (
    ClosingRequest,
    CustomerMonth,
    Deviation,
    Exclusion,
    MonthClosing,
    RegionMonth,
    RequestStatus,
    Status,
)
from sla_portal.availability.operations import month_deviates
from sla_portal.availability.queries import (
    Judged,
    changed_closed_months,
    closed_months,
    exclusions_without_cover,
    in_service_since,
    region_month,
    regions_in_service,
    regions_without_first_service_day,
    statuses_of_regions,
)
from sla_portal.availability.rules import error_budget, stored_status
from sla_portal.availability.words import pending_sentence, status_badge
from sla_portal.clocks import format_length
from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import clipped, epoch, instant, minutes_touching
from sla_portal.kernel.months import MINUTES_A_DAY, ServiceMonth, local_date
from sla_portal.kernel.remembering import remembering

from .amendments.pending import drafts, pending_amendments, to_publish, today, withdrawals_to_confirm
from .claims.sheet import correction_sentence
from .claims.waiting import at_home
from .incidents.service_months import months_of_incident
from .setup import checklist

SHOWN = 10
MOST_OPEN = 100
SOON = timedelta(hours=24)
NOTES_SHOWN = 3
CORRECTION_DAYS = 60
"""Days for which the correction of a closed month is listed."""

LISTS = (
    (gettext_lazy("Contracts"), "agreements_contract_changelist", "agreements.view_contract"),
    (gettext_lazy("Contacts"), "customers_contact_changelist", "customers.view_contact"),
    (gettext_lazy("Months of customers"), "availability_customermonth_changelist", "availability.view_customermonth"),
    (gettext_lazy("Regions"), "customers_region_changelist", "customers.view_region"),
    (gettext_lazy("Core functions"), "customers_corefunction_changelist", "customers.view_corefunction"),
    (gettext_lazy("Clients"), "customers_client_changelist", "customers.view_client"),
    (gettext_lazy("Incident templates"), "incidents_incidenttemplate_changelist", "incidents.view_incidenttemplate"),
    (gettext_lazy("Update templates"), "incidents_updatetemplate_changelist", "incidents.view_updatetemplate"),
    (gettext_lazy("Saved replies"), "claims_savedreply_changelist", "claims.view_savedreply"),
    (gettext_lazy("Days of the operator's calendar"), "claims_ownday_changelist", "claims.view_ownday"),
    (gettext_lazy("Operator's identity"), "operator_identity", "operator.view_identity"),
    (gettext_lazy("Setup"), "setup", checklist.RIGHT),
    (gettext_lazy("Staff"), "auth_user_changelist", "auth.view_user"),
    (gettext_lazy("Failed sign-ins"), "staff_failedsignins_changelist", "staff.view_failedsignins"),
    (gettext_lazy("Roles"), "auth_group_changelist", "auth.view_group"),
    (gettext_lazy("Rehearsal"), "rehearsal", "operator.begin_rehearsal"),
)


@dataclass(frozen=True)
class RegionNow:
    """The current month of a region to date; minutes."""

    region: Region
    url: str
    used: int
    budget: int
    provisional: bool
    status: tuple[str, str]
    """Badge and word of the figure's status."""
    pending: str


@dataclass(frozen=True)
class OpenIncident:
    """An ongoing incident and its unavailable minutes of this month in each region to date."""

    incident: Incident
    severity: Severity | None
    since: datetime
    until: datetime | None
    """When its last outage ended; None: an outage is ongoing, or none is recorded."""
    counted: list[tuple[Region, int]]


@dataclass(frozen=True)
class NearWindow:
    """A window within 24 hours, with its status badge and label."""

    window: MaintenanceWindow
    badge: str
    label: str


def index(request: HttpRequest) -> TemplateResponse:
    """Show the home page with the sections the user may see."""
    with remembering():
        return _index(request, timezone.now())


def _index(request: HttpRequest, now: datetime) -> TemplateResponse:
    may = request.user.has_perm
    month = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    context = {**admin.site.each_context(request), **figures(request, month, now)}
    if request.GET.get("part") == "figures":
        return TemplateResponse(request, "staff/home/_figures.html", context)
    context |= {
        "title": _("Home"),
        "zone_data": zones.RELEASE,
        "lists": [Link(str(name), reverse(f"admin:{page}")) for name, page, right in LISTS if may(right)],
    }
    context |= to_correct(request.user)
    if may(checklist.RIGHT):
        context["setup"] = setup_left(now)
    context |= maintenance(request.user)
    context |= claims(request.user, now)
    context["mentions"] = unread_mentions(request.user)[: SHOWN + 1]
    context["exclusions"] = exclusions_to_decide(request.user, now)
    if may("incidents.classify_incident"):
        context["unclassified"] = unclassified(now)
    if may("availability.close_month"):
        context["months"] = months_waiting(month, now)
        context["undated"] = regions_without_first_service_day()
    if may("availability.view_customermonth"):
        context["breached"] = recent_breaches(month)
    if may("agreements.view_agreementversion"):
        context |= agreement(request.user, now)
    if may("audit.view_entry"):
        context["latest"] = Entry.objects.exclude(action__in=SIGN_INS).order_by("-id")[:SHOWN]
    if may("audit.view_faults"):
        findings = present_findings()
        context["faults"] = [sentence(finding) for finding in findings]
        context["faults_of_log"] = any(not finding.document for finding in findings)
        context["unsealed"] = failed_seals().order_by("-attempts").select_related("document").defer("content").first()
        context["unsealed_count"] = failed_seals().count()
    return TemplateResponse(request, "staff/home.html", context)


def setup_left(now: datetime) -> dict[str, Any]:
    """The steps of the setup until the portal is opened, then only how many are left."""
    steps = checklist.steps(now)
    left = sum(not step.done for step in steps)
    return {"steps": () if steps[-1].done else steps, "left": left}


def to_correct(user: User) -> dict[str, Any]:
    """Records of an earlier build, or of a history file, that break a rule and are listed for correction."""
    context: dict[str, Any] = {}
    if user.has_perm("incidents.view_incident"):
        context["out_of_order"] = Incident.objects.out_of_order().order_by("detected_at", "id")[: SHOWN + 1]
    if user.has_perm("agreements.change_contract"):
        context["overlapping"] = overlapping_periods().order_by("reference")[: SHOWN + 1]
    return context


def figures(request: HttpRequest, month: ServiceMonth, now: datetime) -> dict[str, Any]:
    """What changes while the page is open: ongoing incidents, maintenance, notes and the current month."""
    may = request.user.has_perm
    context: dict[str, Any] = {"now": now, "month": month, "shown": SHOWN}
    judged: Mapping[int, Judged] = {}
    if may("availability.view_regionmonth"):
        try:
            terms = version_in_force(month.first_day).terms
            regions = list(regions_in_service(month))
            judged = months_touched(regions, month, now)
            context["regions"] = regions_now(regions, month, terms, judged, now)
        except NoAgreementInForce as refusal:
            context["no_agreement"] = str(refusal)
    if may("incidents.view_incident"):
        context |= {"open": open_incidents(judged, now)}
        # Of many more than are listed the database knows how many nobody has taken up.
        listed = [one.incident for one in context["open"]]
        few = len(listed) < MOST_OPEN
        context["unacknowledged"] = sum(not one.acknowledged_at for one in listed) if few else unacknowledged()
    if may("maintenance.view_maintenancewindow"):
        context["windows"] = near_windows(now)
    if may("incidents.view_shiftnote"):
        context["notes"] = recent_notes(now)
    return context


def recent_notes(now: datetime) -> QuerySet[ShiftNote]:
    """The newest notes for the next shift."""
    return ShiftNote.objects.filter(at__gt=now - SOON)[:NOTES_SHOWN]


def months_touched(regions: Iterable[Region], month: ServiceMonth, now: datetime) -> dict[int, Judged]:
    """Judge the month to date of every region with an outage in it; the others had no downtime."""
    start = instant(month.span(settings.SLA_ZONE)[0])
    felt = Outage.objects.valid().filter(Q(ended_at__isnull=True) | Q(ended_at__gt=start), started_at__lte=now)
    down = set(felt.order_by().values_list("region", flat=True))
    return {region.pk: region_month(region, month, now) for region in regions if region.pk in down}


def regions_now(
    regions: Iterable[Region], month: ServiceMonth, terms: Terms, judged: Mapping[int, Judged], now: datetime
) -> list[RegionNow]:
    """The error budget of every region, the most used first."""
    statuses = statuses_of_regions([month], now, regions)
    found = []
    for region in regions:
        figures = judged[region.pk].figures if region.pk in judged else None
        minutes = len(region.service_days(month)) * MINUTES_A_DAY
        found.append(
            RegionNow(
                region=region,
                url=reverse("admin:month", args=[month, "region", region.code]),
                used=figures.unavailable_minutes if figures else 0,
                budget=figures.budget_minutes if figures else error_budget(terms.availability_target, minutes),
                provisional=figures is not None and figures.provisional,
                status=status_badge(statuses[region.pk, month.first_day].status),
                pending=pending_sentence(statuses[region.pk, month.first_day]),
            )
        )
    return sorted(found, key=lambda now: (-now.used, str(now.region)))


def open_incidents(judged: Mapping[int, Judged], now: datetime) -> list[OpenIncident]:
    """Ongoing incidents, the worst first, then the oldest."""
    scoped = Outage.objects.select_related("region").prefetch_related("functions", "clients")
    outages = Prefetch("outages", scoped.order_by("started_at"))
    found = []
    ongoing = Incident.objects.open().order_by("detected_at").select_related("owner").prefetch_related(outages)
    incidents = list(ongoing[:MOST_OPEN])
    severity_of = severities(incidents, [outage for incident in incidents for outage in incident.outages.all()])
    for incident in incidents:
        by_region: dict[Region, list[Outage]] = {}
        for outage in incident.outages.all():
            by_region.setdefault(outage.region, []).append(outage)
        ends = [outage.ended_at for outage in incident.outages.all()]
        found.append(
            OpenIncident(
                incident=incident,
                severity=severity_of[incident.pk].severity,
                until=max(filter(None, ends)) if ends and None not in ends else None,
                since=min((outage.started_at for outage in incident.outages.all()), default=incident.detected_at),
                counted=[
                    (region, _counted(judged[region.pk], felt, now))
                    for region, felt in by_region.items()
                    if region.pk in judged
                ],
            )
        )
    order = [*reversed(Severity), None]
    return sorted(found, key=lambda one: (order.index(one.severity), one.since))


def _counted(judged: Judged, outages: Iterable[Outage], now: datetime) -> int:
    down = [(epoch(outage.started_at), epoch(outage.ended_at or now)) for outage in outages]
    this_month = clipped(minutes_touching(down), judged.month.span(settings.SLA_ZONE))
    return judged.judgement.in_force.counted.within(this_month)


def maintenance(user: User) -> dict[str, Any]:
    """Announcements that wait for a second person, and exclusions that their window does not cover."""
    shown: dict[str, Any] = {}
    if user.has_perm("maintenance.announce_maintenancewindow") or user.has_perm(
        "maintenance.confirm_maintenancewindow"
    ):
        shown["requests"] = requests_to_confirm(user)[: SHOWN + 1]
    if user.has_perm("availability.decide_exclusion"):
        shown["uncovered"] = exclusions_without_cover()[: SHOWN + 1]
    return shown


def near_windows(now: datetime) -> list[NearWindow]:
    """Windows that start or end within 24 hours, ended within the last 24 hours, or are in progress."""
    near = Q(starts_at__lt=now + SOON, ends_at__gt=now - SOON)
    at_work = Q(started_at__isnull=False, completed_at__isnull=True)
    windows = (
        MaintenanceWindow.objects.not_discarded()
        .filter(near | at_work, cancelled_at__isnull=True, not_carried_out_at__isnull=True)
        .order_by("starts_at")
        .prefetch_related("regions", "notices")[: SHOWN + 1]
    )
    return [NearWindow(window, *_window_badge(window, now)) for window in windows]


def _window_badge(window: MaintenanceWindow, now: datetime) -> tuple[str, str]:
    stage = stage_of(window, now)
    if stage is Stage.DRAFT:
        return "waiting", _("draft, not announced")
    until = format_length(abs((window.ends_at - now).total_seconds()))
    return {
        Stage.SCHEDULED: (
            "plain",
            _("starts in %(length)s") % {"length": format_length((window.starts_at - now).total_seconds())},
        ),
        Stage.DUE: ("waiting", _("not started, ends in %(length)s") % {"length": until}),
        Stage.IN_PROGRESS: ("excluded", _("ends in %(length)s") % {"length": until}),
        Stage.OVERRUNNING: ("counted", _("overrunning by %(length)s") % {"length": until}),
    }.get(stage) or (
        ("plain", _("completed"))
        if stage is Stage.COMPLETED
        else ("waiting", _("ended %(length)s ago, not started") % {"length": until})
    )


@dataclass(frozen=True)
class ToDecide:
    """A proposed exclusion, and the open claim received first that waits for its decision."""

    row: Exclusion
    claim: Claim | None


def exclusions_to_decide(user: User, now: datetime) -> list[ToDecide] | None:
    """Proposals of others that `user` may decide, 4.11 first, then oldest first; None: no permission."""
    if not (user.has_perm("availability.decide_exclusion") or user.has_perm("availability.decide_own_exclusion")):
        return None
    proposed = Exclusion.objects.filter(status=Status.PROPOSED).exclude(proposed_by=user)
    if not user.has_perm("availability.decide_exclusion"):
        proposed = proposed.filter(customer__isnull=False)
    rows = proposed.select_related("incident", "customer", "proposed_by").order_by(
        Case(When(clause="4.11", then=Value(0)), default=Value(1)), "proposed_at", "id"
    )
    shown = list(rows[: SHOWN + 1])
    waiting = claims_waiting_for(Exclusion.objects.filter(pk__in=[row.pk for row in shown]), now)
    return [ToDecide(row, waiting.get(row.pk)) for row in shown]


def unclassified(now: datetime) -> list[tuple[Incident, ServiceMonth, ClaimWindow | None]]:
    """Resolved incidents pending classification, oldest first, each with its first month and that month's claim window.

    The month should be closed when the claim window opens. None before the first agreement version.
    """
    waiting = (
        Incident.objects.unclassified()
        .filter(resolved_at__isnull=False)
        .order_by("detected_at")
        .prefetch_related("outages")[: SHOWN + 1]
    )
    months = {incident: months_of_incident(incident, now)[0] for incident in waiting}
    windows = windows_of(months.values())
    return [(incident, month, windows.get(month)) for incident, month in months.items()]


def claims(user: User, now: datetime) -> dict[str, Any]:
    """Claims to review, and recent corrections that affect decided claims."""
    if not user.has_perm("claims.review_claim"):
        return {}
    return {
        "claims": at_home(user, now, SHOWN),
        "corrected": recent_corrections(now),
        "own_making": [(one, correction_sentence(one)) for one in corrections_for(user.pk, now)],
    }


@dataclass(frozen=True)
class MonthWaiting:
    """A past month that is not closed, or whose figures have changed since; no claim for it can be granted."""

    month: ServiceMonth
    noticed_at: datetime | None
    """When the change was detected; None: the month was never closed."""
    window: ClaimWindow | None
    claims: int
    """The number of open claims that wait for it."""
    request: ClosingRequest | None
    """The request to close or correct it that waits for another person."""
    change: Entry | None
    """The newest change of its record since it was closed."""


def months_waiting(present: ServiceMonth, now: datetime) -> list[MonthWaiting]:
    """The months to close or correct, oldest first."""
    judged = RegionMonth.objects.filter(
        month__gte=in_service_since(present).first_day, month__lt=present.first_day
    ).order_by()
    closed = MonthClosing.objects.filter(month=OuterRef("month"))
    noticed: dict[date, datetime | None] = dict.fromkeys(
        judged.exclude(Exists(closed)).values_list("month", flat=True).distinct()
    )
    noticed |= _changed(dict(Deviation.objects.values_list("month", "noticed_at")), now)
    requests = {
        one.month: one for one in ClosingRequest.objects.filter(status=RequestStatus.PENDING).order_by("requested_at")
    }
    for day in requests:
        noticed.setdefault(day, None)
    first = sorted(noticed)[: SHOWN + 1]
    windows = windows_of(ServiceMonth.of(day) for day in first)
    open_claims = Claim.objects.filter(month__in=first, status__in=OPEN).order_by()
    waiting = dict(open_claims.values_list("month").annotate(count=Count("id")))
    change = _newest_changes([day for day in first if noticed[day]])
    return [
        MonthWaiting(month, noticed[day], windows.get(month), waiting.get(day, 0), requests.get(day), change.get(day))
        for day, month in ((day, ServiceMonth.of(day)) for day in first)
    ]


def _newest_changes(days: Collection[date]) -> dict[date, Entry]:
    """Return the newest change of the record of each month (first days) since it was closed or corrected."""
    closed_at = dict(
        MonthClosing.objects.filter(month__in=days).order_by("closed_at").values_list("month", "closed_at")
    )
    found: dict[date, Entry] = {}
    for entry in changes_of_closed_months(min(closed_at.values())) if closed_at else ():
        for name in entry.changes["closed_months"][1]:
            day = ServiceMonth.parse(name).first_day
            if day in closed_at and entry.at >= closed_at[day]:
                found.setdefault(day, entry)
    return found


def _changed(deviations: dict[date, datetime], now: datetime) -> dict[date, datetime]:
    """Add the months whose record was changed since the last sweep, where their figures differ by now."""
    for day, changed_at in changed_closed_months().items():
        if day not in deviations and month_deviates(month=ServiceMonth.of(day), now=now):
            deviations[day] = changed_at
    return deviations


def recent_corrections(now: datetime) -> QuerySet[MonthClosing]:
    """Corrections of the last 60 days to months with decided claims, newest first."""
    decided = Claim.objects.filter(month=OuterRef("month"), status__in=DECIDED)
    return MonthClosing.objects.filter(
        Exists(decided), revision__gt=1, closed_at__gte=now - timedelta(days=CORRECTION_DAYS)
    ).order_by("-closed_at")[:SHOWN]


def recent_breaches(month: ServiceMonth) -> list[tuple[CustomerMonth, tuple[str, str]]]:
    """Customer months that breached the SLA, of this month and the two before it, newest first, with their status."""
    closed = closed_months([(month + -n).first_day for n in range(3)])
    rows = (
        CustomerMonth.objects.filter(month__gte=(month + -2).first_day, met=False)
        .select_related("customer")
        .order_by("-month", "customer__code")[: SHOWN + 1]
    )
    return [(row, status_badge(stored_status(row.month, closed, month))) for row in rows]


def agreement(user: User, now: datetime) -> dict[str, Any]:
    """The version in force and the pending ones; for drafters also drafts, amendments in progress and approvals."""
    day, versions = today(now), published_versions()
    in_force = [one for one in versions if one.takes_effect_on <= day]
    shown = {"version": in_force[-1] if in_force else None}
    if not user.has_perm("agreements.draft_version"):
        return {**shown, "pending": versions[len(in_force) :]}
    return {
        **shown,
        "announced": pending_amendments(now),
        "drafts": drafts()[: SHOWN + 1],
        "to_publish": to_publish(user)[: SHOWN + 1],
        "withdrawals": withdrawals_to_confirm(user, now)[: SHOWN + 1],
        "to_reinstate": (ended := list(to_reinstate()[: SHOWN + 1]))[:SHOWN],
        "to_reinstate_count": len(ended) if len(ended) <= SHOWN else to_reinstate().count(),
        "objections": open_objections()[:SHOWN],
        "today": today(now),
        "to_review": asked_to_review(user)[: SHOWN + 1],
    }
