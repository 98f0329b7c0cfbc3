"""The evidence bundle of an amendment: a ZIP that anyone can verify, the same files for the same record."""

import csv
import gc
import hashlib
import io
import json
import tracemalloc
from datetime import date, timedelta
from zipfile import ZipFile

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from sla_portal.agreements.models import PublishedChanges
from sla_portal.agreements.operations import notify_missed, register_answer
from sla_portal.agreements.queries import deliveries_of
from sla_portal.agreements.rules import AnswerKind
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Checkpoint, Entry
from sla_portal.audit.operations import NotAllowed
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery
from sla_portal.notices.private import token
from sla_portal.reports.bundles import Noted, write_bundle
from sla_portal.reports.bundles.archive import CHUNK
from sla_portal.reports.bundles.notices import DELIVERY_COLUMNS, add_notified
from sla_portal.reports.models import Bundle, Status, VersionPdf
from sla_portal.reports.operations import (
    NoSuchRecipient,
    NotAnnounced,
    due_bundles,
    make_bundle,
    release_expired_bundles,
    request_bundle,
)
from sla_portal.reports.tasks import make_due_bundles
from sla_portal.website.keeping import keep_announcements
from tests.support.amendments import ANNOUNCED, a_draft, announced, legal, withdraw_version
from tests.support.builders import a_contract, a_customer, a_region, a_version, at
from tests.support.desk import a_member
from tests.support.operators import an_operator
from tests.support.printed import sound, texts
from tests.support.unguarded import unguarded

pytestmark = [pytest.mark.django_db, pytest.mark.pdf]

NOW = at("2026-06-10 04:00")


def clock():
    return NOW


@pytest.fixture(autouse=True)
def files(settings, tmp_path) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def version():
    customer = a_customer(a_region(), "C-1", name="Riverside")
    Contact.objects.create(customer=customer, email="ann@example.com", name="Ann Lee")
    Contact.objects.create(customer=customer, email="+cmd@example.com", name="=HYPERLINK(1)")
    a_contract(customer, "2026-01-01", "2027-06-30", reference="K-1")
    return announced()


def requested(version, *, language: str = "en", email: str = "") -> Bundle:
    return request_bundle(actor=legal("ann"), version=version, language=language, email=email, now=NOW)


def made(version, **asked) -> Bundle:
    bundle = requested(version, **asked)
    assert make_bundle(pk=bundle.pk, clock=clock)
    bundle.refresh_from_db()
    return bundle


def content(bundle: Bundle) -> bytes:
    with bundle.file.open("rb") as file:
        return file.read()


def opened(bundle: Bundle) -> ZipFile:
    return ZipFile(io.BytesIO(content(bundle)))


def test_it_contains_all_evidence_of_the_amendment(version):
    archive = opened(made(version))
    number = version.notice.number
    assert archive.namelist() == [
        "version-2.0.pdf", "version-2.0.json", "redline-1.0-2.0.pdf", "redline-1.0-2.0.en.json",
        "redline-1.0-2.0.zh-hans.json", f"announcement/{number}.json",
        f"announcement/{number}.en.txt", f"announcement/{number}.en.html", f"announcement/{number}.zh-hans.txt",
        f"announcement/{number}.zh-hans.html", "pages.csv", "deliveries.csv", "notified.csv", "customers.csv", "responses.csv",
        "contracts.csv", "audit.jsonl", "checkpoints.json", "verify.py", "verify.en.html", "verify.zh-hans.html",
        "README.txt", "SHA256SUMS", "checkpoint.json", "checkpoint-entry.txt",
    ]  # fmt: skip
    assert archive.testzip() is None
    readme = archive.read("README.txt").decode()
    assert not [name for name in archive.namelist()[:-4] if name.partition("/")[0].partition(".")[0] not in readme]


def test_its_hashes_are_the_recorded_ones(version):
    bundle = made(version)
    archive = opened(bundle)
    assert bundle.sha256 == hashlib.sha256(content(bundle)).hexdigest()
    assert bundle.size == len(content(bundle))
    for line in archive.read("SHA256SUMS").decode().splitlines():
        digest, path = line.split("  ")
        assert hashlib.sha256(archive.read(path)).hexdigest() == digest
    assert hashlib.sha256(archive.read("version-2.0.json")).hexdigest() == version.sha256
    announcement = archive.read(f"announcement/{version.notice.number}.json")
    assert hashlib.sha256(announcement).hexdigest() == version.notice.sha256
    entry = Entry.objects.get(action="put a bundle of proof together")
    assert entry.changes == {"sha256": [None, bundle.sha256], "size": [None, bundle.size]}


