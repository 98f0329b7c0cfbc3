"""Notices in a bundle: their texts, who was told of them, and the e-mails as sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from heapq import merge
from operator import itemgetter
from typing import Any

from django.db.models import QuerySet
from django.template.loader import render_to_string

from sla_portal.notices.mail.message import MailMessage
from sla_portal.notices.models import Delivery, DeliveryCustomer, Notice, PageCopy, Status, Wording
from sla_portal.notices.private import concealed

from .archive import CHUNK, Archive, instant, safe

DELIVERY_COLUMNS = (
    "notice", "notice_given_at", "delivery", "email", "name", "customer", "language", "status", "attempts",
    "handed_over_at", "sent_at", "failure_reason", "mail_server_response", "resolved_at", "resolved_by", "sent_again_as",
    "letter_on", "letter_reference", "message_id", "mail_sha256",
)  # fmt: skip
PAGE_COLUMNS = ("notice", "notice_given_at", "address", "copied_at", "file", "sha256")


def add_notice(archive: Archive, notice: Notice, folder: str) -> None:
    """Add a notice in every language, as text and as HTML, what its hash covers, and its attachments."""
    within = f"{folder}/{safe(notice.number)}"
    wordings, attachments = notice.wordings.all(), notice.attachments.all()
    archive.add_json(f"{within}.json", notice.content_with(wordings, attachments))
    for wording in wordings:
        shown = {
            "language": wording.language,
            "subject": wording.subject,
            "html": concealed(wording.html, wording.language),
            "number": notice.number,
            "given_at": instant(notice.given_at),
            "sha256": notice.sha256,
        }
        text = f"{wording.subject}\n\n{concealed(wording.text, wording.language)}\n"
        archive.add(f"{within}.{wording.language}.txt", text.encode())
        html = render_to_string("reports/bundle/announcement.html", shown)
        archive.add(f"{within}.{wording.language}.html", html.encode())
    for number, attachment in enumerate(attachments, start=1):
        archive.add(f"{within}.{number}.{safe(attachment.name)}", bytes(attachment.content))


def stated_notices(notices: Iterable[Notice]) -> list[dict[str, str]]:
    """Return number, time and hash of notices, for the README."""
    return [{"number": row.number, "given_at": instant(row.given_at), "sha256": row.sha256} for row in notices]


def add_deliveries(archive: Archive, deliveries: QuerySet[Delivery]) -> list[tuple[str, int]]:
    """Add a row for each delivery; return how many there are in each status."""
    statuses: Counter[str] = Counter()

    def rows() -> Iterator[tuple[Any, ...]]:
        found = deliveries.select_related("notice", "contact__customer").order_by("pk")
        for delivery in found.iterator(chunk_size=CHUNK):
            statuses[delivery.status] += 1
            yield _delivery_row(delivery)

    archive.add_table("deliveries.csv", DELIVERY_COLUMNS, rows())
    return [(str(Status(status).label), count) for status, count in sorted(statuses.items())]


NOTIFIED_COLUMNS = ("customer", "name", "notice", "delivery", "email", "status", "sent_at", "letter_on")


def add_notified(archive: Archive, deliveries: QuerySet[Delivery]) -> None:
    """Add a row for each customer and each delivery that was for it: alone, or with others of the same address."""

    told = DeliveryCustomer.objects.filter(delivery__in=deliveries).select_related("customer", "delivery__notice")
    alone = deliveries.filter(customers__isnull=True, contact__isnull=False).select_related(
        "notice", "contact__customer"
    )
    of_several = (
        (one.delivery_id, one.customer.code, one.named, one.delivery)
        for one in told.order_by("delivery", "pk").iterator(chunk_size=CHUNK)
    )
    of_one = (
        (one.pk, one.contact.customer.code, str(one.contact.customer), one)
        for one in alone.order_by("pk").iterator(chunk_size=CHUNK)
        if one.contact
    )
    archive.add_table(
        "notified.csv",
        NOTIFIED_COLUMNS,
        (
            (code, name, one.notice.number, one.pk, one.email, one.status, one.sent_at, one.letter_on)
            for _pk, code, name, one in merge(of_several, of_one, key=itemgetter(0))
        ),
    )


def _delivery_row(delivery: Delivery) -> tuple[Any, ...]:
    return (
        delivery.notice.number,
        delivery.notice.given_at,
        delivery.pk,
        delivery.email,
        delivery.name,
        delivery.contact.customer.code if delivery.contact else "",
        delivery.language,
        delivery.status,
        delivery.attempts,
        delivery.handed_over_at,
        delivery.sent_at,
        delivery.trouble,
        delivery.last_error,
        delivery.resolved_at,
        delivery.resolved_by,
        delivery.replacement_id,
        delivery.letter_on,
        delivery.letter_reference,
        delivery.message_id,
        delivery.mail_sha256,
    )


def add_pages(archive: Archive, notices: QuerySet[Notice]) -> int:
    """Add the copies of public pages that were kept when the notices were given; return how many there are."""
    copies = list(PageCopy.objects.filter(notice__in=notices).select_related("notice").defer("body").order_by("pk"))
    rows = []
    for number, copy in enumerate(copies, start=1):
        name = f"pages/{number}.{safe(copy.url.partition('://')[2])}.html"
        archive.add(name, bytes(copy.body))
        rows.append((copy.notice.number, copy.notice.given_at, copy.url, copy.fetched_at, name, copy.sha256))
    archive.add_table("pages.csv", PAGE_COLUMNS, rows)
    return len(rows)


@dataclass(frozen=True)
class AddedMail:
    """An e-mail added without the recipient's personal link."""

    name: str
    sha256: str
    """Of the original."""
    as_sent: bool
    """Whether that is the SHA-256 noted when it was handed over."""


def add_mail(archive: Archive, delivery: Delivery) -> AddedMail:
    """Add the source of an e-mail, without what is secret in it."""
    notice = delivery.notice
    wording, attachments = notice.wording(delivery.language), list(notice.attachments.all())
    redacted = Wording(
        language=wording.language,
        subject=wording.subject,
        text=concealed(wording.text, wording.language),
        html=concealed(wording.html, wording.language),
    )
    name = f"mail/{safe(notice.number)}.{delivery.pk}.eml"
    archive.add(name, MailMessage(notice, redacted, attachments).source(delivery))
    original = sha256(MailMessage(notice, wording, attachments).source(delivery)).hexdigest()
    return AddedMail(name, original, original == delivery.mail_sha256)
