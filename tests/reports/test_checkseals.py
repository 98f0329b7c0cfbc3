"""Whatever is changed about what was issued, its files, its seals or the register, is found; each kind with a twin that finds nothing."""

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import transaction

from sla_portal.agreements.models import AgreementVersion
from sla_portal.audit.documents import register
from sla_portal.audit.models import Certificate, Check, Checkpoint, Document, Kind, Seal
from sla_portal.audit.queries import present_findings
from sla_portal.audit.rules import Fault
from sla_portal.audit.seals import seal_due
from sla_portal.availability.models import MonthClosing
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Notice, Wording
from sla_portal.notices.operations import notify_of_findings
from sla_portal.reports.models import Bundle, Report, ReportRun, Status
from sla_portal.reports.operations import check_documents, check_documents_if_due, verifying
from tests.support.amendments import announced
from tests.support.authority import services, written
from tests.support.builders import a_region, at, on
from tests.support.closing import closed_by_two
from tests.support.desk import a_member, signed_in, text_of
from tests.support.statements import issued as statement
from tests.support.statements import quiet_month
from tests.support.unguarded import unguarded

pytestmark = [pytest.mark.django_db, pytest.mark.pdf]

NOW = at("2026-10-14 01:00")


@pytest.fixture
def issued(settings, tmp_path):
    """One document of each kind, sealed with a time stamp: a report, an announced version, a closing, checkpoints, a bundle."""
    from sla_portal.reports.pdf import render

    settings.MEDIA_ROOT = tmp_path
    region = a_region("eu")
    announced()
    closed_by_two(ServiceMonth(2026, 9), NOW)
    bundle = Bundle.objects.create(month=on("2026-09-01"), language="en", requested_at=NOW, requested_by_name="Lena")
    name = default_storage.save(f"bundles/{bundle.pk}.zip", ContentFile(b"PK"))
    digest = sha256(b"PK").hexdigest()
    Bundle.objects.update(status=Status.READY, file=name, sha256=digest, size=2, made_at=NOW)
    register(kind=Kind.BUNDLE, number=bundle.about, sha256=digest, issued_at=NOW)
    paper = render(statement(quiet_month()))
    digest = sha256(paper).hexdigest()
    run = ReportRun.objects.create(month=on("2026-09-01"), requested_at=NOW, requested_by_name="Lena")
    report = Report.objects.create(
        run=run, month=run.month, region=region, number="SLA-2026-09-EU", revision=1, language="en", issued_at=NOW,
        statement={}, figures_sha256="f" * 64, shared_sha256="s", status=Status.READY, file_sha256=digest, size=1,
        file=default_storage.save("reports/1.pdf", ContentFile(paper)), rendered_at=NOW,
    )  # fmt: skip
    register(
        kind=Kind.REPORT, about=report.about, number=report.number, sha256=digest, issued_at=NOW, pdf=report.file.name
    )
    with services() as offered:
        held = offered.authority.issue("Operator", first=at("2026-01-01 00:00"))
        settings.SEAL_KEY = written(tmp_path / "key.pem", held.as_pem())
        settings.SEAL_TIMESTAMP_URL = offered.timestamp_url
        while seal_due(clock=lambda: NOW):
            pass
    assert not Seal.objects.filter(sealed_at=None).exists()


def seal_of(kind: Kind) -> Seal:
    return Seal.objects.filter(document__kind=kind).select_related("document", "certificate").first()


def write(name: str, content: bytes) -> None:
    with default_storage.open(name, "wb") as file:
        file.write(content)


def read(name: str) -> bytes:
    with default_storage.open(name, "rb") as file:
        return file.read()


def alter_paper() -> None:
    name = Report.objects.get().file.name
    write(name, read(name).replace(b"%PDF-1.7", b"%PDF-1.6"))


def alter_announcement_and_register() -> None:
    """Change what was announced, and make the register fit it."""
    Wording.objects.update(text="The target falls.")
    for notice in Notice.objects.filter(public=True):
        digest = sha256(notice.published()).hexdigest()
        Document.objects.filter(kind=Kind.ANNOUNCEMENT, about=notice.number).update(sha256=digest)


def exchange_seals() -> None:
    """Give an announcement the seal of the version, which is good by itself."""
    other = seal_of(Kind.AGREEMENT)
    Seal.objects.filter(pk=seal_of(Kind.ANNOUNCEMENT).pk).update(
        content=other.content, sha256=other.sha256, timestamped_at=other.timestamped_at
    )