def test_the_same_record_gives_the_same_files(version):
    first, second = (opened(made(version, email="ann@example.com")).read("SHA256SUMS") for _ in range(2))
    assert first == second
    Delivery.objects.filter(email="ann@example.com").update(status="sent", sent_at=NOW)
    assert opened(made(version, email="ann@example.com")).read("SHA256SUMS") != first


def test_the_pdfs_state_the_terms_and_the_changes(version):
    archive = opened(made(version))
    full = "\n".join(texts(sound(archive.read("version-2.0.pdf"))))
    assert "99.995 %" in full
    assert version.sha256 in full.replace("\n", "")
    changed = " ".join("\n".join(texts(sound(archive.read("redline-1.0-2.0.pdf")))).split())
    assert "Changes from version 1.0 to 2.0" in changed
    assert "is 2 min, previously 4 min" in changed
    assert "\N{REPLACEMENT CHARACTER}" not in full + changed


def test_in_chinese_the_pdf_is_chinese(version):
    archive = opened(made(version, language="zh-hans"))
    full = "\n".join(texts(sound(archive.read("version-2.0.pdf"))))
    assert "计入不可用时间" in full.replace("\n", "")
    assert "\N{REPLACEMENT CHARACTER}" not in full


def test_the_papers_name_the_operator_of_the_announcement_and_the_bundle_that_of_today(db):
    an_operator(now=ANNOUNCED - timedelta(days=30))
    version = announced()
    an_operator(name="Renamed AG", name_zh="改名公司")
    archive = opened(made(version, language="zh-hans"))
    assert archive.read("README.txt").decode().startswith("改名公司, Hafenstraße 12, Hamburg\n\n")
    for name in ("version-2.0.pdf", "redline-1.0-2.0.pdf"):
        said = "".join(texts(sound(archive.read(name)))).replace("\n", "")
        assert "示例对讲云有限公司, Hafenstraße 12, Hamburg" in said
    assert "<p>Renamed AG, Hafenstraße 12, Hamburg</p>" in archive.read("verify.en.html").decode()


def test_deliveries_have_a_row_each_and_no_formula(version):
    Delivery.objects.filter(email="ann@example.com").update(
        status="sent", sent_at=at("2026-06-01 04:01"), last_error='250 "ok", queued'
    )
    rows = list(
        csv.DictReader(io.StringIO(opened(made(version)).read("deliveries.csv").decode("utf-8-sig"), newline=""))
    )
    assert tuple(rows[0]) == DELIVERY_COLUMNS
    told = {row["email"]: row for row in rows}
    ann = told["ann@example.com"]
    assert (ann["notice"], ann["status"], ann["sent_at"]) == (version.notice.number, "sent", "2026-06-01T04:01:00Z")
    assert (ann["customer"], ann["mail_server_response"]) == ("C-1", '250 "ok", queued')
    assert told["'+cmd@example.com"]["name"] == "'=HYPERLINK(1)"
    assert len(rows) == 2


class Sheet:
    """Takes the rows of a table instead of an archive."""

    def add_table(self, _name, _columns, rows):
        self.rows = list(rows)


def test_each_customer_is_listed_with_the_deliveries_by_which_it_was_told(version):
    installer = a_customer(a_region(), "I-1")
    installer.contacts.create(email="wall@example.com")
    for code in ("S-1", "S-2"):
        a_contract(a_customer(a_region(), code, name=f"House {code}", installer=installer), "2026-06-03", "2027-06-30")
    notice = notify_missed(actor=legal("bob"), version=version, now=at("2026-06-10 04:00"))
    add_notified(sheet := Sheet(), deliveries_of(version))
    [told, again] = [row for row in sheet.rows if row[4] == "wall@example.com"]
    assert told[:3] == ("S-1", "House S-1 (S-1)", notice.number)
    assert (again[:3], again[3]) == (("S-2", "House S-2 (S-2)", notice.number), told[3])
    assert ("C-1", "ann@example.com") in {(row[0], row[4]) for row in sheet.rows}


def test_it_includes_a_recipients_emails_on_request_without_the_personal_link(version):
    delivery = Delivery.objects.get(email="ann@example.com")
    archive = opened(made(version, email="ANN@example.com"))
    name = f"mail/{version.notice.number}.{delivery.pk}.eml"
    source = archive.read(name).decode()
    assert f"Message-ID: {delivery.message_id}" in source
    assert "To: Ann Lee <ann@example.com>" in source
    key = token(delivery)
    assert not [path for path in archive.namelist() if key.encode() in archive.read(path).replace(b"=\r\n", b"")]
    assert name in archive.read("README.txt").decode()
    assert not [path for path in opened(made(version)).namelist() if path.startswith("mail/")]


