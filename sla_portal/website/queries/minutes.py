"""The minutes behind the figures of closed months: of a region for everyone, of a customer for who holds a link or a paper."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from hmac import compare_digest
from typing import Any

from sla_portal.agreements.queries import published_versions
from sla_portal.agreements.rules import Reading
from sla_portal.availability.models import CustomerMonth, Exclusion, RegionMonth
from sla_portal.availability.queries import Judged, closing_of, customer_month, is_as_closed, region_month
from sla_portal.availability.rules import MinuteRun, Why, cut, minute_runs, minute_sums
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.instants import parse_instant
from sla_portal.kernel.intervals import MINUTE, instant
from sla_portal.kernel.months import ServiceMonth
from sla_portal.minutes import why_clause
from sla_portal.operator.queries import staged_at
from sla_portal.reports.minutes import StatedRun, stated_runs
from sla_portal.reports.models import Report

from ..rules import WITHOUT_OUTAGE, Announcement, PublicExclusion, PublicMinutes, PublicRun, RegionMinutes
from .months import closed_month_of
from .shared import named

LEAST_OF_PROOF = 16
"""As long as a check code; as many digits of a hash cannot be guessed."""


def closing_revision(month: ServiceMonth) -> int:
    """Return the newest revision of a month's closing; 0 where it is not closed."""
    closing = closing_of(month)
    return closing.revision if closing else 0


def region_minutes(code: str, month: ServiceMonth, reading: Reading | None) -> RegionMinutes | None:
    """Return the minutes of a month of a region by the counting rules in force, or by one; None: there is no such region."""
    region = Region.objects.filter(code=code).first()
    if region is None:
        return None
    closing = closing_of(month)
    row = RegionMonth.objects.filter(region=region, month=month.first_day).select_related("agreement_version").first()
    if row is None or closing is None:
        return RegionMinutes(named(region), month)
    judged = region_month(region, month, closing.closed_at)
    if is_as_closed(row, judged.figures):
        minutes: PublicMinutes | None = _as_judged(judged, reading)
    else:
        minutes = None if reading else _as_reported(Report.objects.filter(region=region, month=row.month), row)
    return RegionMinutes(named(region), month, closed_month_of(row, closing, published_versions()), minutes)


def minutes_of_customer(customer: Customer, month: ServiceMonth) -> PublicMinutes | None:
    """Return the minutes of a closed month of a customer, its own exclusions included; None where nothing states them."""
    row = CustomerMonth.objects.filter(customer=customer, month=month.first_day).first()
    closing = closing_of(month)
    if row is None or closing is None:
        return None
    judged = customer_month(customer, month, closing.closed_at)
    if is_as_closed(row, judged.figures):
        return _as_judged(judged, None)
    return _as_reported(Report.objects.filter(customer=customer, month=row.month), row)


def minutes_of_report(number: str, proof: str) -> tuple[Report, PublicMinutes] | None:
    """Return the report of a number with the minutes that it states.

    `proof` that its paper was seen is its check code, or the SHA-256 of its figures, at least the first digits.
    """
    given = re.sub(r"[\s-]", "", proof).lower()
    if len(given) < LEAST_OF_PROOF or not given.isascii() or "\0" in number:
        return None
    # A staging copy answers for none of the original's papers.
    issued = {"issued_at__gte": copied_at} if (copied_at := staged_at()) else {}
    for report in Report.objects.filter(number=number.strip().upper(), **issued).order_by("-revision"):
        code = report.statement["issue"].get("check_code", "").replace("-", "")
        if compare_digest(report.figures_sha256[: len(given)], given) or compare_digest(code, given):
            return report, _as_stated(report.statement["figures"])
    return None


