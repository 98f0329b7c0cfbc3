"""A file is stored with its claim completely or not at all (3.3.2)."""

import stat
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pikepdf
import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.db import IntegrityError, connection, connections

from claims.models import Proof
from claims.models.applying import Scan
from claims.operations.proofs import ClaimDecided, ProofRefused, TooManyProofs, add_proof, record_view, remove_proof
from claims.queries.proofs import proofs_of
from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import register
from sla_portal.audit.models import Entry, Kind
from sla_portal.audit.operations import NotAllowed
from tests.support.desk import a_member
from tests.support.proofs import a_mail, a_pdf, a_picture, an_archive
from tests.support.scanner import SIGNATURE
from tests.support.sealing import FORM, NOW, a_claim, add, an_application, content_of, stored

pytestmark = pytest.mark.usefixtures("proof_storage")


@pytest.mark.django_db
def test_a_file_is_stored_under_a_random_name_readable_by_the_portal_only():
    content = a_picture()
    proof = add(a_claim(), content, "Screen 02:00.png")
    assert (proof.name, proof.kind, proof.size, proof.scan) == (
        "Screen 02:00.png",
        "png",
        len(content),
        Scan.NOT_SCANNED,
    )
    assert proof.sha256 == sha256(content).hexdigest()
    proof = Proof.objects.get()
    assert content_of(proof.file) == content
    assert content_of(proof.preview).startswith(b"\x89PNG")
    assert stored() == {proof.file.name, proof.preview.name}
    for name in stored():
        assert len(bytes.fromhex(name)) == 16
        assert stat.S_IMODE(Path(storages["proofs"].path(name)).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(storages["proofs"].location).stat().st_mode) == 0o700


@pytest.mark.django_db
def test_the_audit_log_of_the_claim_records_the_hash():
    claim = a_claim()
    proof = add(claim)
    entry = Entry.objects.get()
    assert (entry.actor_name, entry.action, entry.subject, entry.at) == (
        "claim form",
        "added proof to",
        claim.number,
        NOW,
    )
    assert entry.changes == {"sha256": [None, proof.sha256], "proof": [None, "log.txt"]}


@pytest.mark.django_db
def test_the_audit_log_of_an_unsent_application_records_only_the_hash():
    proof = add(an_application())
    assert Entry.objects.get().changes == {"sha256": [None, proof.sha256]}


@pytest.mark.django_db
def test_the_same_file_is_stored_once_per_claim():
    claim = a_claim()
    first = add(claim, name="log.txt")
    before = stored()
    assert add(claim, name="the same again.txt") == first
    assert stored() == before
    assert Entry.objects.count() == 1
    assert add(a_claim()) != first


@pytest.mark.django_db
def test_a_large_upload_in_a_temporary_file_is_accepted():
    pages = a_pdf(pages=3, change=lambda pdf: setattr(pdf.Root, "Weight", pdf.make_stream(bytes(3_000_000))),
                  compress_streams=False)  # fmt: skip
    assert len(pages) > 3_000_000
    upload = TemporaryUploadedFile("letter.pdf", "application/pdf", len(pages), None)
    upload.write(pages)
    upload.seek(0)
    proof = add_proof(actor=FORM, to=a_claim(), upload=upload, now=NOW)
    upload.close()
    assert (proof.kind, proof.pages, proof.preview_kind) == ("pdf", 3, "image/jpeg")
    assert content_of(proof.file) == pages


@pytest.mark.django_db
def test_a_claim_has_at_most_ten_files():
    claim = a_claim()
    for number in range(10):
        add(claim, b"%d" % number)
    with pytest.raises(TooManyProofs, match="There are 10 files already"):
        add(claim, b"one more")
    assert add(claim, b"7").name == "log.txt"
    assert len(stored()) == 20


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["granted", "refused", "withdrawn"])
def test_no_file_can_be_added_to_a_decided_claim(status):
    appealed = {"appealed_at": NOW, "appeal": "It was down"} if status == "refused" else {}
    with pytest.raises(ClaimDecided):
        add(a_claim(status, **appealed))
    assert stored() == set()


