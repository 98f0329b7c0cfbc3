"""Celery tasks that deliver e-mails. Messages may be lost, duplicated or late: the rows are the queue."""

import logging
from datetime import datetime, timedelta

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from sla_portal.audit.operations import check_log, check_tail
from sla_portal.audit.words import sentence

from . import operations
from .mail.mailbox import Unreadable

log = logging.getLogger(__name__)

SWEPT_EVERY_SECONDS = 30


def deliver_soon() -> None:
    """Deliver one chunk of the most urgent due e-mails after the current transaction commits.

    The schedule finds the rest within 30 seconds. If the broker is unreachable this is only logged.
    """
    transaction.on_commit(deliver_notice_chunk.delay, robust=True)


@shared_task
def deliver_due_notices() -> None:
    """Queue a task for each worker needed; tasks not started by the next run expire."""
    now = timezone.now()
    operations.release_lapsed(now=now)
    due = operations.due(now=now)
    expires = now + timedelta(seconds=SWEPT_EVERY_SECONDS)
    for _worker in range(due.workers):
        deliver_notice_chunk.apply_async(expires=expires)
    for _worker in range(due.throttled):
        deliver_throttled_notices.apply_async(expires=expires)


@shared_task(bind=True)
def deliver_notice_chunk(self) -> None:
    """Deliver a chunk and queue the next one, until nothing is due or the next run of the schedule."""
    wait = operations.deliver_chunk(clock=timezone.now)
    if wait == timedelta(0):
        run_again(self, wait)


@shared_task(bind=True)
def deliver_throttled_notices(self) -> None:
    """Send what the rate limits allow, and retry until the next run of the schedule."""
    wait = operations.deliver_chunk(clock=timezone.now)
    if wait is not None:
        run_again(self, wait)


def run_again(task, wait):
    if task.request.expires:
        expires = datetime.fromisoformat(task.request.expires)
        if timezone.now() + wait < expires:
            task.apply_async(countdown=wait.total_seconds() or None, expires=expires)


@shared_task
def read_bounces() -> None:
    """Apply the bounce reports of the mailbox BOUNCES_URL, if one is set, and forget old ones that were looked at."""
    operations.forget_reports(now=timezone.now())
    if not settings.BOUNCES_URL:
        return
    try:
        operations.read_mailbox(url=settings.BOUNCES_URL, now=timezone.now())
    except Unreadable as error:
        # The next run retries.
        log.warning("The mailbox of BOUNCES_URL cannot be read: %s", error)


@shared_task
def mail_checkpoints() -> None:
    """Mail new checkpoints of the audit log to the addresses outside, if any are set."""
    if operations.mail_checkpoints(now=timezone.now()):
        deliver_notice_chunk.delay()


@shared_task
def check_audit_log() -> None:
    """Verify the whole audit log."""
    notify(check_log(now=timezone.now()))


@shared_task
def check_tail_of_audit_log() -> None:
    """Verify the audit log from its newest checkpoint on."""
    notify(check_tail(now=timezone.now()))


def notify(check):
    for finding in check.findings:
        log.error("Integrity check: %s", sentence(finding))
    if operations.notify_of_findings(check=check, now=timezone.now()):
        deliver_notice_chunk.delay()
