"""Seals are made with the operator's key, and hold by pyHanko's own validation with the chain given; no database."""

import asyncio
import subprocess
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO, StringIO

import pikepdf
import pypdfium2
import pytest
from asn1crypto import cms
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.management import CommandError, call_command
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import async_validate_detached_cms, validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko_certvalidator import ValidationContext

from sla_portal.audit.checks import check_seal_key
from sla_portal.audit.sealing import Failed, KeyUnusable, Sealed, ToSeal, opened_key, seal_batch
from tests.support.authority import PEM, Authority, asn1_of, services, written

pytestmark = pytest.mark.pure

NOW = datetime.now(UTC)
TEXT = b"hello\n"


@pytest.fixture(scope="module")
def offered():
    with services() as running:
        yield running


@pytest.fixture
def key(settings, tmp_path, offered):
    """The operator's key in the settings, without a time-stamping authority."""
    held = offered.authority.issue("Operator")
    settings.SEAL_KEY = written(tmp_path / "key.pem", held.as_pem())
    offered.down = False
    offered.authority.revoked.clear()
    return held


def to_seal(*contents: bytes) -> list[ToSeal]:
    return [
        ToSeal(number, sha256(content).hexdigest(), content if content.startswith(b"%PDF") else None)
        for number, content in enumerate(contents)
    ]


def seal(*contents: bytes, now: datetime = NOW) -> list[Sealed | Failed]:
    with opened_key(now) as key:
        return seal_batch(key, to_seal(*contents), at=now)


def trust(offered, **more) -> ValidationContext:
    return ValidationContext(trust_roots=[asn1_of(offered.authority.certificate)], **more)


def status_of(pdf: bytes, offered):
    signature = PdfFileReader(BytesIO(pdf)).embedded_signatures[0]
    return validate_pdf_signature(signature, trust(offered), ts_validation_context=trust(offered))


@pytest.mark.pdf
def test_a_report_of_each_kind_keeps_its_bytes_and_its_archival_parts_and_its_signature_holds(papers, key, offered):
    for (name, paper), made in zip(papers.items(), seal(*papers.values()), strict=True):
        whole = paper + made.content
        assert made.sha256 == sha256(whole).hexdigest()
        status = status_of(whole, offered)
        assert status.bottom_line, (name, status.pretty_print_details())
        assert status.coverage.name == "ENTIRE_FILE"
        assert (made.level, made.timestamped_at) == ("B-B", None)
        with pikepdf.open(BytesIO(whole)) as pdf, pikepdf.open(BytesIO(paper)) as before:
            assert pdf.check_pdf_syntax() == []
            assert pdf.pdf_version == before.pdf_version == "1.7"
            assert "/Version" not in pdf.Root
            for part in ("/AF", "/OutputIntents", "/Metadata", "/MarkInfo", "/StructTreeRoot"):
                assert pdf.Root[part].unparse(resolved=True) == before.Root[part].unparse(resolved=True), part
            assert bytes(pdf.attachments["figures.json"].get_file().read_bytes()) == bytes(
                before.attachments["figures.json"].get_file().read_bytes()
            )
        texts = [pypdfium2.PdfDocument(one)[0].get_textpage().get_text_range() for one in (paper, whole)]
        assert texts[0] == texts[1] != ""


@pytest.mark.pdf
def test_one_altered_byte_breaks_the_signature(papers, key, offered):
    (made,) = seal(papers["calm"])
    whole = bytearray(papers["calm"] + made.content)
    whole[1000] ^= 1
    assert not status_of(bytes(whole), offered).intact


@pytest.mark.pdf
def test_with_a_time_stamping_authority_and_roots_a_pdf_can_be_validated_later(
    papers, key, offered, settings, tmp_path
):
    settings.SEAL_TIMESTAMP_URL = offered.timestamp_url.replace("http://", "http://portal:secret@")
    (stamped,) = seal(papers["calm"])
    assert stamped.level == "B-T"
    assert offered.asked[-1].startswith("Basic ")
    status = status_of(papers["calm"] + stamped.content, offered)
    assert status.bottom_line
    assert status.timestamp_validity.valid
    assert status.timestamp_validity.timestamp == stamped.timestamped_at
    settings.SEAL_ROOTS = written(tmp_path / "roots.pem", offered.authority.certificate.public_bytes(PEM))
    long_term, beside = seal(papers["calm"], TEXT)
    assert (long_term.level, beside.level) == ("B-LT", "B-T")
    whole = papers["calm"] + long_term.content
    assert status_of(whole, offered).bottom_line
    store = DocumentSecurityStore.read_dss(PdfFileReader(BytesIO(whole)))
    assert (len(store.certs), len(store.crls)) == (3, 1)
    # With what is in the PDF alone, and no network.
    offline = store.as_validation_context(
        {"trust_roots": [asn1_of(offered.authority.certificate)], "revocation_mode": "require"}
    )
    signature = PdfFileReader(BytesIO(whole)).embedded_signatures[0]
    assert validate_pdf_signature(signature, offline).bottom_line


