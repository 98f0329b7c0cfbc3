"""A certificate authority and a time-stamping authority made on the spot; both answer over HTTP on this machine."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from asn1crypto import keys as asn1_keys
from asn1crypto import tsp
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper

PEM, DER = serialization.Encoding.PEM, serialization.Encoding.DER
DAY = timedelta(days=1)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def asn1_of(certificate: x509.Certificate) -> asn1.Certificate:
    return asn1.Certificate.load(certificate.public_bytes(DER))


class Held:
    """A key with its certificate and the authority's, as an operator holds it."""

    def __init__(self, key, certificate: x509.Certificate, root: x509.Certificate) -> None:
        self.key, self.certificate, self.root = key, certificate, root

    def as_pem(self, password: bytes = b"") -> bytes:
        return self.key_as_pem(password) + self.certificate.public_bytes(PEM) + self.root.public_bytes(PEM)

    def key_as_pem(self, password: bytes = b"") -> bytes:
        locked = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
        return self.key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, locked)

    def as_pkcs12(self, password: bytes) -> bytes:
        locked = serialization.BestAvailableEncryption(password)
        return pkcs12.serialize_key_and_certificates(b"seal", self.key, self.certificate, [self.root], locked)


class Authority:
    """Issues certificates and revocation lists."""

    def __init__(self, name: str = "Test authority", crl_url: str = "") -> None:
        self.key, self.crl_url = ec.generate_private_key(ec.SECP256R1()), crl_url
        self.certificate = self._signed(named(name), self.key.public_key(), named(name), ca=True)
        self.revoked: list[x509.Certificate] = []

    def issue(self, name: str, *, key=None, stamps: bool = False, first: datetime | None = None, days=365) -> Held:
        key = key or ec.generate_private_key(ec.SECP256R1())
        issuer = self.certificate.subject
        made = self._signed(named(name), key.public_key(), issuer, stamps=stamps, first=first, days=days)
        return Held(key, made, self.certificate)

    def _signed(self, subject, public, issuer, *, ca=False, stamps=False, first=None, days=3650) -> x509.Certificate:
        first = first or datetime.now(UTC) - 30 * DAY
        made = (
            x509.CertificateBuilder()
            .subject_name(subject).issuer_name(issuer).public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(first).not_valid_after(first + days * DAY)
            .add_extension(x509.BasicConstraints(ca, None), critical=True)
            .add_extension(
                x509.KeyUsage(not ca, not ca, False, False, False, ca, ca, False, False), critical=True
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
        )  # fmt: skip
        if stamps:
            made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        if self.crl_url and not ca:
            point = x509.DistributionPoint([x509.UniformResourceIdentifier(self.crl_url)], None, None, None)
            made = made.add_extension(x509.CRLDistributionPoints([point]), critical=False)
        return made.sign(self.key, hashes.SHA256())

    def crl(self) -> bytes:
        now = datetime.now(UTC)
        made = x509.CertificateRevocationListBuilder().issuer_name(self.certificate.subject)
        made = made.last_update(now - DAY).next_update(now + DAY)
        for one in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(one.serial_number).revocation_date(now - DAY)
            made = made.add_revoked_certificate(entry.build())
        return made.sign(self.key, hashes.SHA256()).public_bytes(DER)


class Services:
    """What a running authority offers: addresses, and how it answers."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.authority = Authority(crl_url=f"{self.address}/crl")
        # pyHanko's own stamper, which is for tests, knows RSA alone.
        held = self.authority.issue("Test time stamps", key=rsa.generate_private_key(65537, 2048), stamps=True)
        key = held.key.private_bytes(DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        self.stamper = DummyTimeStamper(asn1_of(held.certificate), asn1_keys.PrivateKeyInfo.load(key))
        self.down = False
        self.asked: list[str] = []

    @property
    def timestamp_url(self) -> str:
        return f"{self.address}/tsr"

    def stamped(self, request: bytes) -> bytes:
        return asyncio.run(self.stamper.async_request_tsa_response(tsp.TimeStampReq.load(request))).dump()


@contextmanager
def services() -> Iterator[Services]:
    """Run the services while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            offered.asked.append(self.headers.get("Authorization", ""))
            self.answer("application/timestamp-reply", b"" if offered.down else offered.stamped(request))

        def do_GET(self) -> None:
            self.answer("application/pkix-crl", b"" if offered.down else offered.authority.crl())

        def answer(self, content_type: str, content: bytes) -> None:
            self.send_response(200 if content else 503)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_args) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        offered = Services(server.server_port)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield offered
        finally:
            server.shutdown()
            thread.join()


def written(path: Path, content: bytes) -> str:
    path.write_bytes(content)
    return str(path)
