"""Record bounce reports."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction

from ..mail.mailbox import fetched, of_files
from ..mail.reports import read_report
from ..mail.session import failure_reason_of
from ..models import Bounce, Delivery, FailureReason, Status
from ..queries import delivery_marked


def note_bounce(*, mark: str, permanent: bool, said: str, key: str, now: datetime) -> bool:
    """Record a report about an e-mail; a permanent one marks its delivery as bounced.

    `mark` is any text that contains the mark of the Message-ID; `key` identifies the report, which is applied once.
    Returns False if no delivery matches or the report was applied before.
    """
    delivery = delivery_marked(mark)
    if delivery is None:
        return False
    with transaction.atomic():
        locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
        _bounce, new = Bounce.objects.get_or_create(
            delivery=locked, key=key, defaults={"noted_at": now, "permanent": permanent, "said": said}
        )
        if new and permanent and _was_accepted(locked):
            locked.status = Status.BOUNCED
            locked.trouble = failure_reason_of(said) or FailureReason.RETURNED
            locked.last_error = said
            locked.save(update_fields=["status", "trouble", "last_error"])
    return new


def _was_accepted(delivery: Delivery) -> bool:
    """Whether the server accepted it; a report may arrive before the worker has recorded the reply."""
    return delivery.status in (Status.SENT, Status.UNKNOWN) or (
        delivery.status == Status.SENDING and delivery.handed_over_at is not None
    )


@dataclass
class Read:
    """The number of messages read, of reports among them, and of new reports about our e-mails."""

    messages: int = 0
    reports: int = 0
    noted: int = 0


def read_mailbox(*, url: str, now: datetime) -> Read:
    """Apply the reports in the mailbox at `url` and mark the messages as done. Raises `Unreadable`."""
    read = Read()
    with closing(fetched(url)) as messages:
        for content, done in messages:
            _apply(content, read, now)
            # After the commit: otherwise the next run reads it again, which is harmless.
            done()
    return read


def read_files(*, path: Path, now: datetime) -> Read:
    """Apply the reports in a maildir, mbox, message or folder of messages, which stay unchanged. Raises `Unreadable`."""
    read = Read()
    for content in of_files(path):
        _apply(content, read, now)
    return read


def _apply(content: bytes, read: Read, now: datetime) -> None:
    report = read_report(content)
    read.messages += 1
    read.reports += report is not None
    if report:
        read.noted += note_bounce(
            mark=report.marks, permanent=report.permanent, said=report.said, key=report.key, now=now
        )
