"""Keep the PDFs of a submitted version, and attach them to its e-mails: a durable medium (5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction

from sla_portal.notices.wording import File

from ..models import AgreementVersion, MailedPdf

PDF = "application/pdf"


def keep_pdfs(
    *, version: AgreementVersion, of_sha256: str, contents: Mapping[tuple[str, str], bytes], now: datetime
) -> bool:
    """Keep the PDFs of a submitted version by kind and language; return False where it has changed since they were begun."""
    with transaction.atomic():
        locked = AgreementVersion.objects.select_for_update().get(pk=version.pk)
        if locked.published_at or not locked.submitted_at or locked.expected_sha256() != of_sha256:
            return False
        locked.mailed_pdfs.all().delete()
        MailedPdf.objects.bulk_create(
            MailedPdf(version=locked, kind=kind, language=language, of_sha256=of_sha256, content=content, made_at=now)
            for (kind, language), content in contents.items()
        )
    return True


def files_to_attach(version: AgreementVersion) -> list[File]:
    """Return the PDFs of a version: those of its announcement or, before that, those made of it as it is."""
    if version.notice:
        return [File(one.name, one.content_type, bytes(one.content)) for one in version.notice.attachments.all()]
    made = version.mailed_pdfs.filter(of_sha256=version.expected_sha256()).select_related("version__based_on")
    return [File(one.name, PDF, bytes(one.content)) for one in made]