def table(archive: ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"), newline="")))


def test_it_says_how_each_customer_stood_and_which_contracts_ended(version):
    first = Contact.objects.get(email="ann@example.com").customer
    others = {}
    for code in ("C-2", "C-3", "C-4"):
        others[code] = a_customer(a_region(), code, name=code)
        a_contract(others[code], "2026-01-01", "2026-06-20" if code == "C-4" else "2027-06-30", reference=f"K-{code}")
    register_answer(
        actor=legal("bob"), version=version, customer=first, kind=AnswerKind.OBJECTION, by_name="Ann Lee", now=NOW
    )
    register_answer(
        actor=legal("bob"), version=version, customer=others["C-2"], kind=AnswerKind.TERMINATION, by_name="Bo",
        last_day=date(2026, 6, 30), text="Enough.", now=NOW,
    )  # fmt: skip
    archive = opened(made(version))
    stood = {row["customer"]: (row["status"], row["in_words"]) for row in table(archive, "customers.csv")}
    assert stood == {
        "C-1": ("objected", "objected"),
        "C-2": ("terminated", "terminated"),
        "C-3": ("no_response", "no response yet"),
        "C-4": ("expired", "not concerned: contract expired before"),
    }
    objection, termination = table(archive, "responses.csv")
    assert (objection["customer"], objection["by"], objection["registered_by"]) == ("C-1", "Ann Lee", "bob")
    (ended,) = table(archive, "contracts.csv")
    assert (ended["contract"], ended["terminated_on"], ended["response"]) == (
        "K-C-2", "2026-06-30", termination["response"]
    )  # fmt: skip
    lines = [json.loads(line) for line in archive.read("audit.jsonl").decode().splitlines()]
    assert {line["content"]["action"] for line in lines} >= {"gave", "published", "registered", "terminated"}
    # 5.2: once the version has taken effect, who continues has accepted.
    bundle = requested(version)
    assert make_bundle(pk=bundle.pk, clock=lambda: at("2026-07-02 00:00"))
    bundle.refresh_from_db()
    stood = {row["customer"]: row["in_words"] for row in table(opened(bundle), "customers.csv")}
    assert (stood["C-1"], stood["C-3"]) == ("objected, continues under the new version", "deemed accepted")


def test_it_holds_the_public_pages_as_they_were_kept(version):
    keep_announcements(clock=lambda: ANNOUNCED + timedelta(seconds=20))
    archive = opened(made(version))
    pages = table(archive, "pages.csv")
    assert [row["address"].partition("/notices/")[2] for row in pages[:2]] == [
        f"{version.notice.number}/?lang=en", f"{version.notice.number}/?lang=zh-hans"
    ]  # fmt: skip
    assert [row["address"].partition("/agreement/")[2] for row in pages[2:]] == [
        "1.0/2.0/?lang=en", "1.0/2.0/?lang=zh-hans"
    ]  # fmt: skip
    assert {row["copied_at"] for row in pages} == {"2026-06-01T04:00:20Z"}
    for row in pages:
        assert hashlib.sha256(archive.read(row["file"])).hexdigest() == row["sha256"]
    assert version.notice.sha256 in archive.read(pages[0]["file"]).decode()
    assert "99.995 %" in archive.read(pages[2]["file"]).decode()
    # Kept once, whatever the pages show later.
    assert keep_announcements(clock=clock) == 0


def test_its_pdfs_are_printed_once(version, monkeypatch):
    first = opened(made(version))
    monkeypatch.setattr("sla_portal.reports.pdf.agreement.print_page", lambda *_of: pytest.fail("printed again"))
    second = opened(made(version))
    for name in ("version-2.0.pdf", "redline-1.0-2.0.pdf"):
        assert first.read(name) == second.read(name)
    for change in (VersionPdf.objects.all().delete, lambda: VersionPdf.objects.update(content=b"")):
        with pytest.raises(IntegrityError, match="reports_versionpdf_is_only_added_to"), transaction.atomic():
            change()


def test_what_an_earlier_build_announced_is_as_it_was_at_the_upgrade_and_says_so(version):
    with unguarded():
        PublishedChanges.objects.all().delete()
    archive = opened(made(version))
    assert "They are as they were shown on 2026-06-10T04:00:00Z" in archive.read("README.txt").decode()
    changed = " ".join("\n".join(texts(sound(archive.read("redline-1.0-2.0.pdf")))).split())
    assert "The changes are shown as they were on 10 June 2026, 12:00:00, after an upgrade" in changed


def test_it_includes_the_withdrawal(version):
    withdraw_version(actor=legal("bob"), version=version, reason="A mistake.", now=NOW)
    version.refresh_from_db()
    archive = opened(made(version))
    assert f"announcement/{version.withdrawal_notice.number}.en.txt" in archive.namelist()
    assert "Withdrawn" in archive.read("README.txt").decode()


def test_only_announced_versions_and_recipients_have_evidence(version):
    with pytest.raises(NotAnnounced):
        requested(a_version("1.5", "2026-03-01"))
    with pytest.raises(NotAnnounced):
        requested(a_draft("3.0"))
    with pytest.raises(NoSuchRecipient):
        requested(version, email="nobody@example.com")
    assert not Bundle.objects.exists()


@pytest.mark.parametrize("role", ["NOC", "Support", "Auditor", "Administrator"])
def test_only_legal_can_request_a_bundle(version, role):
    with pytest.raises(NotAllowed):
        request_bundle(actor=Actor.staff(a_member(role)), version=version, language="en", now=NOW)


def test_it_is_created_once_however_often_the_task_runs(version):
    bundle = requested(version)
    make_due_bundles.apply()
    assert make_bundle(pk=bundle.pk, clock=clock)
    assert not make_bundle(pk=bundle.pk, clock=clock)
    assert not due_bundles().exists()
    assert Entry.objects.filter(action="put a bundle of proof together").count() == 1


def test_an_expired_lease_is_retried_and_fails_after_the_last_attempt(version):
    bundle = requested(version)
    for attempt in (1, 2, 3):
        Bundle.objects.filter(pk=bundle.pk).update(
            status=Status.RENDERING, lease="0" * 32, leased_until=NOW, attempts=attempt
        )
        release_expired_bundles(now=NOW)
        assert not due_bundles().exists()
        release_expired_bundles(now=NOW + timedelta(seconds=1))
        bundle.refresh_from_db()
        assert bundle.status == (Status.QUEUED if attempt < 3 else Status.FAILED)
    assert bundle.error


def test_a_failed_bundle_has_its_error(version, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "file"
    settings.MEDIA_ROOT.write_text("not a folder")
    bundle = requested(version)
    for _attempt in range(3):
        assert not make_bundle(pk=bundle.pk, clock=clock)
    bundle.refresh_from_db()
    assert (bundle.status, bundle.attempts) == (Status.FAILED, 3)
    assert "Error" in bundle.error


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("a_bundle_has_a_known_status", {"status": "lost"}),
        ("a_ready_bundle_has_a_file_with_a_hash", {"status": "ready"}),
        ("a_bundle_is_leased_while_it_is_put_together", {"status": "rendering"}),
        ("a_bundle_is_leased_while_it_is_put_together", {"lease": "0" * 32, "leased_until": NOW}),
        ("a_bundle_is_of_a_version_a_claim_or_a_month", {"month": date(2026, 6, 1)}),
        ("a_bundle_is_of_a_version_a_claim_or_a_month", {"version": None}),
    ],
)
def test_the_database_rejects_an_invalid_bundle(version, name, values):
    with pytest.raises(IntegrityError, match=name), transaction.atomic():
        given = {"version": version, "language": "en", "requested_at": NOW, "requested_by_name": "x", **values}
        Bundle.objects.create(**given)


