"""The periodic tasks that remind customers of amendments, and freeze what earlier builds announced."""

from celery import shared_task
from django.utils import timezone

from . import operations


@shared_task
def remind_of_amendments() -> None:
    operations.remind_due(now=timezone.now())


@shared_task
def freeze_earlier_changes() -> None:
    operations.freeze_earlier_changes(now=timezone.now())
