"""Print announced versions once, so that every bundle holds the same PDFs (5.2), and credit notes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import QuerySet

from claims.models import CreditNote
from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.operations import freeze_earlier_changes, keep_pdfs
from sla_portal.audit.documents import register
from sla_portal.audit.models import Kind
from sla_portal.operator.queries import rehearsal_number

from ..models import VersionPdf

log = logging.getLogger(__name__)

MOST_AT_ONCE = 200


def print_due_versions(*, clock: Callable[[], datetime]) -> int:
    """Print the announced versions that lack a PDF in a language; return how many PDFs were added."""
    return sum(
        print_version(version=version, language=language, now=clock())
        for language, _name in settings.LANGUAGES
        for version in _unprinted(language)
    )


def print_due_credit_notes() -> int:
    """Print and register the credit notes that have no file yet; return how many were."""
    due = CreditNote.objects.filter(sha256="").order_by("pk")
    return sum(_print_credit_note(note) for note in due[:MOST_AT_ONCE])


def _print_credit_note(note: CreditNote) -> bool:
    """Print one; on an error it has no file still, and is tried again by the next run."""
    from ..pdf.credit_note import credit_note_pdf

    try:
        content = credit_note_pdf(note.statement)
        name = default_storage.save(f"credit-notes/{note.number}.pdf", ContentFile(content))
    except Exception:
        # A failure of one must not stop the others.
        log.exception("Credit note %s could not be printed", note)
        return False
    digest = sha256(content).hexdigest()
    with transaction.atomic():
        # Of two that print at once the first stands, with its own file.
        if not CreditNote.objects.filter(pk=note.pk, sha256="").update(pdf=name, sha256=digest):
            default_storage.delete(name)
            return False
        register(
            kind=Kind.CREDIT_NOTE,
            number=note.number,
            sha256=digest,
            issued_at=note.issued_at,
            check_code=note.statement["check_code"],
            pdf=name,
            to_seal=bool(note.statement["seal"]),
            rehearsal=rehearsal_number(),
        )
    return True


def print_for_mail(*, version: AgreementVersion, now: datetime) -> bool:
    """Make the PDFs that are attached to the announcement of a submitted version, unless they are made; return whether they were."""
    of_sha256 = version.expected_sha256()
    if not version.submitted_at or version.published_at or version.mailed_pdfs.filter(of_sha256=of_sha256).exists():
        return False
    from ..pdf.agreement import mailed_pdfs

    contents = {
        (kind, language): content
        for language, _name in settings.LANGUAGES
        for kind, content in mailed_pdfs(version, language, now).items()
    }
    return keep_pdfs(version=version, of_sha256=of_sha256, contents=contents, now=now)


def print_submitted_versions(*, clock: Callable[[], datetime]) -> int:
    """Make the PDFs of the versions that wait for their approval; return of how many they were made."""
    waiting = AgreementVersion.objects.drafts().filter(submitted_at__isnull=False).select_related("based_on")
    return sum(print_for_mail(version=version, now=clock()) for version in waiting.order_by("pk"))


def _unprinted(language: str) -> QuerySet[AgreementVersion]:
    printed = VersionPdf.objects.filter(language=language).values("version")
    announced = AgreementVersion.objects.filter(notice__isnull=False).exclude(pk__in=printed)
    return announced.select_related("notice").order_by("pk")


def print_version(*, version: AgreementVersion, language: str, now: datetime) -> int:
    """Print text and changes of an announced version in a language, unless it is done; return how many PDFs were added."""
    if VersionPdf.objects.filter(version=version, language=language).exists():
        return 0
    # Only a process that renders needs WeasyPrint and its libraries.
    from ..pdf.agreement import redline_pdf, text_pdf

    freeze_earlier_changes(now=now)
    contents = {VersionPdf.Kind.TEXT: text_pdf(version, language)}
    if changes := version.published_changes.filter(language=language).first():
        contents[VersionPdf.Kind.REDLINE] = redline_pdf(changes)
    rows = [
        VersionPdf(
            version=version,
            kind=kind,
            language=language,
            content=content,
            sha256=sha256(content).hexdigest(),
            printed_at=now,
        )
        for kind, content in contents.items()
    ]
    # Of two that print at once the first stands.
    VersionPdf.objects.bulk_create(rows, ignore_conflicts=True)
    return len(rows)
