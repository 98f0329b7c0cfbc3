"""The periodic task that keeps the pages of announcements."""

from celery import shared_task
from django.utils import timezone

from . import keeping


@shared_task
def keep_announcements() -> None:
    keeping.keep_announcements(clock=timezone.now)
