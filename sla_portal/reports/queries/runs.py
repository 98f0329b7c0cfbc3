"""Which reports are due and exist, the progress of a request for reports, and their files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from django.contrib.auth.models import User
from django.db.models import Count, Max, QuerySet
from django.utils.translation import gettext as _

from sla_portal.agreements.queries import contracts_in_force
from sla_portal.audit.models import Kind
from sla_portal.audit.queries import seal_of
from sla_portal.availability.queries import regions_in_service
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth

from ..models import Report, ReportRun, Status


def customers_to_report(month: ServiceMonth) -> QuerySet[Customer]:
    """Return the customers with a contract in force on some day of the month."""
    return Customer.objects.filter(contracts__in=contracts_in_force(month.first_day, month.last_day)).distinct()


def in_service(month: ServiceMonth) -> tuple[QuerySet[Region], QuerySet[Customer]]:
    """Return the regions in service and the customers with a contract in the month."""
    return regions_in_service(month), customers_to_report(month)


def without_report(month: ServiceMonth) -> tuple[QuerySet[Region], QuerySet[Customer]]:
    """Return those in service for whose month no report is queued or issued yet."""
    issued = Report.objects.filter(month=month.first_day)
    regions, customers = in_service(month)
    return (
        regions.exclude(pk__in=issued.filter(region__isnull=False).values("region")),
        customers.exclude(pk__in=issued.filter(customer__isnull=False).values("customer")),
    )


def readable_by(user: User) -> QuerySet[Report]:
    """Return the reports that a user may open; customers' reports need the permission to view customer months."""
    reports = Report.objects.defer("statement")
    return reports if user.has_perm("availability.view_customermonth") else reports.filter(customer__isnull=True)


@dataclass(frozen=True)
class Progress:
    """The progress of a report request. It is `over` when all reports are queued and each is ready or failed."""

    all_queued: bool
    ready: int
    failed: int
    waiting: int
    expected_end: datetime | None
    """Estimated completion at the present rate; None without a rate."""

    @property
    def total(self) -> int:
        return self.ready + self.failed + self.waiting

    @property
    def over(self) -> bool:
        return self.all_queued and not self.waiting


def progress(run: ReportRun, now: datetime) -> Progress:
    """Count the reports of a request by status."""
    counts = dict(run.reports.order_by().values_list("status").annotate(Count("pk")))
    waiting = counts.get(Status.QUEUED, 0) + counts.get(Status.RENDERING, 0)
    ready = counts.get(Status.READY, 0)
    newest = run.reports.aggregate(newest=Max("rendered_at"))["newest"]
    expected_end = None
    if waiting and newest:
        per_report = max(newest - run.requested_at, timedelta(seconds=1)) / ready
        expected_end = now + per_report * waiting
    return Progress(run.made_at is not None, ready, counts.get(Status.FAILED, 0), waiting, expected_end)


class FileDamaged(Refused):
    """The file of a report is missing, or its SHA-256 differs from the recorded one."""


def file_of(report: Report) -> bytes:
    """Read the PDF of a ready report, with the seal that follows it once it is sealed.

    Raises `FileDamaged` where the SHA-256 of what was printed is not the recorded one.
    """
    try:
        with report.file.open("rb") as stored:
            content: bytes = stored.read()
    except (OSError, ValueError):
        content = b""
    if sha256(content).hexdigest() != report.file_sha256:
        raise FileDamaged(
            _("The file of report %(number)s is missing or damaged, so it cannot be downloaded. Tell an administrator.")
            % {"number": report}
        )
    return content + (seal_of(Kind.REPORT, report.about, report.revision) or b"")
