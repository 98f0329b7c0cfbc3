"""The periodic task that sums up failed sign-ins."""

from celery import shared_task
from django.utils import timezone

from . import operations


@shared_task
def sum_up_failed_sign_ins() -> None:
    operations.sum_up_failed_sign_ins(now=timezone.now())
