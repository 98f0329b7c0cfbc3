"""Save what a form says once, however often it is sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from .models import Submission


def save_once(*, key: UUID, write: Callable[[], str], now: datetime) -> str:
    """Call `write` unless the form with this `key` was saved before; return the address it led to, then or now.

    Of two at the same moment the second waits for the first at the unique key. What `write` raises undoes the claim.
    """
    with transaction.atomic():
        try:
            with transaction.atomic():
                submission = Submission.objects.create(key=key, at=now)
        except IntegrityError:
            return Submission.objects.get(key=key).location
        submission.location = write()
        submission.save(update_fields=["location"])
    return submission.location
