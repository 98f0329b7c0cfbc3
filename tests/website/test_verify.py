"""Verify a document: by the hash of its file, or by its number with the check code; anything else tells nothing."""

import re
import subprocess
import sys
from datetime import timedelta
from hashlib import sha256
from zipfile import ZipFile

import pikepdf
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import register
from sla_portal.audit.models import Kind
from sla_portal.audit.queries import document
from sla_portal.audit.seals import seal_due
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.models import Report
from sla_portal.reports.operations import (
    due_chunks,
    make_bundle,
    queue_reports,
    render_chunk,
    request_bundle,
    request_reports,
)
from sla_portal.reports.queries import file_of
from sla_portal.website.documents import VERIFIED_AN_HOUR
from tests.support.amendments import announced, legal
from tests.support.authority import Authority, written
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.closing import closed_by_two
from tests.support.desk import a_member, signed_in, text_of
from tests.support.printed import texts

pytestmark = pytest.mark.django_db

NOW = at("2026-10-14 01:00")
SEPTEMBER = ServiceMonth(2026, 9)
NOT_OURS = "Not issued by us, or altered"


@pytest.fixture
def key(settings, tmp_path) -> None:
    held = Authority().issue("Operator of the test", first=at("2026-01-01 00:00"))
    settings.SEAL_KEY = written(tmp_path / "key.pem", held.as_pem())
    settings.MEDIA_ROOT = tmp_path


def answer(client, **typed: str) -> str:
    return text_of(client.post("/verify/", typed))


def by_file(client, content: bytes) -> str:
    return answer(client, sha256=sha256(content).hexdigest())


def issue_reports(now=NOW) -> Report:
    run = request_reports(actor=Actor.system("test"), month=SEPTEMBER, now=now)
    assert queue_reports(run_id=run.pk, now=now)
    for ids in due_chunks():
        render_chunk(ids=ids, clock=lambda: now)
    return Report.objects.order_by("-pk")[0]


@pytest.mark.pdf
def test_a_report_is_known_unsealed_and_sealed_until_a_byte_is_altered_and_says_what_superseded_it(client, key):
    region = a_region("eu")
    report = issue_reports()
    unsealed = file_of(report)
    assert seal_due(clock=lambda: NOW) == 1
    sealed = file_of(report)
    assert sealed.startswith(unsealed)
    assert sealed != unsealed
    found = by_file(client, sealed)
    assert "Issued by us Availability report SLA-2026-09-EU, revision 1" in found
    assert "Current no later revision was issued" in found
    assert ": Operator of the test" in found
    assert "the copy before it was sealed" not in found
    assert "the copy before it was sealed" in by_file(client, unsealed)
    for at_byte in (10, len(unsealed) - 3, len(sealed) - 300):
        altered = bytearray(sealed)
        altered[at_byte] ^= 1
        assert NOT_OURS in by_file(client, bytes(altered))
    code = report.statement["issue"]["check_code"]
    assert "Issued by us" in answer(client, number="sla-2026-09-eu-R1", check_code=code.replace("-", " "))
    assert report.statement["issue"]["seal"] == "operator"
    with pikepdf.open(report.file.path) as pdf:
        assert len(pdf.pages) == 2
        last = texts(pdf)[-1]
        assert code in last
        assert "/verify/" in last
        assert "sealed by the signature within" in last
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:07")
    issue_reports(NOW + timedelta(days=1))
    assert "Superseded by revision 2 of 2026-10-15" in by_file(client, sealed)
    page = text_of(signed_in(a_member("Legal")).get(reverse("admin:reports_report_change", args=[report.pk])))
    assert code in page
    assert "Sealed" in page


@pytest.mark.pdf
def test_without_a_key_the_report_says_that_it_is_unsealed_and_stays_so(client, settings, tmp_path, key):
    good, settings.SEAL_KEY = settings.SEAL_KEY, ""
    a_region("eu")
    report = issue_reports()
    assert report.statement["issue"]["seal"] == ""
    settings.SEAL_KEY = good
    assert seal_due(clock=lambda: NOW) == 0
    assert "Unsealed" in by_file(client, file_of(report))


def a_document(**values):
    given = {"kind": Kind.BUNDLE, "number": "amendment-2.0-evidence-1", "sha256": sha256(b"zip").hexdigest()}
    return register(**given | values, issued_at=NOW)


def test_numbers_alone_tell_nothing_and_take_the_same_work(client):
    known = a_document()
    other = a_document(number="amendment-3.0-evidence-2")
    asked = {
        "right number, wrong code": {"number": known.number, "check_code": "0" * 16},
        "wrong number, wrong code": {"number": "amendment-9.0-evidence-9", "check_code": "0" * 16},
        "right number, another's code": {"number": known.number, "check_code": other.check_code},
        "wrong number, right code": {"number": "amendment-9.0-evidence-9", "check_code": known.check_code},
        "hash of nothing": {"sha256": sha256(b"none").hexdigest()},
    }
    client.get("/verify/")  # what is cached for all is not counted
    pages, queries = set(), set()
    for name, typed in asked.items():
        with CaptureQueriesContext(connection) as ran:
            pages.add(text_of(client.post("/verify/", typed)))
        if "code" in name:
            queries.add(len(ran))
    assert len(pages) == len(queries) == 1
    assert NOT_OURS in pages.pop()
    assert "Issued by us" in answer(client, number=known.number, check_code=known.check_code)


