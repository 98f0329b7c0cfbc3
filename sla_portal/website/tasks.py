"""Tasks of the website: copies of announcements, and the codes of the customer account. The rows say what is due."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from sla_portal.notices.tasks import deliver_soon

from . import keeping
from .account import operations


@shared_task
def keep_announcements() -> None:
    keeping.keep_announcements(clock=timezone.now)


def mail_sign_in_codes_soon() -> None:
    """Queue the requested codes to be mailed after the commit; else the schedule finds them within 30 seconds."""
    transaction.on_commit(mail_sign_in_codes.delay, robust=True)


@shared_task
def mail_sign_in_codes() -> None:
    """Mail the requested sign-in codes of the customer account."""
    if operations.mail_codes(now=timezone.now()):
        deliver_soon()


@shared_task
def forget_sign_ins() -> None:
    """Delete expired sessions and codes of the customer account."""
    operations.forget_sign_ins(now=timezone.now())
