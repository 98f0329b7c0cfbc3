"""The evidence bundle of an amendment (5.2) as a ZIP: the same bytes whenever the record is the same."""

from __future__ import annotations

import csv
import json
import re
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.conf import settings
from django.db.models import CharField, Q, QuerySet
from django.db.models.functions import Cast
from django.template.loader import render_to_string
from django.utils import translation

from sla_portal.agreements.changes import term_changes, terms_in_words, text_changes, words_in
from sla_portal.agreements.models import AgreementVersion, Answer
from sla_portal.agreements.queries import deliveries_of, notices_of
from sla_portal.audit.models import Entry
from sla_portal.audit.rules import canonical
from sla_portal.kernel.characters import with_turning_shown
from sla_portal.notices.mail.message import MailMessage
from sla_portal.notices.models import Delivery, Notice, Status, Wording
from sla_portal.notices.private import concealed

from .pdf.printing import ASSETS, print_page

CHUNK = 2000
"""Rows read at a time. While one chunk is read the one before it is still in memory."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
DELIVERY_COLUMNS = (
    "notice", "notice_given_at", "delivery", "email", "name", "customer", "language", "status", "attempts",
    "handed_over_at", "sent_at", "failure_reason", "mail_server_response", "resolved_at", "resolved_by", "sent_again_as",
    "letter_on", "letter_reference", "message_id",
)  # fmt: skip


def write_bundle(version: AgreementVersion, *, language: str, email: str, file: IO[bytes]) -> str:
    """Write the evidence bundle of an announced version to `file`; return its SHA-256.

    With `email` it includes the source of every e-mail about the version to that address. Rows are read in chunks.
    """
    with translation.override(language), ZipFile(file, "w", ZIP_DEFLATED, compresslevel=6) as archive:
        bundle = _Archive(archive, _announcement(version).given_at)
        name = _safe(version.version)
        bundle.add(f"version-{name}.pdf", _version_pdf(version, language))
        bundle.add(f"version-{name}.json", canonical(version.content()).encode())
        if before := version.based_on:
            bundle.add(f"redline-{_safe(before.version)}-{name}.pdf", _redline_pdf(before, version, language))
        notices = list(_notices_to_all(version))
        for notice in notices:
            _add_notice(bundle, notice)
        with bundle.open("deliveries.csv") as deliveries:
            statuses = _write_deliveries(version, deliveries)
        mails = [_add_mail(bundle, delivery) for delivery in _mails(version, email)] if email else []
        with bundle.open("audit.jsonl") as log:
            for entry in _entries(version).iterator(chunk_size=CHUNK):
                log.write(f"{_entry_line(entry)}\n".encode())
        bundle.add("check_audit.py", (ASSETS / "check_audit.py").read_bytes())
        bundle.add("README.txt", _readme(version, notices, statuses, mails).encode())
        bundle.add("SHA256SUMS", "".join(f"{digest}  {path}\n" for path, digest in bundle.sums).encode())
    file.seek(0)
    whole = sha256()
    while part := file.read(1 << 20):
        whole.update(part)
    return whole.hexdigest()


class _Archive:
    """A ZIP whose members have the time of the announcement; the SHA-256 of each is collected."""

    def __init__(self, archive: ZipFile, at: datetime) -> None:
        self._archive, self._at = archive, at.astimezone(UTC)
        self.sums: list[tuple[str, str]] = []

    def add(self, path: str, content: bytes) -> None:
        with self.open(path) as file:
            file.write(content)

    @contextmanager
    def open(self, path: str) -> Iterator[_Hashed]:
        member = ZipInfo(path, self._at.timetuple()[:6])
        member.compress_type, member.external_attr, member.create_system = ZIP_DEFLATED, 0o644 << 16, 3
        with self._archive.open(member, "w", force_zip64=True) as file:
            hashed = _Hashed(file)
            yield hashed
        self.sums.append((path, hashed.digest.hexdigest()))


class _Hashed:
    """A file that hashes what is written to it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, sha256()

    def write(self, content: bytes) -> int:
        self.digest.update(content)
        return self._file.write(content)


