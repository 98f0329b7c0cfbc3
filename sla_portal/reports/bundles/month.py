"""The evidence of a service month: record, judgement, closing, reports, deviations."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.template.loader import render_to_string

from incidents.models import Incident, Outage
from maintenance.models import MaintenanceNotice, MaintenanceWindow
from sla_portal.availability.models import (
    ClosingRequest,
    CustomerMonth,
    Deviation,
    Evidence,
    Exclusion,
    MonthClosing,
    RegionMonth,
)
from sla_portal.availability.queries import closing_of, records_of, regions_in_service
from sla_portal.kernel.months import ServiceMonth

from ..models import Bundle, Report
from ..models import Status as FileStatus
from ..queries import RegionRecord, file_of
from .archive import CHUNK, Archive, instant, safe
from .claim import EXCLUSION_COLUMNS, exclusion_row, with_people
from .log import about_each, add_audit_log

INCIDENT_COLUMNS = (
    "incident", "title", "detection_source", "detected_at", "acknowledged_at", "resolved_at", "attributable",
)  # fmt: skip
OUTAGE_COLUMNS = ("incident", "region", "functions", "clients", "started_at", "ended_at")
EVIDENCE_COLUMNS = ("exclusion", "name", "size", "sha256", "added_at", "added_by")
WINDOW_COLUMNS = (
    "window", "title", "regions", "functions", "clients", "starts_at", "ends_at", "started_at", "completed_at",
    "cancelled_at", "not_carried_out_at",
)  # fmt: skip
NOTICE_COLUMNS = ("window", "sent_at", "announced_from", "announced_until", "notice", "notice_sha256")
MONTH_COLUMNS = (
    "code", "agreement_version", "service_days", "total_minutes", "unavailable_minutes", "excluded_minutes",
    "unavailable_all", "unavailable_function", "unavailable_any", "reading", "met", "reading_sensitive", "provisional",
    "judged_at",
)  # fmt: skip
CLOSING_COLUMNS = ("revision", "closed_at", "closed_by", "requested_by", "by_one_person", "reason")
REQUEST_COLUMNS = (
    "revision", "reason", "figures_sha256", "requested_at", "requested_by", "status", "decided_at", "decided_by",
    "decision_reason",
)  # fmt: skip
REPORT_COLUMNS = (
    "number", "revision", "language", "issued_at", "status", "figures_sha256", "file_sha256", "size", "file",
)  # fmt: skip


def write_month(archive: Archive, bundle: Bundle, now: datetime) -> str:
    """Add the evidence of a service month to `archive`, as of `now`; return the README.

    Of customers it holds the figures, and the hashes of their reports; the files are those of the regions.
    """
    if bundle.month is None:
        raise ValueError("This bundle is of no month.")
    month = ServiceMonth.of(bundle.month)
    records = records_of(month)
    _add_record(archive, records)
    for region in regions_in_service(month):
        archive.add_json(f"judgement/{safe(region.code)}.json", RegionRecord(region, month, now).of_region())
    regions = RegionMonth.objects.filter(month=bundle.month).order_by("region__code")
    customers = CustomerMonth.objects.filter(month=bundle.month).order_by("customer__code")
    archive.add_table("regions.csv", MONTH_COLUMNS, _months(regions, "region__code"))
    archive.add_table("customers.csv", MONTH_COLUMNS, _months(customers, "customer__code"))
    closings = MonthClosing.objects.filter(month=bundle.month).order_by("revision")
    archive.add_table("closings.csv", CLOSING_COLUMNS, closings.values_list(
        "revision", "closed_at", "closed_by_name", "requested_by_name", "one_person", "reason"
    ))  # fmt: skip
    requests = ClosingRequest.objects.filter(month=bundle.month).order_by("pk")
    archive.add_table("closing_requests.csv", REQUEST_COLUMNS, requests.values_list(
        "revision", "reason", "digest", "requested_at", "requested_by_name", "status", "decided_at",
        "decided_by__username", "decision_reason",
    ))  # fmt: skip
    deviations = Deviation.objects.filter(month=bundle.month).values_list("month", "noticed_at")
    archive.add_table("deviations.csv", ("month", "noticed_at"), deviations)
    reports = Report.objects.filter(month=bundle.month).defer("statement").order_by("number", "revision")
    archive.add_table("reports.csv", REPORT_COLUMNS, map(_report_row, reports.iterator(chunk_size=CHUNK)))
    of_regions = reports.filter(region__isnull=False, status=FileStatus.READY)
    for report in of_regions.iterator(chunk_size=CHUNK):
        archive.add(_path(report), file_of(report))
    add_audit_log(archive, about_each(records))
    closing = closing_of(month)
    return render_to_string(
        "reports/bundle/readme_month.txt",
        {
            "address": settings.SITE_URL,
            "zone": settings.SLA_TIME_ZONE,
            "now": instant(now),
            "month": month,
            "closing": closing,
            "closed_at": instant(closing.closed_at) if closing else "",
            "deviates": deviations.exists(),
            "reports": reports.count(),
            "files": of_regions.count(),
        },
    )


def _add_record(archive: Archive, records: list[Any]) -> None:
    """Add what the figures rest on, as it is recorded."""
    incidents = [one.pk for one in records if isinstance(one, Incident)]
    exclusions = [one.pk for one in records if isinstance(one, Exclusion)]
    windows = [one.pk for one in records if isinstance(one, MaintenanceWindow)]
    archive.add_table("incidents.csv", INCIDENT_COLUMNS, Incident.objects.filter(pk__in=incidents).order_by("pk").values_list(
        "reference", "title", "source", "detected_at", "acknowledged_at", "resolved_at", "attributable"
    ))  # fmt: skip
    archive.add_table("outages.csv", OUTAGE_COLUMNS, _outages(Outage.objects.filter(incident__in=incidents)))
    found = with_people(Exclusion.objects.filter(pk__in=exclusions)).order_by("pk")
    archive.add_table("exclusions.csv", EXCLUSION_COLUMNS, map(exclusion_row, found))
    evidence = Evidence.objects.filter(exclusion__in=exclusions).order_by("pk")
    archive.add_table("evidence.csv", EVIDENCE_COLUMNS, evidence.values_list(
        "exclusion", "name", "size", "sha256", "added_at", "added_by_name"
    ))  # fmt: skip
    archive.add_table("windows.csv", WINDOW_COLUMNS, _windows(MaintenanceWindow.objects.filter(pk__in=windows)))
    notices = MaintenanceNotice.objects.filter(window__in=windows).order_by("pk")
    archive.add_table("window_notices.csv", NOTICE_COLUMNS, notices.values_list(
        "window__reference", "sent_at", "starts_at", "ends_at", "notice__number", "notice__sha256"
    ))  # fmt: skip


def _codes(rows: Any) -> str:
    return ", ".join(sorted(row.code for row in rows.all()))


def _outages(outages: QuerySet[Outage]) -> Iterator[tuple[Any, ...]]:
    found = outages.select_related("incident", "region").prefetch_related("functions", "clients").order_by("pk")
    for row in found.iterator(chunk_size=CHUNK):
        scope = row.region.code, _codes(row.functions), _codes(row.clients)
        yield row.incident.reference, *scope, row.started_at, row.ended_at


def _windows(windows: QuerySet[MaintenanceWindow]) -> Iterator[tuple[Any, ...]]:
    for row in windows.prefetch_related("regions", "functions", "clients").order_by("pk").iterator(chunk_size=CHUNK):
        yield (
            row.reference,
            row.title,
            _codes(row.regions),
            _codes(row.functions),
            _codes(row.clients),
            row.starts_at,
            row.ends_at,
            row.started_at,
            row.completed_at,
            row.cancelled_at,
            row.not_carried_out_at,
        )


def _months(rows: QuerySet[Any], code: str) -> Iterator[tuple[Any, ...]]:
    columns = (code, "agreement_version__version", *MONTH_COLUMNS[2:])
    yield from rows.values_list(*columns).iterator(chunk_size=CHUNK)


def _report_row(report: Report) -> tuple[Any, ...]:
    return (
        report.number,
        report.revision,
        report.language,
        report.issued_at,
        report.status,
        report.figures_sha256,
        report.file_sha256,
        report.size,
        _path(report) if report.region_id and report.status == FileStatus.READY else "",
    )


def _path(report: Report) -> str:
    return f"reports/{safe(report.file_name)}"
