"""Verify all that was issued: that each file is the registered one, each seal its own, and none is left out of the register."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256

from django.core.files.storage import default_storage
from django.db.models import QuerySet

from claims.models import CreditNote
from sla_portal.agreements.models import AgreementVersion
from sla_portal.audit.models import Certificate, Check, Checkpoint, Document, Kind, Seal
from sla_portal.audit.rules import MOST_FINDINGS, Fault, Finding
from sla_portal.availability.models import MonthClosing
from sla_portal.notices.models import Notice
from sla_portal.operator.queries import rehearsal_number

from ..models import Bundle, Report, Status

EVERY = timedelta(days=7)
CHUNK = 200


def check_documents(*, now: datetime) -> Check:
    """Verify every registered document and its seal, and look for what is not registered; keep what was found."""
    findings: list[Finding] = []
    count = 0
    for document in registered().select_related("seal__certificate").order_by("pk").iterator(chunk_size=CHUNK):
        count += 1
        fault = _fault_of(document)
        if fault and len(findings) < MOST_FINDINGS:
            findings.append(Finding(fault, document.pk, document=f"{document.kind} {document}"))
    for number, (kind, name) in enumerate(unregistered(), start=len(findings)):
        if number < MOST_FINDINGS:
            findings.append(Finding(Fault.UNREGISTERED, 0, document=f"{kind} {name}"))
    return Check.objects.create(
        at=now, whole=True, entries=0, documents=count, found=[one.stored() for one in findings]
    )


def check_documents_if_due(*, now: datetime) -> Check | None:
    """Verify what was issued, unless that was done within the last week."""
    last = Check.objects.filter(documents__isnull=False).first()
    return check_documents(now=now) if last is None or last.at <= now - EVERY else None


def registered() -> QuerySet[Document]:
    """Return what is registered; of an ended rehearsal the register keeps what the portal does not."""
    return Document.objects.filter(rehearsal__in={0, rehearsal_number()})


def _fault_of(document: Document) -> Fault | None:
    paper = _stored(document.pdf) if document.pdf else b""
    if (sha256(paper).hexdigest() if document.pdf else _sha256_of(document)) != document.sha256:
        return Fault.FILE
    seal = getattr(document, "seal", None)
    if seal is None or seal.certificate is None or seal.content is None:
        return None
    return None if _fits(seal, seal.certificate, bytes(seal.content), paper) else Fault.SEAL


def _fits(seal: Seal, stated: Certificate, content: bytes, paper: bytes) -> bool:
    """Whether a seal is of its document, and by the stated certificate."""
    # Only a process that seals, or verifies seals, needs pyHanko.
    from sla_portal.audit.sealing.verifying import certificate_of, is_sealed, is_sealed_within

    document = seal.document
    try:
        certificate = certificate_of(stated.pem)
    except ValueError:
        return False
    whole = sha256(paper + content).hexdigest()
    if (certificate.sha256.hex(), whole) != (stated.fingerprint, seal.sha256):
        return False
    if document.pdf:
        return is_sealed_within(paper, content, certificate, seal.timestamped_at)
    return is_sealed(bytes.fromhex(document.sha256), content, certificate, seal.timestamped_at)


def _stored(name: str) -> bytes:
    try:
        with default_storage.open(name, "rb") as file:
            content: bytes = file.read()
    except OSError:
        return b""
    return content


def _sha256_of(document: Document) -> str:
    """Return the SHA-256 of the file of a document that is no stored PDF; empty where its record is gone."""
    about = document.about
    if document.kind == Kind.BUNDLE:
        bundle = Bundle.objects.filter(pk=about.rpartition("-")[2], status=Status.READY).first()
        return _sha256_of_file(bundle.file.name or "") if bundle and bundle.about == about else ""
    content: bytes | None = None
    if document.kind == Kind.AGREEMENT:
        version = AgreementVersion.objects.filter(version=about).first()
        return version.expected_sha256() if version else ""
    if document.kind == Kind.ANNOUNCEMENT:
        notice = Notice.objects.filter(number=about, public=True).first()
        content = notice.published() if notice else None
    elif document.kind == Kind.CLOSING:
        closing = MonthClosing.objects.filter(month=f"{about}-01", revision=document.revision).first()
        content = closing.content() if closing else None
    elif document.kind == Kind.CHECKPOINT:
        checkpoint = Checkpoint.objects.filter(pk=about).first()
        content = checkpoint.content() if checkpoint else None
    return "" if content is None else sha256(content).hexdigest()


def _sha256_of_file(name: str) -> str:
    digest = sha256()
    try:
        with default_storage.open(name, "rb") as file:
            while part := file.read(1 << 20):
                digest.update(part)
    except OSError:
        return ""
    return digest.hexdigest()


def unregistered() -> Iterator[tuple[Kind, str]]:
    """Return the kind and the name of what the portal issued and the register lacks."""
    for kind, rows in (
        (Kind.REPORT, Report.objects.filter(status=Status.READY).defer("statement").order_by("pk")),
        (Kind.ANNOUNCEMENT, Notice.objects.filter(public=True).order_by("pk")),
        (Kind.AGREEMENT, AgreementVersion.objects.filter(notice__isnull=False).order_by("pk")),
        (Kind.CLOSING, MonthClosing.objects.defer("statement").order_by("pk")),
        (Kind.CHECKPOINT, Checkpoint.objects.order_by("pk")),
        (Kind.CREDIT_NOTE, CreditNote.objects.exclude(sha256="").order_by("pk")),
        (Kind.BUNDLE, Bundle.objects.filter(status=Status.READY).order_by("pk")),
    ):
        issued = {_about(row): str(row) for row in rows.iterator(chunk_size=CHUNK)}
        # Afterwards, so that what is issued meanwhile is not missed.
        known = set(registered().filter(kind=kind).values_list("about", "revision"))
        yield from ((kind, name) for about, name in issued.items() if about not in known)


def _about(
    row: Report | Notice | AgreementVersion | MonthClosing | Checkpoint | Bundle | CreditNote,
) -> tuple[str, int]:
    """Return what the register calls a record that was issued, and its revision."""
    match row:
        case Report():
            return row.about, row.revision
        case Notice():
            return row.number, 1
        case AgreementVersion():
            return row.version, 1
        case MonthClosing():
            return f"{row.month:%Y-%m}", row.revision
        case Checkpoint():
            return str(row.number), 1
        case CreditNote():
            return row.number, 1
        case Bundle():
            return row.about, 1
