"""manage.py monthlyreport MONTH [--region CODE] [--customer CODE] [--here]"""

import time
from functools import partial

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.instants import parse_instant
from sla_portal.kernel.months import ServiceMonth

from ... import operations, tasks
from ...models import Status
from ...queries import progress

WORKER_TIMEOUT_SECONDS = 60


class Command(BaseCommand):
    help = "Issue the availability reports of a month: of all regions and customers, or of those named."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("month", help="such as 2026-09")
        parser.add_argument("--region", metavar="CODE", action="append", default=[], help="may be given several times")
        parser.add_argument(
            "--customer", metavar="CODE", action="append", default=[], help="may be given several times"
        )
        parser.add_argument(
            "--now", metavar="INSTANT", help="end of ongoing outages, and the time of issue (default: now)"
        )
        parser.add_argument("--here", action="store_true", help="render in this process instead of in the workers")

    def handle(self, *_args, month, region, customer, now, here, **_options):
        try:
            run = operations.request_reports(
                actor=Actor.system("monthlyreport"),
                month=ServiceMonth.parse(month),
                regions=named(Region, region),
                customers=named(Customer, customer),
                now=parse_instant(now) if now else timezone.now(),
            )
        except (ValueError, Refused) as reason:
            raise CommandError(str(reason)) from None
        if here or now:
            # A worker would use its own time.
            operations.queue_reports(run_id=run.pk, now=run.requested_at)
        if here:
            ids = run.reports.filter(status=Status.QUEUED).order_by("shared_sha256", "pk").values_list("pk", flat=True)
            operations.render_chunk(ids=list(ids), clock=timezone.now)
        else:
            (tasks.render_due_reports.delay if now else partial(tasks.queue_reports.delay, run.pk))()
            self.wait(run)
        self.summarise(run)

    def wait(self, run):
        """Wait until all reports are rendered; raise CommandError if no worker makes progress."""
        began, last = time.monotonic(), None
        while True:
            run.refresh_from_db()
            state = progress(run, timezone.now())
            if state.over or run.error:
                return
            if state != last:
                began, last = time.monotonic(), state
                if state.total:
                    self.stdout.write(f"{state.ready} of {state.total} rendered")
            if time.monotonic() - began > WORKER_TIMEOUT_SECONDS:
                raise CommandError(
                    "The reports are queued, but no worker processes them. Start one (make run), or render here with --here."
                )
            time.sleep(0.5)

    def summarise(self, run):
        run.refresh_from_db()
        if run.error:
            raise CommandError(run.error)
        for report in run.reports.order_by("number").defer("statement").iterator():
            self.stdout.write(f"{report.number} revision {report.revision}: {report.file.name or report.error}")
        if run.unchanged:
            self.stdout.write(f"Unchanged since their last revision: {run.unchanged}")
        failed = run.reports.filter(status=Status.FAILED).count()
        if failed:
            raise CommandError(f"{failed} reports could not be rendered.")


def named(model, codes):
    rows = list(model.objects.filter(code__in=codes))
    unknown = set(codes) - {row.code for row in rows}
    if unknown:
        raise ValueError(f"There is no {model._meta.verbose_name} with the code {', '.join(sorted(unknown))}.")
    return rows
