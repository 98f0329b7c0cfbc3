"""Periodic tasks that issue reports and create evidence bundles.

Celery messages may be lost, duplicated or late; what is due is read from the rows.
"""

from celery import shared_task
from django.utils import timezone

from sla_portal.audit.seals import seal_due
from sla_portal.notices.tasks import deliver_soon, notify

from . import operations

SWEPT_EVERY_SECONDS = 30


@shared_task
def issue_due_reports() -> None:
    """Request the reports of last month that are missing."""
    run = operations.request_missing_reports(now=timezone.now())
    if run:
        queue_reports.delay_on_commit(run.pk)


@shared_task
def render_due_reports() -> None:
    """Dispatch what is due; a message not taken before the next round expires, and the row is found again."""
    now = timezone.now()
    operations.release_expired_leases(now=now)
    for run in operations.waiting_runs(now=now):
        queue_reports.apply_async([run.pk], expires=SWEPT_EVERY_SECONDS)
    for ids in operations.due_chunks():
        render_report_chunk.apply_async([ids], expires=SWEPT_EVERY_SECONDS)


@shared_task
def queue_reports(run_id: int) -> None:
    if operations.queue_reports(run_id=run_id, now=timezone.now()):
        render_due_reports.delay()


@shared_task
def render_report_chunk(ids: list[int]) -> None:
    if operations.render_chunk(ids=ids, clock=timezone.now):
        seal_due(clock=timezone.now)


@shared_task
def mail_due_reports() -> None:
    """Tell the contacts that want it of the reports of closed months."""
    if operations.mail_due_reports(now=timezone.now()):
        deliver_soon()


@shared_task
def make_due_bundles() -> None:
    """Dispatch queued evidence bundles."""
    operations.release_expired_bundles(now=timezone.now())
    for bundle in operations.due_bundles():
        make_bundle.apply_async([bundle.pk], expires=SWEPT_EVERY_SECONDS)


@shared_task
def make_bundle(pk: int) -> None:
    operations.make_bundle(pk=pk, clock=timezone.now)


@shared_task
def print_due_versions() -> None:
    """Print the submitted and the announced versions that lack a PDF."""
    operations.print_submitted_versions(clock=timezone.now)
    operations.print_due_versions(clock=timezone.now)


@shared_task
def print_due_credit_notes() -> None:
    """Print the credit notes of redemptions, and seal them."""
    if operations.print_due_credit_notes():
        seal_due(clock=timezone.now)


@shared_task
def print_due_letters() -> None:
    """Print the letters to claimants that wait."""
    operations.print_due_letters(clock=timezone.now)


@shared_task
def check_issued_documents() -> None:
    """Verify what was issued and its seals, once a week."""
    if check := operations.check_documents_if_due(now=timezone.now()):
        notify(check)
