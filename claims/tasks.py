"""The clock of claims. A message of Celery's may be lost, doubled or late: the rows know what is due."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from sla_portal.notices.tasks import deliver_soon

from . import operations
from .operations.applying import mail_what_is_asked, purge_applications


def mail_soon() -> None:
    """Have what strangers asked for mailed as soon as the present transaction is committed.

    Where the broker is away this is only logged: the schedule finds the same within half a minute.
    """
    transaction.on_commit(mail_asked.delay, robust=True)


@shared_task
def mail_asked() -> None:
    """Mail the codes and links that were asked for."""
    if mail_what_is_asked(now=timezone.now()):
        deliver_soon()


@shared_task
def purge_expired_applications() -> None:
    """Forget the forms that nobody sent, with their files."""
    purge_applications(now=timezone.now())


@shared_task
def submit_held_claims() -> None:
    """Submit the claims whose day has come, and tell of days that the calendar has moved."""
    now = timezone.now()
    if operations.submit_held_claims(now=now) + operations.notify_moved_openings(now=now):
        deliver_soon()