@pytest.mark.django_db
def test_a_file_can_come_with_an_appeal_of_a_refused_claim():
    assert add(a_claim("refused")).pk


@pytest.mark.django_db
@pytest.mark.parametrize("status", ["held", "submitted", "waiting", "recommended"])
def test_proof_can_follow_until_a_claim_is_decided(status):
    assert add(a_claim(status)).pk


@pytest.mark.django_db
def test_staff_need_the_right_to_enter_claims():
    with pytest.raises(NotAllowed):
        add(a_claim(), actor=Actor.staff(a_member("NOC")))
    assert add(a_claim(), actor=Actor.staff(a_member("Support"))).added_by_name == "Support"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("evil.svg", b"<svg/>", "This file type is not accepted"),
        ("zip.png", a_picture() + an_archive(), "This file contains a second file"),
        ("half.pdf", a_pdf()[:100], "This file is damaged"),
        ("empty.txt", b"", "This file is empty"),
        ("large.txt", b"x" * 20 * 1024 * 1024 + b"x", "This file is larger than 20 MB"),
        ("evil\0.png", b"hello", "The content of this file does not match its file extension"),
    ],
)
def test_a_refused_file_gets_a_message_and_leaves_nothing(name, content, sentence):
    with pytest.raises(ProofRefused, match=sentence):
        add(a_claim(), content, name)
    assert (stored(), Proof.objects.count(), Entry.objects.count()) == (set(), 0, 0)


@pytest.mark.django_db
def test_a_report_that_the_portal_issued_is_accepted_with_the_figures_attached_to_it():
    """Other papers that carry files are refused; this one is known by its SHA-256."""
    report = a_pdf(change=lambda pdf: pdf.attachments.update({"f.json": pikepdf.AttachedFileSpec(pdf, b"{}")}))
    claim = a_claim()
    with pytest.raises(ProofRefused, match="This PDF contains attached files"):
        add(claim, report, "report.pdf")
    register(
        kind=Kind.REPORT, number="SLA-2026-09-eu", sha256=sha256(report).hexdigest(), issued_at=NOW, pdf="report.pdf"
    )
    assert add(claim, report, "report.pdf").remarks == ["ours"]
    with pytest.raises(ProofRefused, match="This PDF contains attached files"):
        add(claim, report.replace(b"{}", b"[]") + b"\n", "report.pdf")


@pytest.mark.django_db
def test_twenty_megabytes_are_accepted():
    assert add(a_claim(), b"x" * 20 * 1024 * 1024).size == 20 * 1024 * 1024


@pytest.mark.django_db
def test_a_row_that_cannot_be_written_leaves_no_file_behind():
    with pytest.raises(IntegrityError):
        add(a_claim(), actor=Actor(name=None))
    assert stored() == set()


@pytest.mark.django_db
def test_a_storage_error_is_reported_with_a_message(settings, tmp_path):
    (tmp_path / "proofs").write_text("no folder")
    claim = a_claim()
    with pytest.raises(ProofRefused, match="The file could not be saved"):
        add(claim)
    assert (Proof.objects.count(), Entry.objects.count()) == (0, 0)


