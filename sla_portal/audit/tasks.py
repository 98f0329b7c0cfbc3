"""Periodic tasks that make the daily checkpoint and seal documents."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from . import operations, seals

SEALS_FOR = timedelta(minutes=5)
"""What one run takes; the next one goes on."""


@shared_task
def make_daily_checkpoint() -> None:
    operations.make_daily_checkpoint(now=timezone.now())


@shared_task
def seal_documents() -> None:
    """Seal what is due, until nothing is, or something fails."""
    until = timezone.now() + SEALS_FOR
    while timezone.now() < until and seals.seal_due(clock=timezone.now):
        pass
