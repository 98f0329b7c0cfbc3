"""Record what mail servers report of e-mails: bounces, delays and complaints."""

from __future__ import annotations

import hashlib
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.db import transaction

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require

from ..mail.mailbox import fetched, of_files
from ..mail.reports import LARGEST, Report, UnreadableReport, read_report, sender_and_subject
from ..mail.session import failure_reason_of
from ..models import Bounce, Delivery, FailureReason, Status, Told, UnmatchedReport
from ..queries import delivery_marked

KEPT_FOR = timedelta(days=90)
"""How long an unmatched report is kept after a person looked at it."""


def note_bounce(
    *,
    mark: str,
    permanent: bool,
    said: str,
    key: str,
    now: datetime,
    told: Told = Told.IN_FIELDS,
    recipient: str = "",
) -> bool | None:
    """Record a report about an e-mail; a permanent one marks its delivery as bounced, one in plain words as unknown.

    `mark` is any text that contains the mark of the Message-ID; `key` identifies the report, which is applied once.
    Returns None if no delivery matches, and False if the report was applied before.
    """
    delivery = delivery_marked(mark)
    if delivery is None:
        return None
    with transaction.atomic():
        locked = Delivery.objects.select_for_update().get(pk=delivery.pk)
        _bounce, new = Bounce.objects.get_or_create(
            delivery=locked,
            key=key,
            defaults={"noted_at": now, "permanent": permanent, "said": said, "told": told, "recipient": recipient},
        )
        if new and permanent and _was_accepted(locked):
            locked.status = Status.UNKNOWN if told == Told.IN_WORDS else Status.BOUNCED
            locked.trouble = (
                FailureReason.PROBABLY if told == Told.IN_WORDS else failure_reason_of(said) or FailureReason.RETURNED
            )
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
    """The number of messages read, of reports among them, of new reports about our e-mails, and of new unmatched ones."""

    messages: int = 0
    reports: int = 0
    noted: int = 0
    unmatched: int = 0


def read_mailbox(*, url: str, now: datetime) -> Read:
    """Apply the reports in the mailbox at `url` and mark the messages as done. Raises `Unreadable`.

    One that cannot be applied is kept for people, and stays unread in an IMAP mailbox.
    """
    read = Read()
    with closing(fetched(url)) as messages:
        for message in messages:
            applied = _apply(message.content, read, now, whole=message.whole)
            # After the commit: otherwise the next run reads it again, which is harmless.
            (message.done if applied else message.put_aside)()
    return read


def read_files(*, path: Path, now: datetime) -> Read:
    """Apply the reports in a maildir, mbox, message or folder of messages, which stay unchanged. Raises `Unreadable`."""
    read = Read()
    for content in of_files(path):
        _apply(content, read, now, whole=True)
    return read


def _apply(content: bytes, read: Read, now: datetime, *, whole: bool) -> bool:
    """Apply a message if it is a report; return whether nothing of it is left to do."""
    read.messages += 1
    if not whole:
        return _keep(content, UnmatchedReport.Why.TOO_LARGE, None, read, now)
    try:
        report = read_report(content)
    except UnreadableReport:
        return _keep(content, UnmatchedReport.Why.UNREADABLE, None, read, now)
    if report is None:
        return True
    read.reports += 1
    new = note_bounce(
        mark=report.marks,
        permanent=report.permanent,
        said=report.said,
        key=report.key,
        now=now,
        told=report.told,
        recipient=report.recipient,
    )
    if new is None:
        return _keep(content, UnmatchedReport.Why.NAMES_NO_MAIL, report, read, now)
    read.noted += new
    return True


def _keep(content: bytes, why: UnmatchedReport.Why, report: Report | None, read: Read, now: datetime) -> bool:
    sender, subject = sender_and_subject(content)
    _row, new = UnmatchedReport.objects.get_or_create(
        key=hashlib.sha256(content).hexdigest(),
        defaults={
            "noted_at": now,
            "why": why,
            "sender": sender,
            "subject": subject,
            "said": report.said if report else "",
            "recipient": report.recipient if report else "",
            "content": content[:LARGEST],
        },
    )
    read.unmatched += new
    return False


def look_at_report(*, actor: Actor, report: UnmatchedReport, now: datetime) -> None:
    """Mark an unmatched report as looked at. Idempotent."""
    require(actor, "notices.resolve_delivery")
    with transaction.atomic():
        locked = UnmatchedReport.objects.select_for_update().get(pk=report.pk)
        if locked.looked_at:
            return
        locked.looked_at = now
        locked.save(update_fields=["looked_at"])
        record(actor=actor, action="looked at", subject=locked, now=now, changes={"sha256": [None, locked.key]})


def forget_reports(*, now: datetime) -> int:
    """Delete the unmatched reports that a person looked at ninety days ago; return their number."""
    return UnmatchedReport.objects.filter(looked_at__lt=now - KEPT_FOR).delete()[0]
