"""The periodic task that judges the service months."""

from celery import shared_task
from django.utils import timezone

from . import operations


@shared_task
def judge_due_months() -> None:
    operations.judge_due_months(now=timezone.now())
