"""Note what comes back."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.db import transaction

from ..mail.mailbox import fetched, of_files
from ..mail.reports import read_report
from ..mail.session import trouble_of
from ..models import Bounce, Delivery, FailureReason, Status
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
            locked.trouble = trouble_of(said) or FailureReason.RETURNED
            locked.last_error = said
            locked.save(update_fields=["status", "trouble", "last_error"])
    return new


def _was_taken(delivery: Delivery) -> bool:
    """A report may come before the worker has noted the server's answer."""
    return delivery.status in (Status.SENT, Status.UNKNOWN) or (
        delivery.status == Status.SENDING and delivery.handed_over_at is not None
    )


@dataclass
class Read:
    """How many messages were looked at, how many were reports, and how many told something new of a mail of ours."""

    messages: int = 0
    reports: int = 0
    noted: int = 0


def read_mailbox(*, url: str, now: datetime) -> Read:
    """Apply the reports in the mailbox at `url`, and mark what was looked at as done. Raises `Unreadable`."""
    read = Read()
    with closing(fetched(url)) as messages:
        for content, done in messages:
            _apply(content, read, now)
            # Only once the report is committed: else the next round looks at it again, which does no harm.
            done()
    return read


def read_files(*, path: Path, now: datetime) -> Read:
    """Apply the reports in a maildir, an mbox, a message or a folder of messages; they stay there. Raises `Unreadable`."""
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
