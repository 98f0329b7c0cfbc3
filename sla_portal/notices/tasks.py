"""The clock that has mail delivered. A message of Celery's may be lost, doubled or late: the rows know what is due."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from . import operations

SWEPT_EVERY_SECONDS = 30


def deliver_soon() -> None:
    """Have what is due delivered as soon as the present transaction is committed.

    Where the broker is away this is only logged: the schedule finds the same within half a minute.
    """
    transaction.on_commit(deliver_due_notices.delay, robust=True)


@shared_task
def deliver_due_notices() -> None:
    """Look for what is due; what no worker took by the next round is dropped, and found again then."""
    now = timezone.now()
    operations.release_lapsed(now=now)
    for ids in operations.due_chunks(now=now):
        deliver_notice_chunk.apply_async([ids], expires=SWEPT_EVERY_SECONDS)


@shared_task
def deliver_notice_chunk(ids: list[int]) -> None:
    operations.deliver_chunk(ids=ids, clock=timezone.now)
