"""The service months: an overview of all regions, and one month of a region or a customer to the minute."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from claims.models import Claim, Status
from incidents.models import Incident
from incidents.queries import incidents_touching, times_of
from incidents.rules import mean, time_to_acknowledge, time_to_restore
from maintenance.queries import conduct, notices_given, windows_of_region
from sla_portal.agreements.queries import contracts_in_force
from sla_portal.agreements.rules import Terms, terms_at
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.availability.models import Exclusion, MonthClosing, RegionMonth
from sla_portal.availability.queries import (
    Grid,
    Judged,
    closed_months,
    closed_row,
    contract_period_so_far,
    customer_month,
    exclusions_of_region,
    in_service_since,
    is_as_closed,
    not_in_service,
    region_month,
    regions_without_first_service_day,
    service_days_of,
    status_of,
    statuses_of_regions,
)
from sla_portal.availability.rules import (
    FigureStatus,
    MonthStatus,
    Reason,
    availability,
    covered_by_notice,
    cut,
    explain,
)
from sla_portal.availability.words import pending_sentence, status_badge
from sla_portal.clocks import month_name
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import MINUTE, Span, clipped, difference, epoch, instant, intersection, seconds
from sla_portal.kernel.months import ServiceDays, ServiceMonth, day_span, local_date
from sla_portal.minutes import clock_minute, reading_name, rule_name
from sla_portal.pictures import KINDS

from ..common import page, require_right
from ..headlines import as_closed, as_judged
from ..incidents.impact import lead_hours
from ..pictures import day_runs, hour_rows, month_rows
from ..words import (
    CLAIM_MARKS,
    day_name,
    decision,
    grounds,
    kind_name,
    length,
    other_counting_rules,
    reading_sentence,
    verdict,
)

RIGHTS = {"region": "availability.view_regionmonth", "customer": "availability.view_customermonth"}
SHOWN = 13
MOST_ROWS = 200
"""Rows of a list on a page; the attachment of the report has all of them."""
EARLIEST, LATEST = ServiceMonth(1970, 1), ServiceMonth(9998, 11)


@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    """Show all regions in the last thirteen months."""
    require_right(request, RIGHTS["region"])
    now = timezone.now()
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    months = [present + -n for n in range(SHOWN)]
    judged: dict[tuple[int, date], RegionMonth] = {
        (row.region_id, row.month): row
        for row in RegionMonth.objects.filter(month__gte=months[-1].first_day, month__lte=present.first_day)
    }
    regions = list(Region.objects.all())
    statuses = statuses_of_regions(months, now)
    began = in_service_since(present)
    closed = closed_months([month.first_day for month in months])
    in_service = {month for month in months if month >= began or month.first_day in closed}
    return page(
        request,
        "staff/months/overview.html",
        {
            "title": _("Months"),
            "regions": regions,
            "undated": regions_without_first_service_day(),
            "lines": [
                {
                    "month": month,
                    "name": month_name(month),
                    "present": month == present,
                    "in_service": month in in_service,
                    "cells": [
                        _cell(
                            region,
                            month,
                            judged.get((region.pk, month.first_day)),
                            statuses[region.pk, month.first_day],
                            in_service=month in in_service and bool(region.service_days(month)),
                        )
                        for region in regions
                    ],
                }
                for month in months
                # None is listed from before the service began
                if month in in_service or month == present
            ],
        },
    )


def _cell(
    region: Region, month: ServiceMonth, row: RegionMonth | None, status: MonthStatus, *, in_service: bool
) -> dict[str, Any]:
    url = reverse("admin:month", args=[month, "region", region.code])
    if row is None and in_service and status.status is not FigureStatus.FINAL:
        return {"region": region, "url": url, "state": "unknown", "word": _("Not calculated yet")}
    if row is None:
        state, word = verdict(None, over=True)
        return {"region": region, "url": url, "state": state, "word": word}
    state, word = verdict(row.met, over=True)
    ratio = availability(row.unavailable_minutes, row.total_minutes)
    return {
        "region": region,
        "url": url,
        "row": row,
        "state": state,
        "word": word,
        "availability": ratio is not None and cut(ratio),
        "status": status_badge(status.status),
        "pending": pending_sentence(status),
    }


@dataclass(frozen=True)
class Subject:
    """The region or customer that a month belongs to."""

    scope: str
    row: Region | Customer
    region: Region

    def address(self, month: ServiceMonth) -> str:
        return reverse("admin:month", args=[month, self.scope, self.row.code])

    def minutes(self, month: ServiceMonth) -> str:
        """Return the address of the minutes of a month."""
        return reverse("admin:minutes", args=[month, self.scope, self.row.code])

    def minute(self, month: ServiceMonth, at: int) -> str:
        """Return the address of the minute that has an instant, or of the first of a month if it lies before."""
        first = max(at // MINUTE * MINUTE, month.span(settings.SLA_ZONE)[0])
        return f"{self.minutes(month)}?{urlencode({'at': clock_minute(first)})}#minute"


@require_safe
def month(request: HttpRequest, month: str, scope: str, code: str) -> HttpResponse:
    """Show one month; `?day=2026-09-10` opens a day, `&minute=02:31` explains why that minute counts or does not."""
    if scope not in RIGHTS:
        raise Http404
    require_right(request, RIGHTS[scope])
    try:
        asked = ServiceMonth.parse(month)
    except ValueError as error:
        raise Http404(str(error)) from None
    now = timezone.now()
    subject = subject_of(scope, code)
    context: dict[str, Any] = {
        "title": str(subject.row),
        "subtitle": month_name(asked),
        "subject": subject,
        "month": asked,
        "previous": subject.address(asked.previous) if asked > EARLIEST else "",
        "next": subject.address(asked.next) if asked < LATEST else "",
        "now": now,
    }
    try:
        if isinstance(subject.row, Region):
            judged = region_month(subject.row, asked, now)
        else:
            judged = customer_month(subject.row, asked, now)
        context |= _judged(request, subject, judged, now)
    except Refused as refused:
        return page(request, "staff/months/month.html", {**context, "refused": str(refused)})
    return page(request, "staff/months/month.html", context)


def subject_of(scope: str, code: str) -> Subject:
    """Return the region or customer with a code; answer 404 if there is none."""
    if "\0" in code:
        # PostgreSQL rejects NUL characters in text.
        raise Http404
    if scope == "region":
        region = get_object_or_404(Region, code=code)
        return Subject(scope, region, region)
    customer = get_object_or_404(Customer.objects.select_related("region"), code=code)
    return Subject(scope, customer, customer.region)


def _judged(request: HttpRequest, subject: Subject, judged: Judged, now: datetime) -> dict[str, Any]:
    span = judged.month.span(settings.SLA_ZONE)
    start, end = instant(span[0]), instant(span[1])
    figures, judgement = judged.figures, judged.judgement
    over = span[1] <= epoch(now)
    incidents = list(incidents_touching(subject.region, start, end).prefetch_related(None).prefetch_related("outages"))
    times = [times_of(incident) for incident in incidents]
    named = _addresses(judged, incidents)
    state, word = verdict(figures.met, over=True)
    closing = MonthClosing.objects.filter(month=judged.month.first_day).order_by("-revision").first()
    status = status_of(subject.row, judged, now)
    frozen = closed_row(subject.row, judged.month)
    day = _day(request, judged.month)
    return {
        "judged": judged,
        "minutes": subject.minutes(judged.month),
        "figures": figures,
        "over": over,
        "begun": span[0] <= epoch(now),
        "state": state,
        "word": word,
        "status": status_badge(status.status),
        "pending": pending_sentence(status),
        # A closed month shows the figures with which it was closed; those of the record stand beside them.
        "headline": as_closed(frozen) if frozen else as_judged(figures, status),
        "deviating": frozen is not None and not is_as_closed(frozen, figures),
        "availability": None if figures.availability is None else cut(figures.availability),
        "legend": [(kind, kind_name(kind)) for kind in ("up", *KINDS.values())],
        "zone": settings.SLA_TIME_ZONE,
        "rows": month_rows(judgement, judged.days, judged.month, settings.SLA_ZONE),
        "chosen": _chosen_day(request, judged, day, named) if day else None,
        "events": [
            {
                "start": instant(event.start),
                "end": None if event.end >= epoch(now) and figures.provisional else instant(event.end),
                "seconds": event.end - event.start,
                "event": event,
                "anchor": event_anchor(event.start),
                "minutes": subject.minute(judged.month, event.start),
                "incidents": [(reference, named.get(reference, "")) for reference in event.incidents],
            }
            for event in figures.events[:MOST_ROWS]
        ],
        "exclusions": _exclusions(subject, start, end),
        "windows": _windows(subject.region, judged, span),
        "readings": [
            {
                "name": rule_name(reading),
                "sentence": reading and reading_sentence(reading),
                "figures": under,
                "availability": None if under.availability is None else cut(under.availability),
                "code": reading and reading.value,
                "verdict": verdict(under.met, over=True),
                "in_force": reading is figures.rule,
            }
            for reading, under in figures.compared
        ],
        "in_turn": [
            {
                "terms": one.terms,
                "first": day_name(local_date(one.span[0], settings.SLA_ZONE)),
                "rule": reading_name(one.terms.unavailability_reading),
                "minutes": one.unavailable_minutes,
            }
            for one in figures.in_turn
        ],
        "excluded_under": figures.excluded_under,
        "recovery": [_recovery(incident, named) for incident in incidents[:MOST_ROWS]],
        "mean_time_to_acknowledge": mean(map(time_to_acknowledge, times)),
        "mean_time_to_restore": mean(map(time_to_restore, times)),
        "most_rows": MOST_ROWS,
        "more_events": len(figures.events) > MOST_ROWS,
        "more_incidents": len(incidents) > MOST_ROWS,
        "unclassified": [incident for incident in incidents if incident.attributable is None],
        "closing": closing,
        "not_in_service": not_in_service(judged.month),
        "outside_region": isinstance(subject.row, Customer) and _leaves_region(subject.region, judged, span),
        "may_see_reports": request.user.has_perm("reports.view_report"),
        "reports": subject.row.reports.filter(month=judged.month.first_day).defer("statement").order_by("-revision"),
        "contracts": _contracts(subject, judged.month, now),
        "claims": _claims(request, subject, judged.month),
        "log": audit_log(subject.row),
    }


def _leaves_region(region: Region, judged: Judged, span: Span) -> bool:
    """Whether a customer has service days in the month on which the region is not in service."""
    of_region = ServiceDays.of(service_days_of(region, judged.month), settings.SLA_ZONE)
    return bool(difference(clipped(judged.days.spans, span), of_region.spans))


def event_anchor(start: int) -> str:
    """Return the anchor of a failure event that starts at an instant."""
    return f"event-{instant(start):%Y%m%dT%H%M%SZ}"


def _addresses(judged: Judged, incidents: Iterable[Incident]) -> dict[str, str]:
    """Return the address of each incident of the month, by reference."""
    known = {incident.reference: incident.pk for incident in incidents}
    wanted = {reference for event in judged.figures.events for reference in event.incidents} - known.keys()
    known |= dict(Incident.objects.filter(reference__in=wanted).values_list("reference", "pk"))
    return {reference: reverse("admin:incident_page", args=[pk]) for reference, pk in known.items()}


def _exclusions(subject: Subject, start: datetime, end: datetime) -> list[Exclusion]:
    rows = list(exclusions_of_region(subject.region, (epoch(start), epoch(end))))
    if isinstance(subject.row, Customer):
        own = Exclusion.objects.filter(customer=subject.row, starts_at__lt=end, ends_at__gt=start)
        rows += own.select_related("proposed_by", "decided_by", "revoked_by")
    return rows


def _windows(region: Region, judged: Judged, span: Span) -> list[dict[str, Any]]:
    periods = judged.judgement.periods
    return [
        {
            "row": window,
            "lead_hours": (lead := lead_hours(window)),
            "recommended": (recommended := _terms_on(judged, window.starts_at).recommended_notice_hours),
            "short": lead is not None and lead < recommended,
            "covered_minutes": seconds(
                intersection(covered_by_notice(notices_given(window), conduct(window), periods), [span])
            )
            // MINUTE,
        }
        for window in windows_of_region(region, instant(span[0]), instant(span[1]))
    ]


def _terms_on(judged: Judged, at: datetime) -> Terms:
    """Return the terms in force at an instant of the days measured; outside them, those nearest to it."""
    turns = judged.figures.in_turn
    in_force = [one.terms for one in turns if one.span[0] <= epoch(at)]
    return in_force[-1] if in_force else turns[0].terms if turns else judged.figures.terms


def _recovery(incident: Incident, named: dict[str, str]) -> dict[str, Any]:
    """Return the detection, acknowledgement and recovery of an incident (2.2)."""
    times = times_of(incident)
    return {
        "incident": incident,
        "url": named[incident.reference],
        "time_to_acknowledge": length(time_to_acknowledge(times)),
        "time_to_restore": length(time_to_restore(times)),
    }


def _contracts(subject: Subject, month: ServiceMonth, now: datetime) -> list[dict[str, Any]]:
    if not isinstance(subject.row, Customer):
        return []
    found = []
    for contract in (
        contracts_in_force(month.first_day, month.last_day)
        .filter(customer=subject.row)
        .select_related("customer__region")
    ):
        so_far = contract_period_so_far(contract, month, now).figures
        found.append(
            {
                "row": contract,
                "figures": so_far,
                "availability": None if so_far.availability is None else cut(so_far.availability),
            }
        )
    return found


def _claims(request: HttpRequest, subject: Subject, month: ServiceMonth) -> list[tuple[Claim, str]] | None:
    """Return the claims of a customer for a month with their badges, newest first; None for users who may not see claims."""
    if not isinstance(subject.row, Customer) or not request.user.has_perm("claims.view_claim"):
        return None
    claims = Claim.objects.filter(contract__customer=subject.row, month=month.first_day).select_related("contract")
    return [(claim, CLAIM_MARKS[Status(claim.status)]) for claim in claims.order_by("-received_at", "id")[:MOST_ROWS]]


def _day(request: HttpRequest, month: ServiceMonth) -> date | None:
    """Return the requested day, or None if it is not a day of the month."""
    try:
        day = date.fromisoformat(request.GET.get("day", ""))
    except ValueError:
        return None
    return day if month.first_day <= day <= month.last_day else None


def _chosen_day(request: HttpRequest, judged: Judged, day: date, named: dict[str, str]) -> dict[str, Any]:
    span = day_span(day, settings.SLA_ZONE)
    runs = day_runs(judged.judgement, judged.days, span)
    minute = _minute(request, span)
    return {
        "day": day,
        "name": day_name(day),
        "terms": (terms := terms_at(judged.judgement.periods, span[0])),
        "rule": reading_name(terms.unavailability_reading),
        "asked": "" if minute is None else _clock_time(minute)[:5],
        "unknown_minute": "minute" in request.GET and minute is None,
        "minute": None if minute is None else _minute_explained(judged, minute, span, named),
        "runs": [
            {
                "run": run,
                "label": f"{_clock_time(run.start)} – {_clock_time(run.end) if run.end < span[1] else '24:00'}",
                "word": kind_name(run.kind),
                "url": _minute_url(run.start),
            }
            for run in runs
        ],
        "hours": [
            {
                "row": row,
                "label": _clock_time(row.start),
                "url": _minute_url(row.start),
                "minutes": [
                    {"kind": kind, "label": _clock_time(at), "url": _minute_url(at), "chosen": at == minute}
                    for at, kind in row.minutes
                ],
            }
            for row in hour_rows(runs, span)
        ],
    }


def _clock_time(minute: int) -> str:
    """Format a minute in the SLA time zone, with the offset where the clock shows it twice."""
    local = instant(minute).astimezone(settings.SLA_ZONE)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%H:%M}{f'{local:%z}' if twice else ''}"


def _minute_url(minute: int) -> str:
    day = local_date(minute, settings.SLA_ZONE)
    return f"?{urlencode({'day': day.isoformat(), 'minute': _clock_time(minute)})}#day"


def _minute(request: HttpRequest, span: Span) -> int | None:
    """Return the instant of the requested minute, `02:31` in the SLA time zone; `02:31+0100` where the clock shows it twice."""
    text = request.GET.get("minute", "")
    return next(
        (minute for minute in range(*span, MINUTE) if text and _clock_time(minute).startswith(text) and len(text) >= 5),
        None,
    )


def _minute_explained(judged: Judged, minute: int, span: Span, named: dict[str, str]) -> dict[str, Any]:
    reason: Reason = explain(judged.judgement, judged.days, minute)
    keys = [excluded.key for excluded in reason.excluded_times if isinstance(excluded.key, int)]
    rows = Exclusion.objects.filter(pk__in=keys).select_related("incident", "maintenance", "decided_by", "proposed_by")
    addresses = dict(named)
    missing = set(reason.incidents) - addresses.keys()
    for reference, pk in Incident.objects.filter(reference__in=missing).values_list("reference", "pk"):
        addresses[reference] = reverse("admin:incident_page", args=[pk])
    exclusions: dict[object, str] = {
        row.pk: addresses.get(row.incident.reference, "")
        if row.incident
        else reverse("admin:availability_exclusion_change", args=[row.pk])
        for row in rows
    }
    return {
        "at": instant(minute),
        "reason": reason,
        "decision": decision(reason),
        "facts": grounds(reason, Grid.current(), timezone.get_current_timezone(), addresses, exclusions),
        "otherwise": other_counting_rules(reason),
        "exclusions": rows,
        "previous_url": _minute_url(minute - MINUTE) if minute > span[0] else "",
        "next_url": _minute_url(minute + MINUTE) if minute + MINUTE < span[1] else "",
    }
