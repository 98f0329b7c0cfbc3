"""The clock that has mail delivered. A message of Celery's may be lost, doubled or late: the rows know what is due."""

import logging
from datetime import datetime, timedelta

from celery import shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from . import operations
from .mail.mailbox import Unreadable

log = logging.getLogger(__name__)

SWEPT_EVERY_SECONDS = 30


def deliver_soon() -> None:
    """Have the most urgent of what is due delivered as soon as the present transaction is committed.

    One chunk of it; the schedule finds the rest within half a minute. Where the broker is away this is only logged.
    """
    transaction.on_commit(deliver_notice_chunk.delay, robust=True)


@shared_task
def deliver_due_notices() -> None:
    """Look for what is due, and ask for workers; what none took by the next round is dropped, and found again then."""
    now = timezone.now()
    operations.release_lapsed(now=now)
    due = operations.due(now=now)
    expires = now + timedelta(seconds=SWEPT_EVERY_SECONDS)
    for _hand in range(due.hands):
        deliver_notice_chunk.apply_async(expires=expires)
    for _trickle in range(due.trickles):
        trickle_notices.apply_async(expires=expires)


@shared_task(bind=True)
def deliver_notice_chunk(self) -> None:
    """Deliver a chunk and, at the end of the queue, the next, until there is no more or the next round of the schedule."""
    wait = operations.deliver_chunk(clock=timezone.now)
    if wait == timedelta(0):
        come_back(self, wait)


@shared_task(bind=True)
def trickle_notices(self) -> None:
    """Send what the limits let through, and come back for more until the next round of the schedule."""
    wait = operations.deliver_chunk(clock=timezone.now)
    if wait is not None:
        come_back(self, wait)


def come_back(task, wait):
    if task.request.expires:
        expires = datetime.fromisoformat(task.request.expires)
        if timezone.now() + wait < expires:
            task.apply_async(countdown=wait.total_seconds() or None, expires=expires)


@shared_task
def read_bounces() -> None:
    """Apply what came back meanwhile; where no mailbox is named there is nothing to read."""
    if not settings.BOUNCES_URL:
        return
    try:
        operations.read_mailbox(url=settings.BOUNCES_URL, now=timezone.now())
    except Unreadable as error:
        # The next round may find it open again.
        log.warning("The mailbox of BOUNCES_URL cannot be read: %s", error)