@pytest.mark.pdf
def test_without_revocation_data_a_time_stamp_is_all(papers, key, offered, settings, tmp_path):
    settings.SEAL_TIMESTAMP_URL = offered.timestamp_url
    settings.SEAL_ROOTS = written(tmp_path / "roots.pem", Authority("Another").certificate.public_bytes(PEM))
    assert [one.level for one in seal(papers["calm"])] == ["B-T"]


def test_a_revoked_certificate_seals_nothing(key, offered, settings, tmp_path):
    settings.SEAL_TIMESTAMP_URL = offered.timestamp_url
    settings.SEAL_ROOTS = written(tmp_path / "roots.pem", offered.authority.certificate.public_bytes(PEM))
    offered.authority.revoked.append(key.certificate)
    with pytest.raises(KeyUnusable, match="revoked"):
        seal(TEXT)


def test_an_authority_that_is_down_fails_each_document_with_the_reason(key, offered, settings):
    settings.SEAL_TIMESTAMP_URL = offered.timestamp_url
    offered.down = True
    assert [type(one) for one in seal(TEXT, TEXT)] == [Failed, Failed]
    settings.SEAL_TIMESTAMP_URL = "http://127.0.0.1:1/tsr"
    (failed,) = seal(TEXT)
    assert "127.0.0.1" in failed.error


@pytest.mark.pdf
def test_a_pdf_that_is_not_ours_fails_alone(papers, key):
    foreign = BytesIO()
    pikepdf.new().save(foreign)
    outcomes = seal(foreign.getvalue(), papers["calm"], papers["calm"] + seal(papers["calm"])[0].content)
    assert [type(one) for one in outcomes] == [Failed, Sealed, Failed]


async def detached(content: bytes, signature: bytes, offered):
    data = cms.ContentInfo.load(signature)["content"]
    return await async_validate_detached_cms(
        content, data, signer_validation_context=trust(offered), ts_validation_context=trust(offered)
    )


def test_a_seal_beside_holds_for_its_file_alone(key, offered, settings):
    settings.SEAL_TIMESTAMP_URL = offered.timestamp_url
    (made,) = seal(TEXT)
    assert made.level == "B-T"
    assert asyncio.run(detached(TEXT, made.content, offered)).bottom_line
    assert not asyncio.run(detached(b"hellO\n", made.content, offered)).intact


# Keys


def sealed_with(settings, path: str, password: str = "", certificates: str = "") -> str:
    settings.SEAL_KEY, settings.SEAL_KEY_PASSWORD, settings.SEAL_CERTIFICATES = path, password, certificates
    assert check_seal_key() == []
    with opened_key(NOW) as key:
        assert isinstance(seal_batch(key, to_seal(TEXT), at=NOW)[0], Sealed)
        assert len(key.chain) == 1
        return key.fingerprint


def test_keys_come_from_pem_and_pkcs12_with_and_without_a_password(settings, tmp_path):
    authority = Authority()
    for private in (ec.generate_private_key(ec.SECP384R1()), rsa.generate_private_key(65537, 2048)):
        held = authority.issue("Operator", key=private)
        chain = held.certificate.public_bytes(PEM) + held.root.public_bytes(PEM)
        certificates = written(tmp_path / "chain.pem", chain)
        found = {
            sealed_with(settings, written(tmp_path / "1.pem", held.as_pem())),
            sealed_with(settings, written(tmp_path / "2.pem", held.as_pem(b"pw")), "pw"),
            sealed_with(settings, written(tmp_path / "3.pem", held.key_as_pem()), certificates=certificates),
            sealed_with(settings, written(tmp_path / "4.p12", held.as_pkcs12(b"pw")), "pw"),
        }
        assert len(found) == 1


def refused(settings, path, password: str = "") -> str:
    settings.SEAL_KEY, settings.SEAL_KEY_PASSWORD = str(path), password
    with pytest.raises(KeyUnusable) as refusal, opened_key(NOW):
        pass
    assert [error.msg for error in check_seal_key()] == [f"SEAL_KEY cannot be used: {refusal.value}"]
    assert "secret" not in str(refusal.value)
    return str(refusal.value)


