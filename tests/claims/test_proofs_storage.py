"""Proof materials are on a disk or in a bucket, by one setting; no public address leads there."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from django.conf import settings as portal
from django.core.files.storage import storages

from claims.models import Proof
from claims.models.applying import sealed
from claims.operations.proofs import ProofRefused, remove_proof
from sla_portal import environment
from sla_portal.audit.actors import Actor
from tests.support.sealing import NOW, a_claim, add, an_application, content_of


class Bucket(BaseHTTPRequestHandler):
    """As much of S3 as keeping, reading and deleting a file takes."""

    protocol_version = "HTTP/1.1"
    server: "BucketServer"

    def do_PUT(self) -> None:
        if self.server.broken:
            self.read()
            self.answer(403, b"<Error><Code>AccessDenied</Code></Error>")
            return
        self.server.kept[self.path] = self.read()
        self.server.asked.append(dict(self.headers))
        self.answer(200)

    def do_HEAD(self) -> None:
        self.answer(200 if self.path in self.server.kept else 404, self.server.kept.get(self.path, b""))

    def do_GET(self) -> None:
        if self.path in self.server.kept:
            self.answer(200, self.server.kept[self.path])
        else:
            self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")

    def do_DELETE(self) -> None:
        self.server.kept.pop(self.path, None)
        self.answer(204)

    def read(self) -> bytes:
        if "aws-chunked" not in self.headers.get("Content-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = b""
        while length := int(self.rfile.readline().split(b";")[0], 16):
            content += self.rfile.read(length)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return content

    def answer(self, status: int, content: bytes = b"") -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("ETag", '"x"')
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *said: object) -> None:
        pass


class BucketServer(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Bucket)
        self.kept: dict[str, bytes] = {}
        self.asked: list[dict[str, str]] = []
        self.broken = False


@pytest.fixture
def bucket(monkeypatch, settings) -> Iterator[BucketServer]:
    server = BucketServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    given = {
        "PROOF_STORAGE": f"s3://proofs-of-claims/portal/proofs?region=eu-central-1&endpoint=http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_MAX_ATTEMPTS": "1",
        "NO_PROXY": "127.0.0.1",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = {
        **settings.STORAGES,
        "proofs": environment.proof_storage("PROOF_STORAGE", folder=Path("/nowhere")),
    }
    for field in (Proof._meta.get_field("file"), Proof._meta.get_field("preview")):
        monkeypatch.setattr(field, "storage", sealed())
    yield server
    storages["proofs"].connection.meta.client.close()
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.mark.django_db(transaction=True)
def test_files_are_stored_in_read_from_and_deleted_from_a_bucket(bucket):
    proof = add(an_application(), b"02:00 down\n")
    at = "/proofs-of-claims/portal/proofs/"
    assert bucket.kept == {at + proof.file.name: b"02:00 down\n", at + proof.preview.name: b"02:00 down\n"}
    assert content_of(Proof.objects.get().file) == b"02:00 down\n"
    assert all("x-amz-acl" not in {name.lower() for name in asked} for asked in bucket.asked)
    remove_proof(actor=Actor.system("claim form"), proof=proof, now=NOW)
    assert bucket.kept == {}


@pytest.mark.django_db
def test_a_bucket_error_is_reported_with_a_message_and_leaves_no_row(bucket):
    bucket.broken = True
    with pytest.raises(ProofRefused, match="The file could not be saved"):
        add(a_claim())
    assert Proof.objects.count() == 0


@pytest.mark.django_db
def test_a_missing_file_in_a_bucket_is_handled_as_on_a_disk(bucket):
    proof = add(a_claim())
    bucket.kept.clear()
    with pytest.raises(FileNotFoundError):
        content_of(proof.file)


def test_without_the_setting_files_are_on_disk_readable_by_the_portal_only():
    kept = portal.STORAGES["proofs"]
    assert kept["BACKEND"] == "django.core.files.storage.FileSystemStorage"
    assert kept["OPTIONS"] == {
        "location": portal.FILES_DIR / "proofs",
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    }
    assert Path(storages["proofs"].location).is_relative_to(portal.VAR_DIR)


def test_a_bucket_alone_is_enough(monkeypatch):
    monkeypatch.setenv("PROOF_STORAGE", "s3://proofs")
    options = environment.proof_storage("PROOF_STORAGE", folder=Path("/nowhere"))["OPTIONS"]
    assert (options["bucket_name"], options["location"]) == ("proofs", "")
    assert options["region_name"] is options["endpoint_url"] is None