def _as_judged(judged: Judged, reading: Reading | None) -> PublicMinutes:
    judgement, figures = judged.judgement, judged.figures
    runs = minute_runs(judgement, judgement.under[reading] if reading else judgement.in_force, judged.days)
    sums = minute_sums(judgement, judged.days, runs)
    under = figures.under[reading] if reading else figures.in_force
    known = _exclusions(one.key for run in runs for one in run.excluded_times)
    return PublicMinutes(
        runs=tuple(_run(run, known) for run in runs),
        total_minutes=figures.total_minutes,
        unavailable_minutes=under.unavailable_minutes,
        excluded_minutes=under.excluded_minutes,
        availability=None if under.availability is None else cut(under.availability),
        met=under.met,
        days=tuple(judged.days.spans),
        sums=(*((why.value, count) for why, count in sums.with_outage.items()), (WITHOUT_OUTAGE, sums.without_outage)),
    )


def _run(run: MinuteRun, known: Mapping[object, PublicExclusion]) -> PublicRun:
    suspended = [PublicExclusion("4.7", own=True)] if run.why is Why.SUSPENDED else []
    keys = dict.fromkeys(one.key for one in run.excluded_times)
    return PublicRun(
        start=run.start,
        end=run.end,
        state=run.why.value,
        clause=why_clause(run),
        incidents=tuple(sorted({outage.incident for outage in run.outages})),
        events=tuple((instant(start), instant(end)) for start, end in run.stretches if end - start > MINUTE),
        exclusions=(*suspended, *(known[key] for key in keys if key in known)),
    )


def _exclusions(keys: Iterable[object]) -> dict[object, PublicExclusion]:
    rows = Exclusion.objects.filter(pk__in={key for key in keys if key is not None}).prefetch_related(
        "files", "maintenance__notices__notice"
    )
    return {row.pk: _exclusion(row) for row in rows.select_related("maintenance")}


def _exclusion(row: Exclusion) -> PublicExclusion:
    window = row.maintenance
    return PublicExclusion(
        clause=row.clause,
        own=row.customer_id is not None,
        evidence=tuple(file.sha256 for file in row.files.all()),
        window=window.reference if window else "",
        notices=tuple(
            Announcement(
                sent.sent_at,
                sent.starts_at,
                sent.ends_at,
                sent.notice.number if sent.notice and sent.notice.public else "",
            )
            for sent in (window.notices.all() if window else ())
        ),
    )


def _as_reported(reports: Any, row: RegionMonth | CustomerMonth) -> PublicMinutes | None:
    """Return what the newest report with the closed figures states."""
    for report in reports.order_by("-revision"):
        said = report.statement["figures"]
        if (said["unavailable_minutes"], said["excluded_minutes"]) == (row.unavailable_minutes, row.excluded_minutes):
            return _as_stated(said)
    return None


def _as_stated(figures: Mapping[str, Any]) -> PublicMinutes:
    return PublicMinutes(
        runs=tuple(_stated(run) for run in stated_runs(figures)),
        total_minutes=figures["total_minutes"],
        unavailable_minutes=figures["unavailable_minutes"],
        excluded_minutes=figures["excluded_minutes"],
        availability=figures["availability"],
        met=figures["met"],
        as_reported=True,
    )


def _stated(run: StatedRun) -> PublicRun:
    exclusions = [
        PublicExclusion(
            one["clause"],
            own=one["customer_only"],
            evidence=tuple(file["sha256"] for file in one.get("evidence", ())),
            window=one["maintenance"] or "",
        )
        for one in run.exclusions
    ]
    exclusions += [PublicExclusion("4.7", own=True)] if run.suspended else []
    return PublicRun(
        start=run.start,
        end=run.end,
        state=run.kind,
        clause="1.4" if run.kind == Why.COUNTED.value else exclusions[0].clause if exclusions else "4",
        incidents=tuple(sorted({incident["reference"] for event in run.events for incident in event["incidents"]})),
        events=tuple(
            (parse_instant(event["started_at"]), parse_instant(event["ended_at"]))
            for event in run.events
            if event["ended_at"]
        ),
        exclusions=tuple(exclusions),
    )
