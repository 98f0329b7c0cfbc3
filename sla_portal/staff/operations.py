"""Save a form once, even if it is sent several times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from .models import Submission


def save_once(*, key: UUID, write: Callable[[], str], now: datetime) -> str:
    """Call `write` unless the form with this idempotency `key` was saved before; return the URL to redirect to.

    A concurrent second call waits at the unique key. An exception in `write` rolls the key back.
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