def test_a_key_that_cannot_be_used_says_why(settings, tmp_path):
    authority = Authority()
    held, other = authority.issue("Operator"), authority.issue("Another")
    locked = written(tmp_path / "locked.p12", held.as_pkcs12(b"secret"))
    assert "damaged, or the password is wrong" in refused(settings, locked, "secret2")
    assert "damaged, or the password is wrong" in refused(settings, written(tmp_path / "cut", held.as_pem()[:100]))
    assert "cannot be read: No such file" in refused(settings, tmp_path / "none.pem")
    foreign = written(tmp_path / "foreign.pem", held.key_as_pem() + other.certificate.public_bytes(PEM))
    assert refused(settings, foreign) == "There is no certificate for this key."
    old = authority.issue("Operator", first=NOW - timedelta(days=100), days=99)
    assert "is valid from" in refused(settings, written(tmp_path / "old.pem", old.as_pem()))
    strange = ed25519.Ed25519PrivateKey.generate().private_bytes(
        PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    assert "RSA or an elliptic-curve key" in refused(settings, written(tmp_path / "ed.pem", strange))


def test_the_demonstration_key_seals_on_this_machine_and_never_under_https(settings, tmp_path):
    settings.DEMONSTRATION_KEY, settings.SEAL_KEY, settings.HTTPS = tmp_path / "demonstration.pem", "", False
    call_command("demosealkey", stdout=StringIO())
    settings.SEAL_KEY = str(settings.DEMONSTRATION_KEY)
    assert settings.DEMONSTRATION_KEY.stat().st_mode & 0o777 == 0o600
    with opened_key(NOW + timedelta(minutes=1)) as key:
        assert key.demonstration
        assert "proves nothing" in key.certificate.subject.rfc4514_string()
    settings.HTTPS = True
    assert "proves nothing" in refused(settings, settings.SEAL_KEY)
    with pytest.raises(CommandError, match="https"):
        call_command("demosealkey")


# By other programs


@pytest.mark.sealtools
@pytest.mark.pdf
def test_poppler_and_openssl_find_the_seals_valid(papers, key, offered, settings, tmp_path):
    settings.SEAL_TIMESTAMP_URL = offered.timestamp_url
    settings.SEAL_ROOTS = root = written(tmp_path / "root.pem", offered.authority.certificate.public_bytes(PEM))
    *pdfs, beside = seal(*papers.values(), TEXT)
    for (kind, paper), pdf in zip(papers.items(), pdfs, strict=True):
        signed = written(tmp_path / "signed.pdf", paper + pdf.content)
        said = subprocess.run(["pdfsig", signed], capture_output=True, text=True, check=False).stdout
        for sentence in ("Signature is Valid.", "Total document signed", "ETSI.CAdES.detached"):
            assert sentence in said, kind
        read = subprocess.run(["pdftotext", signed, "-"], capture_output=True, text=True, check=False)
        assert ("SHA-256" in read.stdout, read.stderr) == (True, ""), kind
    pdf = pdfs[list(papers).index("eventful")]
    altered = bytearray(papers["eventful"] + pdf.content)
    altered[500] ^= 1
    said = subprocess.run(
        ["pdfsig", written(tmp_path / "altered.pdf", bytes(altered))], capture_output=True, text=True, check=False
    ).stdout
    assert "Signature is Valid." not in said
    file, signature = written(tmp_path / "file", TEXT), written(tmp_path / "file.p7s", beside.content)
    command = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", signature, "-CAfile", root, "-content"]
    assert subprocess.run([*command, file], capture_output=True, check=False).stdout == TEXT
    other = written(tmp_path / "other", b"hellO\n")
    assert subprocess.run([*command, other], capture_output=True, check=False).returncode != 0


@pytest.mark.sealtools
def test_a_key_in_a_token_seals(settings, tmp_path, offered, monkeypatch):
    held = offered.authority.issue("Operator", key=rsa.generate_private_key(65537, 2048))
    (tmp_path / "tokens").mkdir()
    monkeypatch.setenv(
        "SOFTHSM2_CONF", written(tmp_path / "conf", f"directories.tokendir = {tmp_path}/tokens\n".encode())
    )
    module = "/usr/lib/softhsm/libsofthsm2.so"
    util = ["softhsm2-util", "--module", module]
    subprocess.run(
        [*util, "--init-token", "--free", "--label", "portal", "--pin", "1234", "--so-pin", "1234"],
        capture_output=True, check=True,
    )  # fmt: skip
    pem = written(tmp_path / "key.pem", held.key_as_pem())
    subprocess.run(
        [*util, "--import", pem, "--token", "portal", "--label", "seal", "--id", "01", "--pin", "1234"],
        capture_output=True, check=True,
    )  # fmt: skip
    chain = held.certificate.public_bytes(PEM) + held.root.public_bytes(PEM)
    settings.SEAL_CERTIFICATES = written(tmp_path / "chain.pem", chain)
    uri = f"pkcs11:token=portal;object=seal?module-path={module}"
    settings.SEAL_KEY, settings.SEAL_KEY_PASSWORD = uri, "1234"
    (made,) = seal(TEXT)
    assert asyncio.run(detached(TEXT, made.content, offered)).bottom_line
    assert "The token cannot be opened" in refused(settings, uri, "9999")
    other = offered.authority.issue("Another", key=rsa.generate_private_key(65537, 2048))
    settings.SEAL_CERTIFICATES = written(tmp_path / "other.pem", other.certificate.public_bytes(PEM))
    assert refused(settings, uri, "1234") == "There is no certificate for this key."