def _safe(name: str) -> str:
    """Return a file name that is valid on every system and contains no path."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", name).lstrip(".") or "_"


# PDFs


def _version_pdf(version: AgreementVersion, language: str) -> bytes:
    wording_language, clauses = words_in(list(version.clauses.all()), language)
    context = {"terms": terms_in_words(version.terms), "clauses": clauses, "wording_language": wording_language}
    return print_page("reports/bundle/version.html", _facts(version, language) | context, language, "agreement.css")


def _redline_pdf(before: AgreementVersion, version: AgreementVersion, language: str) -> bytes:
    context = {
        "before": before.version,
        "told": version.changes_told(language),
        "terms": term_changes(before.terms, version.terms),
        "text": text_changes(list(before.clauses.all()), list(version.clauses.all()), language),
    }
    return print_page("reports/bundle/redline.html", _facts(version, language) | context, language, "agreement.css")


def _facts(version: AgreementVersion, language: str) -> dict[str, Any]:
    notice = _announcement(version)
    return {
        "language": language,
        "address": settings.SITE_URL,
        "zone": settings.SLA_TIME_ZONE,
        "version": version.version,
        "published_at": _instant(version.published_at),
        "effective_on": version.takes_effect_on.isoformat(),
        "withdrawn_at": _instant(version.withdrawn_at),
        "notice": notice.number,
        "notice_address": notice.address,
        "sha256": version.sha256,
    }


# Announcements


def _announcement(version: AgreementVersion) -> Notice:
    if version.notice is None:
        raise ValueError(f"Version {version} was not announced, so it has no evidence bundle.")
    return version.notice


def _notices_to_all(version: AgreementVersion) -> QuerySet[Notice]:
    """Return the announcement, reminders and the withdrawal, without the copies sent to single customers at signing."""
    at_signing = version.further_notices.filter(contract__isnull=False)
    to_all = notices_of(version).exclude(pk__in=at_signing.values("notice"))
    return to_all.prefetch_related("wordings", "attachments").order_by("pk")


def _add_notice(bundle: _Archive, notice: Notice) -> None:
    within = f"announcement/{_safe(notice.number)}"
    wordings, attachments = notice.wordings.all(), notice.attachments.all()
    bundle.add(f"{within}.json", canonical(notice.content_with(wordings, attachments)).encode())
    for wording in wordings:
        shown = {
            "language": wording.language,
            "subject": wording.subject,
            "html": concealed(wording.html, wording.language),
            "number": notice.number,
            "given_at": _instant(notice.given_at),
            "sha256": notice.sha256,
        }
        text = f"{wording.subject}\n\n{concealed(wording.text, wording.language)}\n"
        bundle.add(f"{within}.{wording.language}.txt", text.encode())
        html = render_to_string("reports/bundle/announcement.html", shown)
        bundle.add(f"{within}.{wording.language}.html", html.encode())
    for number, attachment in enumerate(attachments, start=1):
        bundle.add(f"{within}.{number}.{_safe(attachment.name)}", bytes(attachment.content))


# Deliveries


def _write_deliveries(version: AgreementVersion, file: _Hashed) -> Counter[str]:
    """Write a row for each delivery; return the count by status."""
    statuses: Counter[str] = Counter()
    # Without it some spreadsheets misread UTF-8.
    file.write(BOM_UTF8)
    lines = csv.writer(_Lines(file))
    lines.writerow(DELIVERY_COLUMNS)
    rows = deliveries_of(version).select_related("notice", "contact__customer").order_by("pk")
    for delivery in rows.iterator(chunk_size=CHUNK):
        statuses[delivery.status] += 1
        lines.writerow(map(_cell, _delivery_row(delivery)))
    return statuses


class _Lines:
    """A text file for `csv` that encodes UTF-8."""

    def __init__(self, file: _Hashed) -> None:
        self._file = file

    def write(self, line: str) -> int:
        return self._file.write(line.encode())


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
    )


def _cell(value: Any) -> str:
    """Return a value as text that no spreadsheet evaluates as a formula, and that turns no line round."""
    text = "" if value is None else _instant(value) if isinstance(value, datetime) else with_turning_shown(str(value))
    return f"'{text}" if text.startswith(FORMULA) else text


def _instant(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""


# E-mails to one address


def _mails(version: AgreementVersion, email: str) -> Iterable[Delivery]:
    return deliveries_of(version).filter(email__iexact=email).select_related("notice").order_by("pk")


def _add_mail(bundle: _Archive, delivery: Delivery) -> dict[str, str]:
    """Add the source of an e-mail without the recipient's personal link; return its name and the SHA-256 of the original."""
    notice = delivery.notice
    wording, attachments = notice.wording(delivery.language), list(notice.attachments.all())
    redacted = Wording(
        language=wording.language,
        subject=wording.subject,
        text=concealed(wording.text, wording.language),
        html=concealed(wording.html, wording.language),
    )
    name = f"mail/{_safe(notice.number)}.{delivery.pk}.eml"
    bundle.add(name, _source(MailMessage(notice, redacted, attachments), delivery))
    sent = _source(MailMessage(notice, wording, attachments), delivery)
    return {"name": name, "sha256": sha256(sent).hexdigest()}


def _source(message: MailMessage, delivery: Delivery) -> bytes:
    """Return an e-mail as received: SMTP doubles each leading dot on the wire."""
    return re.sub(rb"^\.\.", b".", message.completed(delivery), flags=re.MULTILINE)


# Audit log


def _entries(version: AgreementVersion) -> QuerySet[Entry]:
    """Return the audit log entries about the version, its notices, their deliveries and the answers to it."""

    def about(kind: str, rows: QuerySet[Any]) -> Q:
        return Q(subject_type=kind, subject_id__in=rows.order_by().values_list(Cast("pk", CharField())))

    return Entry.objects.filter(
        Q(subject_type=AgreementVersion._meta.label_lower, subject_id=str(version.pk))
        | about(Notice._meta.label_lower, notices_of(version))
        | about(Delivery._meta.label_lower, deliveries_of(version))
        | about(Answer._meta.label_lower, version.answers.all())
    ).order_by("pk")


def _entry_line(entry: Entry) -> str:
    line: Mapping[str, Any] = {
        "id": entry.pk,
        "content": entry.content(),
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }
    return json.dumps(line, ensure_ascii=False)


def _readme(
    version: AgreementVersion, notices: Iterable[Notice], statuses: Counter[str], mails: Iterable[Mapping[str, str]]
) -> str:
    return render_to_string(
        "reports/bundle/readme.txt",
        _facts(version, translation.get_language() or settings.LANGUAGE_CODE)
        | {
            "file": _safe(version.version),
            "before": _safe(version.based_on.version) if version.based_on else "",
            "notices": [
                {"number": row.number, "given_at": _instant(row.given_at), "sha256": row.sha256} for row in notices
            ],
            "rows": statuses.total(),
            "statuses": [(Status(status).label, count) for status, count in sorted(statuses.items())],
            "mails": mails,
        },
    )