def lengthen_update() -> None:
    """Put objects behind the signature of a report."""
    seal = seal_of(Kind.REPORT)
    content = bytes(seal.content) + b"1 0 obj\n<<>>\nendobj\n"
    whole = read(seal.document.pdf) + content
    Seal.objects.filter(pk=seal.pk).update(content=content, sha256=sha256(whole).hexdigest())


def predate() -> None:
    Seal.objects.update(timestamped_at=NOW - timedelta(days=30))


TAMPERED: dict[str, tuple[Fault, Callable[[], object]]] = {
    "report": (Fault.FILE, alter_paper),
    "announcement": (Fault.FILE, lambda: Wording.objects.update(text="The target falls.")),
    "agreement version": (Fault.FILE, lambda: AgreementVersion.objects.filter(version="2.0").update(availability_target=90)),
    "month closing": (Fault.FILE, lambda: MonthClosing.objects.update(statement="{}")),
    "checkpoint": (Fault.FILE, lambda: Checkpoint.objects.update(hash="0" * 64)),
    "evidence bundle": (Fault.FILE, lambda: write(Bundle.objects.get().file.name, b"KP")),
    "record deleted": (Fault.FILE, lambda: MonthClosing.objects.all().delete()),
    "announcement and register": (Fault.SEAL, alter_announcement_and_register),
    "seals exchanged": (Fault.SEAL, exchange_seals),
    "PDF goes on behind its signature": (Fault.SEAL, lengthen_update),
    "certificate": (Fault.SEAL, lambda: Certificate.objects.update(fingerprint="0" * 64)),
    "certificate damaged": (Fault.SEAL, lambda: Certificate.objects.update(pem="")),
    "seal damaged": (Fault.SEAL, lambda: Seal.objects.update(content=b"0\x82", sha256=sha256(b"0\x82").hexdigest())),
    "time stamp": (Fault.SEAL, predate),
    "taken out of the register": (
        Fault.UNREGISTERED, lambda: (Seal.objects.all().delete(), Document.objects.all().delete()),
    ),
}  # fmt: skip


def faults() -> set[Fault]:
    return {finding.fault for finding in check_documents(now=NOW).findings}


def test_what_was_issued_is_verified_and_every_kind_of_tampering_is_found(issued, monkeypatch):
    assert faults() == set()
    assert Check.objects.get().documents == Document.objects.count() >= 6
    stored = {name: read(name) for name in (Report.objects.get().file.name, Bundle.objects.get().file.name)}
    with unguarded():
        for name, (fault, tamper) in TAMPERED.items():
            with transaction.atomic():
                tamper()
                assert faults() == {fault}, name
                if fault is Fault.SEAL:
                    with monkeypatch.context() as twin:
                        twin.setattr(verifying, "_fits", lambda *_parts: True)
                        assert faults() == set(), name
                transaction.set_rollback(True)
            for place, content in stored.items():
                write(place, content)
    assert faults() == set()


def test_faults_are_printed_with_their_number_and_told_once(issued):
    auditor = a_member("Auditor")
    auditor.email = "auditor@example.com"
    auditor.save()
    printed = StringIO()
    call_command("checkseals", stdout=printed)
    assert "All that was issued is intact" in printed.getvalue()
    write("reports/1.pdf", b"%PDF")
    with pytest.raises(SystemExit):
        call_command("checkseals", stdout=printed)
    said = "The file of availability report SLA-2026-09-EU is missing, or is not the one that was issued."
    assert said in printed.getvalue()
    mail = Notice.objects.get(about__startswith="documents ").wording("en")
    assert mail.subject == "Issued documents failed their integrity check"
    assert said in mail.text
    assert notify_of_findings(check=check_documents(now=NOW), now=NOW) is None
    desk = signed_in(auditor)
    assert said in text_of(desk.get("/admin/"))
    assert "issued documents and their seals: ■ broken" in text_of(desk.get("/admin/audit/entry/check/"))
    assert [finding.fault for finding in present_findings()] == [Fault.FILE]


def test_the_schedule_verifies_once_a_week():
    assert check_documents_if_due(now=NOW)
    assert check_documents_if_due(now=NOW + timedelta(days=6)) is None
    assert check_documents_if_due(now=NOW + timedelta(days=7))