def test_what_cannot_be_asked_is_said(client):
    for typed in ({}, {"sha256": "abc"}, {"number": "1"}, {"number": "1", "check_code": "123"}, {"sha256": "\0" * 64}):
        assert client.post("/verify/", typed).status_code == 422
    assert client.post("/verify/", {"number": "\0", "check_code": "1" * 16}).status_code == 200


def test_one_address_asks_so_often_and_no_more(client):
    for _ in range(VERIFIED_AN_HOUR):
        assert client.post("/verify/", {}).status_code == 422
    assert client.post("/verify/", {}).status_code == 429
    assert client.post("/verify/", {}, headers={"sec-fetch-site": "cross-site"}).status_code == 403


def test_announcements_versions_and_checkpoints_are_downloaded_with_their_seals(client, key):
    version = announced()
    while seal_due(clock=lambda: NOW):
        pass
    notice = version.notice.number
    for address, kind, about in (
        (f"/notices/{notice}/content.json", Kind.ANNOUNCEMENT, notice),
        ("/agreement/2.0/text.json", Kind.AGREEMENT, "2.0"),
        ("/checkpoints/1.json", Kind.CHECKPOINT, "1"),
    ):
        content = client.get(address).content
        assert document(kind, about).sha256 == sha256(content).hexdigest(), address
        assert "Issued by us" in by_file(client, content)
        assert client.get(f"{address}.p7s").content.startswith(b"\x30\x82")
    for address in (f"/notices/{notice}/", "/agreement/2.0/"):
        page = text_of(client.get(address))
        assert (
            document(Kind.ANNOUNCEMENT, notice).check_code in page or document(Kind.AGREEMENT, "2.0").check_code in page
        )
        assert "Sealed" in page
        assert ": Operator of the test" in page
    fingerprint = document(Kind.AGREEMENT, "2.0").seal.certificate.fingerprint
    assert fingerprint in text_of(client.get("/verify/"))
    assert client.get(f"/verify/certificates/{fingerprint}.pem").content.count(b"BEGIN CERTIFICATE") == 2
    for address in ("/notices/N-9/content.json", "/checkpoints/99.json", "/checkpoints/99999999999999999999.json",
                    "/notices/N-9/content.json.p7s", "/verify/certificates/0.pem", "/notices/%00/content.json"):  # fmt: skip
        assert client.get(address).status_code == 404


@pytest.mark.pdf
def test_a_bundle_is_sealed_within_and_beside_and_its_own_program_finds_that(client, key, tmp_path):
    version = announced()
    bundle = request_bundle(actor=legal("ann"), version=version, language="en", now=NOW)
    assert make_bundle(pk=bundle.pk, clock=lambda: NOW)
    while seal_due(clock=lambda: NOW):
        pass
    bundle.refresh_from_db()
    with bundle.file.open("rb") as file, ZipFile(file) as archive:
        archive.extractall(tmp_path / "bundle")
    said = subprocess.run(
        [sys.executable, "verify.py"], cwd=tmp_path / "bundle", capture_output=True, text=True, check=False
    )
    assert re.search(r"passed.* seal SHA256SUMS\.p7s", said.stdout), said.stdout
    assert said.returncode == 0, said.stdout
    with bundle.file.open("rb") as file:
        assert "Issued by us Evidence bundle amendment-2.0-evidence-" in by_file(client, file.read())
    desk = signed_in(a_member("Legal", "reader"))
    assert desk.get(reverse("admin:bundle_seal", args=[bundle.pk])).content.startswith(b"\x30\x82")
    page = text_of(desk.get(reverse("admin:bundles", args=[version.pk])))
    assert document(Kind.BUNDLE, bundle.about).check_code in page


def test_a_closing_states_its_figures_and_is_sealed_at_the_desk(client, key):
    region = a_region("eu")
    over = an_incident(detected_at=at("2026-09-10 02:00"), resolved_at=at("2026-09-10 02:07"), attributable=True)
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:07", incident=over)
    closing = closed_by_two(SEPTEMBER, NOW)
    while seal_due(clock=lambda: NOW):
        pass
    legal = signed_in(a_member("Legal", "reader"))
    content = legal.get(reverse("admin:closing_file", args=["2026-09", 1])).content
    assert content.decode() == closing.statement
    assert b'"unavailable_minutes":7' in content
    assert "Issued by us Month closing 2026-09, revision 1" in by_file(client, content)
    assert legal.get(reverse("admin:closing_seal", args=["2026-09", 1])).content.startswith(b"\x30\x82")
    page = text_of(legal.get(reverse("admin:close_month", args=["2026-09"])))
    assert document(Kind.CLOSING, "2026-09").check_code in page
    assert "Sealed" in page
    noc = signed_in(a_member("NOC"))
    assert noc.get(reverse("admin:closing_file", args=["2026-09", 1])).status_code == 403
