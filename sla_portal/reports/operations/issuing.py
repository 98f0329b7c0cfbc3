"""Issue the reports of a month: ask for them, put them down, print them. Each row is its own queue."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from sla_portal.agreements.queries import version_in_force
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.availability.operations import close_month, correct_month, month_deviates
from sla_portal.availability.queries import closing_of
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from ..models import Report, ReportRun, Status
from ..queries import RegionRecord, customers_to_report, in_service, without_report
from ..rules import Change, Figures, Statement, canonical, changes, digest, number, shared

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

QUEUED_AT_ONCE = 200
CHUNK = 20
SWEEP_LIMIT = 2000
LEASE = timedelta(minutes=2)
"""Longer than one report takes to print; each is claimed when its turn comes."""
RUN_LEASE = timedelta(minutes=16)
"""Longer than a task may take (CELERY_TASK_TIME_LIMIT)."""
MAX_ATTEMPTS = 3


class MonthNotBegun(Refused):
    """There is nothing to report of a month that has not begun."""


class MonthDeviates(Refused):
    """The record says something else than the closed month: it is corrected first."""


class NotInService(Refused):
    """A customer without a contract in the month gets no report of it."""


# Asking


def request_reports(
    *,
    actor: Actor,
    month: ServiceMonth,
    regions: Collection[Region] = (),
    customers: Collection[Customer] = (),
    missing_only: bool = False,
    reason: str = "",
    now: datetime,
) -> ReportRun:
    """Ask for the reports of `regions` and `customers`, or of all where none is named; a worker puts them down.

    Only those are issued whose figures say something else than their last revision does; they state the `reason`.
    Raises `NotAllowed`, `MonthNotBegun`, `MonthDeviates`, `NotInService` and `NoAgreementInForce`.
    """
    require(actor, "reports.issue_report")
    if month.first_day > local_date(epoch(now), settings.SLA_ZONE):
        raise MonthNotBegun(_("%(month)s has not begun yet.") % {"month": month})
    version_in_force(month.first_day)
    _check_closed_month(month, now)
    unserved = set(customers) - set(customers_to_report(month).filter(pk__in=[one.pk for one in customers]))
    if unserved:
        raise NotInService(
            _("Without a contract in %(month)s: %(customers)s.")
            % {"month": month, "customers": ", ".join(sorted(one.code for one in unserved))}
        )
    with transaction.atomic():
        run = ReportRun.objects.create(
            month=month.first_day,
            missing_only=missing_only,
            reason=reason,
            requested_at=now,
            requested_by=actor.user,
            requested_by_name=actor.name[:200],
        )
        run.regions.set(regions)
        run.customers.set(customers)
        record(
            actor=actor,
            action="requested reports",
            subject=run,
            now=now,
            changes={
                "month": [None, str(month)],
                "regions": [None, sorted(one.code for one in regions)],
                "customers": [None, sorted(one.code for one in customers)],
                "missing_only": [None, missing_only],
            },
            reason=reason,
        )
    return run


def close_and_report(*, actor: Actor, month: ServiceMonth, now: datetime) -> ReportRun:
    """Close a month and ask for all of its reports. Raises what `close_month` and `request_reports` raise."""
    with transaction.atomic():
        close_month(actor=actor, month=month, now=now)
        return request_reports(actor=actor, month=month, now=now)


def correct_and_report(*, actor: Actor, month: ServiceMonth, reason: str, now: datetime) -> ReportRun:
    """Correct a closed month and ask for a further revision of each report that then says something else."""
    with transaction.atomic():
        correct_month(actor=actor, month=month, reason=reason, now=now)
        return request_reports(actor=actor, month=month, reason=reason, now=now)


def request_missing_reports(*, now: datetime) -> ReportRun | None:
    """Ask for those reports of last month that nobody has asked for; None where there is nothing to do."""
    month = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE)).previous
    asked_for = ReportRun.objects.filter(month=month.first_day, made_at__isnull=True, error="")
    if asked_for.exists() or not any(rows.exists() for rows in without_report(month)):
        return None
    try:
        return request_reports(actor=Actor.system("schedule"), month=month, missing_only=True, now=now)
    except Refused as reason:
        log.info("No reports of %s: %s", month, reason)
        return None


def _check_closed_month(month: ServiceMonth, now: datetime) -> None:
    """Asked when reports are wished and again when they are put down: a report of a closed month says what was closed."""
    if closing_of(month) and month_deviates(month=month, now=now):
        raise MonthDeviates(
            _("%(month)s is closed, and the record says something else by now. Correct the month first.")
            % {"month": month}
        )


# Putting down


def waiting_runs(*, now: datetime) -> QuerySet[ReportRun]:
    """Requests that nobody is putting down."""
    return ReportRun.objects.filter(made_at__isnull=True, error="").filter(
        Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    )


def queue_reports(*, run_id: int, now: datetime) -> bool:
    """Put down a report for each of those asked for whose figures have changed, in portions.

    A portion is one transaction with a fixed number of queries. A run that was interrupted is taken up again: what it
    had put down says the same as before and is left. Returns whether the run was there to be taken.
    """
    if not waiting_runs(now=now).filter(pk=run_id).update(leased_until=now + RUN_LEASE):
        return False
    run = ReportRun.objects.get(pk=run_id)
    month = ServiceMonth.of(run.month)
    regions, customers = _requested(run, month)
    unchanged = 0
    try:
        _check_closed_month(month, now)
        for region in Region.objects.filter(Q(pk__in=regions) | Q(pk__in=customers.values("region"))).order_by("code"):
            of_month = RegionRecord(region, month, now)
            if region.pk in regions:
                unchanged += _queue_changed(run, [(region, of_month.of_region())], now)
            ids = list(customers.filter(region=region).order_by("pk").values_list("pk", flat=True))
            for start in range(0, len(ids), QUEUED_AT_ONCE):
                portion = list(Customer.objects.filter(pk__in=ids[start : start + QUEUED_AT_ONCE]).order_by("pk"))
                unchanged += _queue_changed(run, list(zip(portion, of_month.of_customers(portion), strict=True)), now)
    except Refused as reason:
        ReportRun.objects.filter(pk=run.pk).update(leased_until=None, error=str(reason))
        return True
    ReportRun.objects.filter(pk=run.pk).update(leased_until=None, made_at=now, unchanged=unchanged)
    return True


def _requested(run: ReportRun, month: ServiceMonth) -> tuple[set[int], QuerySet[Customer]]:
    """The regions (by their keys) and the customers whose reports a request wants."""
    regions = set(run.regions.values_list("pk", flat=True))
    customers = Customer.objects.filter(pk__in=run.customers.values("pk"))
    if regions or customers.exists():
        return regions, customers
    every_region, every_customer = without_report(month) if run.missing_only else in_service(month)
    return set(every_region.values_list("pk", flat=True)), every_customer


def _queue_changed(run: ReportRun, stated: Sequence[tuple[Region | Customer, Figures]], now: datetime) -> int:
    """Put down those whose figures have changed; return how many have not."""
    customers = [one.pk for one, _figures in stated if isinstance(one, Customer)]
    regions = [one.pk for one, _figures in stated if isinstance(one, Region)]
    of_month = Report.objects.filter(month=run.month).filter(Q(customer__in=customers) | Q(region__in=regions))
    last = {
        (report.region_id, report.customer_id): report for report in of_month.order_by("revision").defer("statement")
    }
    changed = []
    for one, figures in stated:
        key = (one.pk, None) if isinstance(one, Region) else (None, one.pk)
        before = last.get(key)
        if before is None or before.figures_sha256 != digest(figures):
            changed.append((key, figures, before))
    said = dict(
        Report.objects.filter(pk__in=[before.pk for _key, _figures, before in changed if before]).values_list(
            "pk", "statement"
        )
    )
    with transaction.atomic():
        # Two requests at once: the constraint lets each revision through once.
        Report.objects.bulk_create(
            [
                _report(run, key, figures, before, said[before.pk]["figures"] if before else None, now)
                for key, figures, before in changed
            ],
            ignore_conflicts=True,
        )
        # One that says the same but could not be printed is tried again.
        of_month.filter(
            pk__in=[report.pk for report in last.values() if report.status == Status.FAILED],
            status=Status.FAILED,
        ).update(status=Status.QUEUED, attempts=0, error="")
    return len(stated) - len(changed)


def _report(
    run: ReportRun,
    key: tuple[int | None, int | None],
    figures: Figures,
    before: Report | None,
    said_before: Figures | None,
    now: datetime,
) -> Report:
    revision = before.revision + 1 if before else 1
    told: list[Change] = changes(said_before, figures) if said_before else []
    statement: Statement = {
        "figures": figures,
        "issue": {
            "number": number(figures["scope"], figures["month"], figures["region"]["code"], figures["code"]),
            "revision": revision,
            "issued_at": instant_text(now),
            "address": settings.SITE_URL,
            "changes": told,
            "reason": run.reason if told else "",
        },
    }
    return Report(
        run=run,
        month=run.month,
        region_id=key[0],
        customer_id=key[1],
        number=statement["issue"]["number"],
        revision=revision,
        supersedes=before,
        language=figures["language"],
        issued_at=now,
        statement=statement,
        figures_sha256=digest(figures),
        shared_sha256=sha256(canonical(shared(statement))).hexdigest(),
    )


# Printing


def release_expired_leases(*, now: datetime) -> None:
    """Take reports out of hands that have not moved for a lease: into the queue, or given up after some attempts."""
    lapsed = Report.objects.filter(status=Status.RENDERING, leased_until__lt=now)
    free = {"lease": None, "leased_until": None}
    lapsed.filter(attempts__gte=MAX_ATTEMPTS).update(
        status=Status.FAILED, error=_("The worker ended each time while printing this report."), **free
    )
    lapsed.filter(attempts__lt=MAX_ATTEMPTS).update(status=Status.QUEUED, **free)


def due_chunks() -> list[list[int]]:
    """The keys of reports that wait, in portions; those that share pages stand together."""
    waiting = Report.objects.filter(status=Status.QUEUED).order_by("shared_sha256", "pk")
    ids = list(waiting.values_list("pk", flat=True)[:SWEEP_LIMIT])
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]


def render_chunk(*, ids: Sequence[int], clock: Clock) -> int:
    """Print those of `ids` that wait, each claimed by one conditional UPDATE; return how many were printed."""
    return sum(_render(pk, clock) for pk in ids)


def _render(pk: int, clock: Clock) -> bool:
    # Only a process that prints needs WeasyPrint and its libraries.
    from ..pdf import render

    lease, now = uuid.uuid4(), clock()
    mine = Report.objects.filter(pk=pk, lease=lease)
    if not Report.objects.filter(pk=pk, status=Status.QUEUED).update(
        status=Status.RENDERING, lease=lease, leased_until=now + LEASE, attempts=F("attempts") + 1
    ):
        return False
    report = mine.get()
    free = {"lease": None, "leased_until": None}
    try:
        pdf = render(report.statement)
        name = _store(report, pdf)
    except Exception as error:
        # Whatever is wrong with one report, the others are printed.
        log.exception("Report %s could not be printed", report)
        given_up = report.attempts >= MAX_ATTEMPTS
        mine.update(
            status=Status.FAILED if given_up else Status.QUEUED, error=f"{type(error).__name__}: {error}", **free
        )
        return False
    return bool(
        mine.update(
            status=Status.READY,
            file=name,
            file_sha256=sha256(pdf).hexdigest(),
            size=len(pdf),
            rendered_at=clock(),
            error="",
            **free,
        )
    )


def _store(report: Report, pdf: bytes) -> str:
    """Store the file under the report's own name, over what an interrupted worker may have left there."""
    storage, name = report.file.storage, report.file.field.generate_filename(report, "")
    if storage.exists(name):
        storage.delete(name)
    return str(storage.save(name, ContentFile(pdf)))
