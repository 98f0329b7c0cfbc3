"""The periodic task that reminds customers of amendments."""

from celery import shared_task
from django.utils import timezone

from . import operations


@shared_task
def remind_of_amendments() -> None:
    operations.remind_due(now=timezone.now())
