"""What is issued is registered and sealed, whatever happens to key and authority meanwhile; the rows are the queue."""

import asyncio
from datetime import timedelta
from hashlib import sha256
from io import StringIO
from unittest.mock import patch
from uuid import UUID

import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives.hashes import SHA256
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from pyhanko.sign.validation import async_validate_detached_cms
from pyhanko_certvalidator import ValidationContext

from sla_portal.audit import seals
from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import register
from sla_portal.audit.models import Certificate, Document, Entry, Kind, Seal
from sla_portal.audit.operations import make_daily_checkpoint, record
from sla_portal.audit.queries import document, seal_of
from sla_portal.audit.seals import seal_due, waiting_seals
from sla_portal.notices.models import Notice
from tests.support.authority import Authority, asn1_of, services, written
from tests.support.builders import a_region, at, numbers
from tests.support.desk import a_member, signed_in, text_of
from tests.support.races import at_once

pytestmark = pytest.mark.django_db

NOW = at("2026-11-20 10:00")
AUTHORITY = Authority()
FIRST, SECOND = (AUTHORITY.issue(name, first=at("2026-01-01 00:00")) for name in ("First operator", "Second operator"))


@pytest.fixture
def keys(settings, tmp_path):
    """Set the key of an operator."""

    def use(held) -> None:
        settings.SEAL_KEY = written(tmp_path / "key.pem", held.as_pem())

    use(FIRST)
    return use


def issued(content: bytes = b"hello", **values) -> Document:
    number = str(next(numbers))
    given = {"kind": Kind.BUNDLE, "number": number, "sha256": sha256(content).hexdigest(), "issued_at": NOW, **values}
    return register(**given)


def seal(now=NOW) -> int:
    return seal_due(clock=lambda: now)


def holds(content: bytes, signature: bytes) -> bool:
    data = cms.ContentInfo.load(signature)["content"]
    trust = ValidationContext(trust_roots=[asn1_of(AUTHORITY.certificate)])
    return asyncio.run(async_validate_detached_cms(content, data, signer_validation_context=trust)).bottom_line


def test_without_a_key_documents_are_issued_unsealed(settings):
    settings.SEAL_KEY = ""
    one = issued()
    assert seal() == 0
    assert seal_of(Kind.BUNDLE, one.about) is None
    assert Seal.objects.get().error == ""


def test_a_new_key_leaves_earlier_seals_valid_with_their_own_certificate(keys):
    before = issued()
    assert seal() == 1
    keys(SECOND)
    after = issued()
    assert seal(NOW + timedelta(days=1)) == 1
    for one, held in ((before, FIRST), (after, SECOND)):
        found = document(Kind.BUNDLE, one.about)
        assert found.seal.certificate.fingerprint == held.certificate.fingerprint(SHA256()).hex()
        assert found.seal.certificate.pem.count("BEGIN CERTIFICATE") == 2
        assert holds(b"hello", seal_of(Kind.BUNDLE, one.about))
    assert not holds(b"hellO", seal_of(Kind.BUNDLE, before.about))
    entries = Entry.objects.filter(action="sealed with").order_by("pk")
    assert [entry.subject for entry in entries] == ["CN=First operator", "CN=Second operator"]
    assert entries[0].changes == {before.number: [None, document(Kind.BUNDLE, before.about).seal.sha256]}


def test_a_wrong_key_leaves_the_reason_on_the_row_and_nothing_is_lost(keys, settings, client):
    good = settings.SEAL_KEY
    settings.SEAL_KEY = f"{good}.none"
    one = issued()
    assert seal() == 0
    waiting = waiting_seals().get()
    assert waiting.error == "The file of the key cannot be read: No such file or directory."
    assert seal(NOW + timedelta(minutes=1)) == 0
    page = text_of(signed_in(a_member("Administrator")).get(reverse("admin:index")))
    assert "1 document waits for its seal" in page
    assert waiting.error in page
    with pytest.raises(CommandError, match="No such file"):
        call_command("sealdocuments", stdout=StringIO())
    settings.SEAL_KEY = good
    said = StringIO()
    call_command("sealdocuments", stdout=said)
    assert said.getvalue() == "Sealed: 1. Still unsealed: 0.\n"
    assert holds(b"hello", seal_of(Kind.BUNDLE, one.about))