def test_a_ready_bundle_cannot_be_changed(version):
    bundle = made(version)
    for change in (Bundle.objects.filter(pk=bundle.pk).delete, lambda: Bundle.objects.update(sha256="0" * 64)):
        with pytest.raises(IntegrityError, match="reports_bundle_is_only_added_to"), transaction.atomic():
            change()


def test_many_deliveries_are_written_in_bounded_memory(version, tmp_path):
    one = Delivery.objects.order_by("pk").first()
    bundle = made(version)
    noted = Noted(Entry.objects.latest("pk"), Checkpoint.objects.latest("number"))

    def peak(more: int) -> int:
        Delivery.objects.bulk_create(
            [
                Delivery(
                    notice=one.notice, email=f"{more}-{number}@example.com", language="en", next_attempt_at=ANNOUNCED
                )
                for number in range(more)
            ],
            batch_size=2000,
        )
        # Off, so that what waits to be collected after the printing is the same each time.
        gc.collect()
        gc.disable()
        tracemalloc.start()
        try:
            with (tmp_path / "bundle.zip").open("w+b") as file:
                write_bundle(bundle, file=file, now=NOW, note=lambda _sha256: noted)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
            gc.enable()

    peak(10)
    # While a portion is read the one before it is still there, so two are the most.
    few, many = peak(2 * CHUNK), peak(4 * CHUNK)
    assert many < few * 1.05


def test_a_user_who_asked_stays_on_record(version):
    bundle = made(version)
    assert bundle.requested_by == User.objects.get(username="ann")
    assert Entry.objects.get(action="requested a bundle of proof").actor == bundle.requested_by
