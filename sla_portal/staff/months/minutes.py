"""The minutes behind a figure: which count, which do not, and the records and people that each rests on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from incidents.models import Incident, Outage
from sla_portal.agreements.models import Contract
from sla_portal.agreements.queries import contracts_in_force, version_in_force
from sla_portal.agreements.rules import Reading, Terms
from sla_portal.audit.models import Entry
from sla_portal.audit.queries import entries_about
from sla_portal.availability.models import Exclusion, Status
from sla_portal.availability.queries import (
    Decisions,
    Judged,
    closed_row,
    contract_period_so_far,
    customer_month,
    is_as_closed,
    region_month,
    status_of,
    undecided_exclusions,
)
from sla_portal.availability.rules import MinuteRun, Why, cut, minute_runs, minute_sums
from sla_portal.availability.words import pending_sentence, status_badge
from sla_portal.clocks import format_length, month_name
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import MINUTE, clipped, instant, touching
from sla_portal.kernel.months import ServiceDays, ServiceMonth
from sla_portal.minutes import (
    GROUPS,
    KINDS,
    anchor,
    clock_minute,
    cut_runs,
    has,
    minute_at,
    rule_name,
    sum_lines,
    turned_to,
    why_clause,
    why_name,
)

from ..addresses import outages_of, terms_of
from ..common import page, require_right
from ..words import reading_sentence, verdict
from .month import RIGHTS, Subject, event_anchor, subject_of

SHOWN = 100
"""Runs on a page."""
LOGGING = ("logged", "added an outage to", "loaded from a history file")
"""Verbs of the audit log that say who put an outage on record."""


@require_safe
def minutes(request: HttpRequest, month: str, scope: str, code: str) -> HttpResponse:
    """List the minutes of a figure as runs.

    `?rule=any` judges by one counting rule, `&contract=K-1` the contract period to date, `&if=12` as if an exclusion
    were decided otherwise (`all`: as if every undecided one were confirmed), `&outages=…` and `&terms=…` a preview
    (`staff.addresses`), `&version=1.1` the days on which that version was in force; `&only=counted` and `&page=2` choose
    runs, and `&at=2026-09-10T02:31` the one with a minute.
    """
    if scope not in RIGHTS:
        raise Http404
    require_right(request, RIGHTS[scope])
    try:
        asked = ServiceMonth.parse(month)
        reading = Reading(request.GET["rule"]) if request.GET.get("rule") else None
    except ValueError as error:
        raise Http404(str(error)) from None
    now = timezone.now()
    subject = subject_of(scope, code)
    context: dict[str, Any] = {
        "title": _("Minutes"),
        "subject": subject,
        "month": asked,
        "subtitle": month_name(asked),
        "zone": settings.SLA_TIME_ZONE,
    }
    try:
        contract = _contract(request, subject, asked)
        decided = _decided(request, subject, asked)
        outages, terms = _preview(request, subject, asked)
        judged = _judge(subject, asked, now, contract, decided, outages, terms)
    except Refused as refused:
        return page(request, "staff/months/minutes.html", {**context, "refused": str(refused)})
    context |= {
        "contract": contract,
        "decided": decided,
        "as_if_all": request.GET.get("if") == "all",
        "outages": outages,
        "terms": terms,
    }
    if not (contract or decided or outages or terms):
        status = status_of(subject.row, judged, now)
        frozen = closed_row(subject.row, asked)
        context |= {
            "status": status_badge(status.status),
            "pending": pending_sentence(status),
            "deviating": frozen is not None and not is_as_closed(frozen, judged.figures),
            "reports": subject.row.reports.filter(month=asked.first_day, status="ready")
            .defer("statement")
            .order_by("-revision")[:1]
            if request.user.has_perm("reports.view_report")
            else (),
        }
    return page(request, "staff/months/minutes.html", context | _shown(request, subject, judged, reading))


def _contract(request: HttpRequest, subject: Subject, month: ServiceMonth) -> Contract | None:
    """Return the contract whose period to date is asked for."""
    reference = request.GET.get("contract", "")
    if not reference:
        return None
    if not isinstance(subject.row, Customer) or "\0" in reference:
        raise Http404
    found = contracts_in_force(month.first_day, month.last_day).filter(customer=subject.row, reference=reference)
    return get_object_or_404(found.select_related("customer__region"))


def _decided(request: HttpRequest, subject: Subject, month: ServiceMonth) -> list[Exclusion]:
    """Return the exclusions that are to be taken as decided otherwise."""
    asked = request.GET.get("if", "")
    if not asked:
        return []
    undecided = undecided_exclusions(subject.row, month)
    if asked == "all":
        return list(undecided)
    if not asked.isdecimal() or len(asked) > 18:
        raise Http404
    exclusions = Exclusion.objects.filter(status__in=[Status.PROPOSED, Status.CONFIRMED])
    found = get_object_or_404(exclusions.select_related("incident", "customer"), pk=int(asked))
    if found.customer and found.customer != subject.row:
        raise Http404
    return [found]


def _preview(
    request: HttpRequest, subject: Subject, month: ServiceMonth
) -> tuple[Mapping[int, Outage | None], Terms | None]:
    """Return the outages as they would be, and the terms as if they had always been in force; answer 404 if unreadable."""
    outages, terms = request.GET.get("outages", ""), request.GET.get("terms", "")
    if terms and not isinstance(subject.row, Region):
        raise Http404
    try:
        return (
            outages_of(outages) if outages else {},
            terms_of(terms, version_in_force(month.first_day).terms) if terms else None,
        )
    except ValueError as error:
        raise Http404(str(error)) from None


def _judge(
    subject: Subject,
    month: ServiceMonth,
    now: datetime,
    contract: Contract | None,
    decided: Iterable[Exclusion],
    outages: Mapping[int, Outage | None],
    terms: Terms | None,
) -> Judged:
    if contract:
        return contract_period_so_far(contract, month, now)
    decisions: Decisions = {
        "as_if_confirmed": [one for one in decided if one.status == Status.PROPOSED],
        "as_if_revoked": [one for one in decided if one.status == Status.CONFIRMED],
        "as_if_outages": outages,
    }
    if isinstance(subject.row, Region):
        return region_month(subject.row, month, now, terms=terms, **decisions)
    return customer_month(subject.row, month, now, **decisions)


def _shown(request: HttpRequest, subject: Subject, judged: Judged, reading: Reading | None) -> dict[str, Any]:
    judgement, figures = judged.judgement, judged.figures
    days = judged.days
    runs = minute_runs(judgement, judgement.under[reading] if reading else judgement.in_force, days)
    under = figures.under[reading] if reading else figures.in_force
    version = request.GET.get("version", "")
    if version:
        part = next((one.span for one in figures.in_turn if one.terms.version == version), None)
        if part is None:
            raise Http404
        days = ServiceDays(days.count, tuple(clipped(days.spans, part)))
        runs = cut_runs(runs, part)
    sums = minute_sums(judgement, days, runs)
    only, asked = request.GET.get("only", ""), request.GET.get("at", "")
    minute = minute_at(asked) if asked else None
    listed = [run for run in runs if only not in GROUPS or run.why in GROUPS[only]]
    chosen, number, pages = turned_to(listed, minute, request.GET.get("page", ""), SHOWN)
    records = _Records(request, chosen)
    kept = {
        name: value
        for name in ("rule", "contract", "if", "outages", "terms", "version")
        if (value := request.GET.get(name))
    }
    return {
        "figures": figures,
        "under": under,
        "availability": None if under.availability is None else cut(under.availability),
        "verdict": verdict(under.met, over=True),
        "reading_sentence": reading_sentence(reading) if reading else "",
        "rule": rule_name(reading or figures.rule),
        "sums": sum_lines(sums),
        "version": version,
        "clock_minutes": sums.all if sums.all != figures.total_minutes else None,
        "kept": kept,
        "groups": [
            ("", _("all")),
            ("counted", _("unavailable")),
            ("excluded", _("excluded")),
            ("other", _("not counted")),
        ],
        "only": only if only in GROUPS else "",
        "asked": asked,
        "unknown_minute": bool(asked) and minute is None,
        "minute": minute is not None and instant(minute),
        "no_outage": minute is not None and not has(runs, minute),
        "outside": minute is not None and not touching(days.spans, (minute, minute + MINUTE)),
        "runs": [records.line(run, subject, minute is not None and run.start <= minute < run.end) for run in chosen],
        "count": len(runs),
        "page": number,
        "pages": pages,
        "before": number - 1,
        "after": number + 1,
    }


class _Records:
    """The records on which some runs rest, read in a fixed number of queries."""

    def __init__(self, request: HttpRequest, runs: Sequence[MinuteRun]) -> None:
        outages = {one.key for run in runs for one in run.outages}
        exclusions = {one.key for run in runs for one in run.excluded_times if one.key is not None}
        self.outages = {
            row.pk: row
            for row in Outage.objects.filter(pk__in=outages)
            .select_related("incident", "region")
            .prefetch_related("functions", "clients")
        }
        self.exclusions = {
            row.pk: row
            for row in Exclusion.objects.filter(pk__in=exclusions)
            .select_related("incident", "customer", "maintenance", "proposed_by", "decided_by")
            .prefetch_related("files", "maintenance__notices__notice")
        }
        self.may_see_log = request.user.has_perm("audit.view_entry")
        self.logged: dict[str, list[Entry]] = defaultdict(list)
        for entry in entries_about(*{row.incident for row in self.outages.values()}).filter(action__in=LOGGING):
            self.logged[entry.subject_id].insert(0, entry)

    def line(self, run: MinuteRun, subject: Subject, is_chosen: bool) -> dict[str, Any]:
        outages = [self.outages[one.key] for one in run.outages if one.key in self.outages]
        incidents: dict[int, Incident] = {row.incident_id: row.incident for row in outages}
        excluding = dict.fromkeys(one.key for one in run.excluded_times)
        day = clock_minute(run.start).partition("T")
        return {
            "anchor": anchor(run.start),
            "chosen": is_chosen,
            "start": instant(run.start),
            "end": instant(run.end),
            "minutes": run.minutes,
            "kind": KINDS[run.why],
            "word": why_name(run.why),
            "clause": why_clause(run),
            "explained": f"{subject.address(ServiceMonth.of(instant(run.start).astimezone(settings.SLA_ZONE).date()))}"
            f"?day={day[0]}&minute={day[2].replace('+', '%2B')}#day",
            "outages": outages,
            "events": [
                {
                    "start": instant(start),
                    "length": format_length(end - start),
                    "anchor": event_anchor(start),
                }
                for start, end in run.stretches
                if end - start > MINUTE
            ],
            "exclusions": [self.exclusions[key] for key in excluding if key in self.exclusions],
            "suspended": run.why is Why.SUSPENDED,
            "logged": [
                {"incident": incident, "entries": self.logged[str(pk)] if self.may_see_log else ()}
                for pk, incident in incidents.items()
            ],
        }