def test_while_the_authority_is_down_documents_wait_longer_each_time(keys, settings):
    one, now = issued(), NOW
    with services() as offered:
        settings.SEAL_TIMESTAMP_URL, offered.down = offered.timestamp_url, True
        for minutes in (2, 4, 8):
            assert seal(now) == 0
            waiting = waiting_seals().get()
            assert "503" in waiting.error
            assert (waiting.next_attempt_at - now, waiting.lease) == (timedelta(minutes=minutes), None)
            now = waiting.next_attempt_at
        offered.down = False
        assert seal(now) == 1
    found = Seal.objects.get(pk=one.pk)
    assert (found.level, found.error, found.attempts) == ("B-T", "", 4)
    assert found.timestamped_at is not None


def test_a_pdf_that_is_missing_fails_alone(keys):
    issued(pdf="reports/2026-09/none.pdf")
    issued()
    assert seal() == 1
    assert waiting_seals().get().error == "The file is missing or damaged."


def test_a_worker_that_was_killed_leaves_nothing_behind_but_time(keys):
    issued()
    with patch("sla_portal.audit.seals._seal", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        seal()
    assert seal(NOW + timedelta(minutes=1)) == 0
    assert seal(NOW + seals.LEASE + timedelta(seconds=1)) == 1


def test_what_is_registered_and_sealed_stays(keys):
    issued()
    seal()
    for rows, change in (
        (Document.objects.all(), {"number": "x"}),
        (Certificate.objects.all(), {"subject": "x"}),
        (Seal.objects.all(), {"error": "x"}),
    ):
        with pytest.raises(IntegrityError, match="is_only_added_to"), transaction.atomic():
            rows.update(**change)
        with pytest.raises(IntegrityError, match="is_only_added_to"), transaction.atomic():
            rows._raw_delete(rows.db)


def test_a_seal_is_whole_or_none():
    issued()
    for change in ({"sealed_at": NOW}, {"content": b"x"}, {"level": "B-B"}, {"leased_until": NOW}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Seal.objects.update(**change)


def test_checkpoints_are_registered_with_what_they_state():
    record(actor=Actor.system("test"), action="added", subject=a_region(), now=NOW)
    checkpoint = make_daily_checkpoint(now=NOW)
    found = document(Kind.CHECKPOINT, str(checkpoint.number))
    checkpoint.refresh_from_db()
    assert found.sha256 == sha256(checkpoint.content()).hexdigest()


def test_what_is_announced_publicly_is_registered_without_a_name_of_ours():
    from tests.notices.test_giving import given

    notice = given(actor=Actor.system("Mallory of the office"))
    content = Notice.objects.get(pk=notice.pk).published()
    assert document(Kind.ANNOUNCEMENT, notice.number).sha256 == sha256(content).hexdigest()
    assert b"Mallory" not in content
    assert document(Kind.ANNOUNCEMENT, given(public=False).number) is None


# Two workers


def sealed_by_two(count: int = 6) -> list[int]:
    for _ in range(count):
        issued()
    return sorted(at_once(seal, seal))


@pytest.mark.django_db(transaction=True)
def test_two_workers_seal_each_document_once(keys):
    assert sum(sealed_by_two()) == 6
    attempts = list(Seal.objects.values_list("attempts", flat=True))
    assert attempts == [1] * 6


@pytest.mark.django_db(transaction=True)
def test_a_twin_that_stores_without_a_lease_seals_each_twice(keys):
    def stored(_key, sealed, _lease, _now):
        return list(sealed)

    same = patch("sla_portal.audit.seals.uuid.uuid4", return_value=UUID(int=1))
    with same, patch.object(seals, "LEASE", -timedelta(days=1)), patch.object(seals, "_keep", stored):
        Certificate.objects.create(
            fingerprint=FIRST.certificate.fingerprint(SHA256()).hex(), valid_from=NOW, valid_until=NOW,
            demonstration=False, first_used_at=NOW,
        )  # fmt: skip
        assert sum(sealed_by_two()) == 12