@pytest.mark.django_db
def test_a_file_with_a_virus_is_refused(scanner):
    with pytest.raises(ProofRefused, match=r"The virus scanner found a virus in this file: Harmless\.Sign"):
        add(a_claim(), SIGNATURE)
    assert stored() == set()
    assert add(a_claim(), b"clean").scan == Scan.CLEAN
    scanner.says = b"ERROR\0"
    assert add(a_claim(), b"unknown").scan == Scan.NOT_SCANNED


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("log.txt", "log.txt"),
        ("LOG.TXT", "LOG.TXT"),
        ("../../etc/passwd.txt", "passwd.txt"),
        ("C:\\Users\\me\\log.txt", "log.txt"),
        ("/log.txt/", "log.txt"),
        ("...log.txt", "log.txt"),
        (".txt", "txt.txt"),
        ("..", f"{sha256(b'hello').hexdigest()[:12]}.txt"),
        ("", f"{sha256(b'hello').hexdigest()[:12]}.txt"),
        ("\u202etxt.gol.txt", "txt.gol.txt"),
        ("zero\u200bwidth.txt", "zerowidth.txt"),
        ("two\r\nlines: x.txt", "two lines: x.txt"),
        ("a\0b.txt", "ab.txt"),
        ("x" * 300 + ".txt", "x" * 120 + ".txt"),
        ("x" * 300, "x" * 120 + ".txt"),
        ("device.log", "device.log.txt"),
        ("<script>alert(1)<|script>", "<script>alert(1)<|script>.txt"),
        ("日志.txt", "日志.txt"),
        ("café.txt", "café.txt"),
    ],
)
def test_deceptive_characters_are_removed_from_a_file_name(given, shown):
    proof = add(a_claim(), b"hello", given)
    assert proof.name == shown
    assert stored() == {proof.file.name, proof.preview.name}


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["log.txt\u202e.exe", "log.txt.exe", "log.txt\0.exe", "log.txt .js "])
def test_a_hidden_file_extension_is_detected(name):
    with pytest.raises(ProofRefused, match="This file type is not accepted"):
        add(a_claim(), b"hello", name)


@pytest.mark.django_db(transaction=True)
def test_a_file_of_an_application_can_be_removed():
    application = an_application()
    kept, gone = add(application, b"kept"), add(application, b"gone")
    remove_proof(actor=FORM, proof=gone, now=NOW)
    assert list(application.proofs.all()) == [kept]
    assert stored() == {kept.file.name, kept.preview.name}
    entry = Entry.objects.order_by("-id")[0]
    assert (entry.action, entry.changes) == ("removed proof from", {"sha256": [gone.sha256, None]})


@pytest.mark.django_db
def test_a_file_of_a_claim_cannot_be_removed():
    proof = add(a_claim())
    with pytest.raises(ClaimDecided):
        remove_proof(actor=FORM, proof=proof, now=NOW)
    assert Proof.objects.get() == proof
    assert len(stored()) == 2


@pytest.mark.django_db
def test_each_view_is_recorded_with_who_what_and_when():
    claim = a_claim()
    proof = add(claim)
    auditor = Actor.staff(a_member("Auditor"))
    record_view(actor=auditor, proof=proof, what="preview", now=NOW)
    record_view(actor=auditor, proof=proof, what="original", now=NOW)
    seen = list(Entry.objects.order_by("id").values_list("actor_name", "action", "subject_id", "changes__sha256__1"))[
        1:
    ]
    assert seen == [
        ("Auditor", "viewed proof of", str(claim.pk), proof.sha256),
        ("Auditor", "downloaded proof of", str(claim.pk), proof.sha256),
    ]
    with pytest.raises(NotAllowed):
        record_view(actor=Actor.staff(a_member("NOC")), proof=proof, what="preview", now=NOW)


@pytest.mark.django_db
def test_the_same_file_in_another_claim_is_listed(django_assert_num_queries):
    first, second, third = a_claim(), a_claim(), a_claim()
    proof = add(first)
    add(second)
    add(third, b"another")
    add(an_application())
    for number in range(3):
        add(first, b"%d" % number)
    with django_assert_num_queries(2):
        shown = proofs_of(first)
        assert [(one.row.sha256 == proof.sha256, [str(claim) for claim in one.elsewhere]) for one in shown] == [
            (True, [second.number]), (False, []), (False, []), (False, []),
        ]  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_ten_concurrent_uploads_of_the_same_file_are_stored_once(proof_storage):
    claim = a_claim()
    content = bytes(a_mail())

    def once(_turn: int) -> int:
        try:
            return add(claim, content, "mail.eml").pk
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert len(set(threads.map(once, range(10)))) == 1
    assert Proof.objects.count() == Entry.objects.count() == 1
    assert len(stored()) == 2
    connection.close()
