"""Issue the reports of a month: request, queue and render them. The rows are the queue."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from django.conf import settings
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import new_check_code, present_seal, register
from sla_portal.audit.models import Kind
from sla_portal.audit.operations import record, require
from sla_portal.availability.models import ClosingRequest, MonthClosing
from sla_portal.availability.operations import (
    MonthNotInService,
    close_month,
    confirm_request,
    correct_month,
    month_deviates,
)
from sla_portal.availability.queries import closing_of, not_in_service, regions_in_service
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.operator.queries import logo_file, operator_in_force, present_mark, rehearsal_number
from sla_portal.operator.rules import Mark, Operator

from ..models import Report, ReportRun, Status
from ..queries import RegionRecord, customers_to_report, in_service, stated_contracts, without_report
from ..rules import (
    Change,
    Figures,
    Parties,
    StatedContract,
    Statement,
    canonical,
    changes,
    digest,
    number,
    shared,
    without_status,
)

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]

QUEUED_AT_ONCE = 200
CHUNK = 20
SWEEP_LIMIT = 2000
LEASE = timedelta(minutes=2)
"""Longer than one report takes to render; each is leased when its turn comes."""
RUN_LEASE = timedelta(minutes=16)
"""Longer than a task may take (CELERY_TASK_TIME_LIMIT)."""
MAX_ATTEMPTS = 3


class MonthNotBegun(Refused):
    """The month has not begun."""


class MonthDeviates(Refused):
    """The closed month disagrees with the record and has to be corrected first."""


class NotInService(Refused):
    """The customer has no contract in the month, or the region no service day."""


# Request


def check_month(month: ServiceMonth, now: datetime) -> None:
    """Raise `MonthNotBegun` or `MonthNotInService` where there is nothing to report of a month."""
    if month.first_day > local_date(epoch(now), settings.SLA_ZONE):
        raise MonthNotBegun(_("%(month)s has not begun yet, so there is nothing to report.") % {"month": month})
    if sentence := not_in_service(month):
        raise MonthNotInService(sentence)


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
    """Request the reports of `regions` and `customers`, or of all where none is given; a worker queues them.

    Reports are issued only where the figures differ from the last revision; these state the `reason`.
    Raises `NotAllowed`, `MonthNotBegun`, `MonthNotInService`, `MonthDeviates` and `NotInService`.
    """
    require(actor, "reports.issue_report")
    check_month(month, now)
    _check_closed_month(month, now)
    unserved = set(customers) - set(customers_to_report(month).filter(pk__in=[one.pk for one in customers]))
    if unserved:
        raise NotInService(
            _("These customers have no contract in %(month)s: %(customers)s.")
            % {"month": month, "customers": ", ".join(sorted(one.code for one in unserved))}
        )
    closed_regions = set(regions) - set(regions_in_service(month))
    if closed_regions:
        raise NotInService(
            _("These regions are not in service in %(month)s: %(regions)s.")
            % {"month": month, "regions": ", ".join(sorted(one.code for one in closed_regions))}
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
    """Close a month and request all of its reports. Raises what `close_month` and `request_reports` raise."""
    with transaction.atomic():
        close_month(actor=actor, month=month, now=now)
        return request_reports(actor=actor, month=month, now=now)


def correct_and_report(*, actor: Actor, month: ServiceMonth, reason: str, now: datetime) -> ReportRun:
    """Correct a closed month and request a new revision of each report whose figures change."""
    with transaction.atomic():
        correct_month(actor=actor, month=month, reason=reason, now=now)
        return request_reports(actor=actor, month=month, reason=reason, now=now)


def confirm_and_report(*, actor: Actor, request: ClosingRequest, now: datetime) -> ReportRun:
    """Close or correct a month as another person requested it, and request the reports that follow from it."""
    with transaction.atomic():
        confirm_request(actor=actor, request=request, now=now)
        return request_reports(actor=actor, month=request.service_month, reason=request.reason, now=now)


def request_missing_reports(*, now: datetime) -> ReportRun | None:
    """Request the reports of last month that are missing; return None where none is."""
    month = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE)).previous
    pending = ReportRun.objects.filter(month=month.first_day, made_at__isnull=True, error="")
    if pending.exists() or not any(rows.exists() for rows in without_report(month)):
        return None
    try:
        return request_reports(actor=Actor.system("schedule"), month=month, missing_only=True, now=now)
    except Refused as reason:
        log.info("No reports of %s: %s", month, reason)
        return None


def _check_closed_month(month: ServiceMonth, now: datetime) -> None:
    """Raise `MonthDeviates` unless a closed month agrees with the record. Checked at the request and when reports are queued."""
    if closing_of(month) and month_deviates(month=month, now=now):
        raise MonthDeviates(
            _("%(month)s is closed, but its figures no longer agree with the record. Correct the month first.")
            % {"month": month}
        )


# Queue


def waiting_runs(*, now: datetime) -> QuerySet[ReportRun]:
    """Return the requests that no worker is processing."""
    return ReportRun.objects.filter(made_at__isnull=True, error="").filter(
        Q(leased_until__isnull=True) | Q(leased_until__lt=now)
    )


def queue_reports(*, run_id: int, now: datetime) -> bool:
    """Queue a report for each subject requested whose figures have changed, in chunks.

    A chunk is one transaction with a fixed number of queries. An interrupted run is resumed: reports already queued have
    unchanged figures and are left. Return whether this call obtained the lease of the run.
    """
    if not waiting_runs(now=now).filter(pk=run_id).update(leased_until=now + RUN_LEASE):
        return False
    run = ReportRun.objects.get(pk=run_id)
    month = ServiceMonth.of(run.month)
    regions, customers = _requested(run, month)
    unchanged = 0
    closings = list(MonthClosing.objects.filter(month=run.month))
    operator, mark = operator_in_force(), present_mark()
    try:
        _check_closed_month(month, now)
        for region in Region.objects.filter(Q(pk__in=regions) | Q(pk__in=customers.values("region"))).order_by("code"):
            of_month = RegionRecord(region, month, now)
            if region.pk in regions:
                unchanged += _queue_changed(run, [(region, of_month.of_region())], closings, operator, mark, now)
            ids = list(customers.filter(region=region).order_by("pk").values_list("pk", flat=True))
            for start in range(0, len(ids), QUEUED_AT_ONCE):
                chunk = list(Customer.objects.filter(pk__in=ids[start : start + QUEUED_AT_ONCE]).order_by("pk"))
                stated = list(zip(chunk, of_month.of_customers(chunk), strict=True))
                unchanged += _queue_changed(run, stated, closings, operator, mark, now)
    except Refused as reason:
        ReportRun.objects.filter(pk=run.pk).update(leased_until=None, error=str(reason))
        return True
    ReportRun.objects.filter(pk=run.pk).update(leased_until=None, made_at=now, unchanged=unchanged)
    return True


def _requested(run: ReportRun, month: ServiceMonth) -> tuple[set[int], QuerySet[Customer]]:
    """Return the regions (as primary keys) and the customers whose reports are requested."""
    regions = set(run.regions.values_list("pk", flat=True))
    customers = Customer.objects.filter(pk__in=run.customers.values("pk"))
    if regions or customers.exists():
        return regions, customers
    every_region, every_customer = without_report(month) if run.missing_only else in_service(month)
    return set(every_region.values_list("pk", flat=True)), every_customer


def _queue_changed(
    run: ReportRun,
    stated: Sequence[tuple[Region | Customer, Figures]],
    closings: Sequence[MonthClosing],
    operator: Operator,
    mark: Mark,
    now: datetime,
) -> int:
    """Queue reports where the figures have changed; return how many have not. `closings`: of the month, newest first."""
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
        if before is None or not _states(before, figures, closings):
            changed.append((key, figures, before))
    previous = dict(
        Report.objects.filter(pk__in=[before.pk for _key, _figures, before in changed if before]).values_list(
            "pk", "statement"
        )
    )
    contracts = stated_contracts(ServiceMonth.of(run.month), [customer for (_, customer), *_ in changed if customer])
    with transaction.atomic():
        # Of two concurrent requests the constraint admits each revision once.
        Report.objects.bulk_create(
            [
                _report(
                    run,
                    key,
                    figures,
                    before,
                    previous[before.pk]["figures"] if before else None,
                    closings,
                    _parties(operator, figures["language"], contracts.get(key[1], ())),
                    mark,
                    now,
                )
                for key, figures, before in changed
            ],
            ignore_conflicts=True,
        )
        # A failed report with unchanged figures is retried.
        of_month.filter(
            pk__in=[report.pk for report in last.values() if report.status == Status.FAILED],
            status=Status.FAILED,
        ).update(status=Status.QUEUED, attempts=0, error="")
    return len(stated) - len(changed)


def _states(report: Report, figures: Figures, closings: Sequence[MonthClosing]) -> bool:
    """Return whether a report states these figures.

    One that was issued after the month was closed, before reports named the status of their figures, states final ones.
    """
    if report.figures_sha256 == digest(figures):
        return True
    return (
        bool(closings)
        and report.issued_at >= closings[-1].closed_at
        and report.figures_sha256 == digest(without_status(figures))
    )


def _report(
    run: ReportRun,
    key: tuple[int | None, int | None],
    figures: Figures,
    before: Report | None,
    figures_before: Figures | None,
    closings: Sequence[MonthClosing],
    parties: Parties,
    mark: Mark,
    now: datetime,
) -> Report:
    revision = before.revision + 1 if before else 1
    closing = closings[0] if closings else None
    differences: list[Change] = changes(figures_before, figures) if figures_before else []
    statement: Statement = {
        "figures": figures,
        "issue": {
            "number": number(figures["scope"], figures["month"], figures["region"]["code"], figures["code"]),
            "revision": revision,
            "issued_at": instant_text(now),
            "address": settings.SITE_URL,
            "changes": differences,
            "reason": run.reason if differences else "",
            "closing": {
                "revision": closing.revision,
                "closed_at": instant_text(closing.closed_at),
                "closed_by": closing.closed_by_name,
                "requested_by": closing.requested_by_name,
                "one_person": bool(closing.one_person),
                "reason": closing.reason,
            }
            if closing
            else None,
            "issued_by": run.requested_by_name,
            "check_code": new_check_code(),
            # What is tried out never bears the operator's seal.
            "seal": "" if mark else present_seal(),
            "parties": parties,
        },
    }
    if mark:
        statement["issue"]["mark"] = mark.value
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


def _parties(operator: Operator, language: str, contracts: Collection[StatedContract]) -> Parties:
    parties: Parties = {
        "operator_name": operator.name_in(language),
        "operator_address": operator.address_in(language),
        "contracts": list(contracts),
    }
    if operator.logo:
        parties["operator_logo"] = operator.logo.sha256
    return parties


# Render


def release_expired_leases(*, now: datetime) -> None:
    """Put reports with an expired lease back into the queue, or mark them failed after `MAX_ATTEMPTS`."""
    expired = Report.objects.filter(status=Status.RENDERING, leased_until__lt=now)
    free = {"lease": None, "leased_until": None}
    expired.filter(attempts__gte=MAX_ATTEMPTS).update(
        status=Status.FAILED, error=_("The worker stopped each time it rendered this report."), **free
    )
    expired.filter(attempts__lt=MAX_ATTEMPTS).update(status=Status.QUEUED, **free)


def due_chunks() -> list[list[int]]:
    """Return the primary keys of queued reports in chunks; reports that share pages are adjacent."""
    waiting = Report.objects.filter(status=Status.QUEUED).order_by("shared_sha256", "pk")
    ids = list(waiting.values_list("pk", flat=True)[:SWEEP_LIMIT])
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]


def render_chunk(*, ids: Sequence[int], clock: Clock) -> int:
    """Render those of `ids` that are queued, each leased by one conditional UPDATE; return how many were rendered."""
    return sum(_render(pk, clock) for pk in ids)


def _render(pk: int, clock: Clock) -> bool:
    # Only a process that renders needs WeasyPrint and its libraries.
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
        pdf = render(report.statement, _logo(report.statement))
        name = _store(report, pdf)
    except Exception as error:
        # A failure of one report must not stop the others.
        log.exception("Report %s could not be rendered", report)
        given_up = report.attempts >= MAX_ATTEMPTS
        mine.update(
            status=Status.FAILED if given_up else Status.QUEUED, error=f"{type(error).__name__}: {error}", **free
        )
        return False
    digest = sha256(pdf).hexdigest()
    with transaction.atomic():
        done = mine.update(
            status=Status.READY, file=name, file_sha256=digest, size=len(pdf), rendered_at=clock(), error="", **free
        )
        if done:
            issue = report.statement["issue"]
            register(
                kind=Kind.REPORT,
                about=report.about,
                number=report.number,
                revision=report.revision,
                sha256=digest,
                issued_at=report.issued_at,
                check_code=issue.get("check_code", ""),
                pdf=name,
                to_seal=bool(issue.get("seal")),
                rehearsal=rehearsal_number(),
            )
    return bool(done)


def _logo(statement: Statement) -> bytes:
    """Return the file of the logo that a report was issued with; empty without one."""
    parties = statement["issue"].get("parties")
    return _logo_content(parties.get("operator_logo", "")) if parties else b""


@lru_cache(maxsize=4)
def _logo_content(sha256: str) -> bytes:
    logo = logo_file(sha256) if sha256 else None
    return bytes(logo.content) if logo else b""


def _store(report: Report, pdf: bytes) -> str:
    """Store the file under the name of the report, replacing what an interrupted worker may have left."""
    storage, name = report.file.storage, report.file.field.generate_filename(report, "")
    if storage.exists(name):
        storage.delete(name)
    return str(storage.save(name, ContentFile(pdf)))
