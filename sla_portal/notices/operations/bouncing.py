"""Note what comes back."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from ..mail.session import trouble_of
from ..models import Bounce, Delivery, Status, Trouble
from ..queries import delivery_marked


def note_bounce(*, mark: str, permanent: bool, said: str, key: str, now: datetime) -> bool:
    """Put down a report about a mail of ours, and where it came back for good, put its delivery on the list.

    `mark` is any text that holds the mark of the mail's Message-ID; `key` names the report, which is applied once. False:
    it names no mail of ours, or was applied before.
    """
    delivery = delivery_marked(mark)
    if delivery is None:
        return False
    with transaction.atomic():
        locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
        _bounce, new = Bounce.objects.get_or_create(
            delivery=locked, key=key, defaults={"noted_at": now, "permanent": permanent, "said": said}
        )
        if new and permanent and _was_taken(locked):
            locked.status = Status.BOUNCED
            locked.trouble = trouble_of(said) or Trouble.RETURNED
            locked.last_error = said
            locked.save(update_fields=["status", "trouble", "last_error"])
    return new


def _was_taken(delivery: Delivery) -> bool:
    """A report may come before the worker has noted the server's answer."""
    return delivery.status in (Status.SENT, Status.UNKNOWN) or (
        delivery.status == Status.SENDING and delivery.handed_over_at is not None
    )
