"""Scheduled tasks of claims. Messages may be lost, duplicated or late: the rows say what is due."""

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from sla_portal.notices.tasks import deliver_soon

from . import operations
from .operations.applying import mail_requested, purge_applications
from .operations.working import forget_viewers


def mail_soon() -> None:
    """Queue the requested codes and links to be sent after the current transaction commits.

    If the broker is down, this is only logged: the schedule runs the same task within 30 s.
    """
    transaction.on_commit(mail_codes_and_links.delay, robust=True)


@shared_task
def mail_codes_and_links() -> None:
    """Send the requested codes and links."""
    if mail_requested(now=timezone.now()):
        deliver_soon()


@shared_task
def purge_expired_applications() -> None:
    """Delete expired unsent forms with their files, and who looked at claims."""
    now = timezone.now()
    purge_applications(now=now)
    forget_viewers(now=now)


@shared_task
def submit_held_claims() -> None:
    """Submit early claims whose claim period has opened, and notify claimants of changed opening dates.

    Undecided recommendations of an earlier build whose amounts would be others now go back to the reviewer.
    """
    now = timezone.now()
    operations.return_recommendations_of_earlier_rule(now=now)
    if operations.submit_held_claims(now=now) + operations.notify_moved_openings(now=now):
        deliver_soon()
