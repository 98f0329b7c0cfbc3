"""What was issued, for whoever has the paper, and the certificates it was sealed with."""

from __future__ import annotations

import re

from sla_portal.audit import queries as register
from sla_portal.audit.models import Certificate, Checkpoint, Document, Kind
from sla_portal.notices.models import Notice
from sla_portal.operator.queries import staged_at

from ..rules import PublicCertificate, PublicDocument, Seal, Verified


def verified_by_hash(sha256: str) -> Verified | None:
    """Return the document whose file has this SHA-256, before or after it was sealed; None where there is none."""
    row = _own(register.document_of_file(sha256))
    return _verified(row, sealed_copy=bool(row and row.pdf and row.sha256 != sha256))


def verified_by_code(number: str, check_code: str) -> Verified | None:
    """Return the document with this number, if the check code is its own; the code finds it, so numbers alone do not."""
    row = _own(register.documents().filter(check_code=check_code).first())
    typed = re.sub(r"-r\d+$", "", number.strip(), flags=re.IGNORECASE).casefold()
    return _verified(row if row and row.number.casefold() == typed else None)


def _own(row: Document | None) -> Document | None:
    """Return a document if this installation issued it: a staging copy issued none of the original's."""
    copied_at = staged_at()
    return row if row and (copied_at is None or row.issued_at >= copied_at) else None


def _verified(row: Document | None, *, sealed_copy: bool | None = None) -> Verified | None:
    if row is None:
        return None
    later = Document.objects.filter(
        kind=row.kind, about=row.about, rehearsal=row.rehearsal, revision__gt=row.revision
    ).order_by("-revision")
    newest = later.values_list("revision", "issued_at").first()
    return Verified(public_document(row), sealed_copy, *(newest or (None, None)))


def public_document(row: Document) -> PublicDocument:
    seal = getattr(row, "seal", None)
    sealed = None
    if seal and seal.sealed_at:
        certificate = seal.certificate
        sealed = Seal(
            seal.sealed_at,
            seal.timestamped_at,
            certificate.holder,
            certificate.fingerprint,
            certificate.demonstration,
        )
    return PublicDocument(
        row.kind, row.number, row.revision, row.issued_at, row.sha256, row.check_code, sealed, row.rehearsal > 0
    )


def issued(kind: Kind, about: str) -> PublicDocument | None:
    """Return what the register says of a public document; None where it was issued before there was one."""
    row = register.document(kind, about)
    return public_document(row) if row else None


def certificates() -> tuple[PublicCertificate, ...]:
    """The certificates that documents were sealed with, the newest first."""
    rows = Certificate.objects.order_by("-pk")
    return tuple(
        PublicCertificate(
            row.fingerprint, row.holder, row.issuer, row.valid_from, row.valid_until, row.first_used_at,
            row.demonstration, row.pem,
        )
        for row in rows
    )  # fmt: skip


def announced_content(number: str) -> bytes | None:
    """Return an announcement as the file that is sealed."""
    found = Notice.objects.filter(public=True, number=number).first()
    return found.published() if found else None


def checkpoint_content(number: int) -> bytes | None:
    """Return a checkpoint as the file that is sealed."""
    found = Checkpoint.objects.filter(pk=number).first()
    return found.content() if found else None


def seal_beside(kind: Kind, about: str) -> bytes | None:
    """Return the seal of a public document, which stands beside it."""
    return register.seal_of(kind, about)
