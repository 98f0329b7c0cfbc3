"""The periodic task that makes the daily checkpoint."""

from celery import shared_task
from django.utils import timezone

from . import operations


@shared_task
def make_daily_checkpoint() -> None:
    operations.make_daily_checkpoint(now=timezone.now())
