"""The operator's key with its certificates, from a file (PKCS#12 or PEM) or a token (PKCS#11)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from django.conf import settings
from pyhanko.sign.general import SigningError
from pyhanko.sign.signers import Signer
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko_certvalidator.registry import SimpleCertificateStore

SEALING_FAILS = (SigningError, TimestampRequestError, OSError, ValueError, TimeoutError)
"""What one document, or the time-stamping authority, can bring up."""
DEMONSTRATION = "Demonstration only, proves nothing"
"""The organisation in the certificate of the key that `make run` makes."""
DER = serialization.Encoding.DER


class KeyUnusable(Exception):
    """The key or its certificate cannot be used; the text says why."""


@dataclass(frozen=True)
class Key:
    """A key that is open, with its certificate and those it was issued by."""

    signer: Signer
    certificate: x509.Certificate
    chain: Sequence[x509.Certificate]

    @property
    def fingerprint(self) -> str:
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    @property
    def pem(self) -> str:
        """The certificate, and then its chain."""
        whole = [self.certificate, *self.chain]
        return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in whole)

    @property
    def demonstration(self) -> bool:
        names = self.certificate.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
        return any(name.value == DEMONSTRATION for name in names)


@contextmanager
def opened_key(now: datetime) -> Iterator[Key]:
    """Open the key of the settings. Raises `KeyUnusable`; no password or PIN is in its text."""
    with _opened() as key:
        _check(key, now)
        yield key


@contextmanager
def _opened() -> Iterator[Key]:
    if not settings.SEAL_KEY.startswith("pkcs11:"):
        yield _from_file(Path(settings.SEAL_KEY))
        return
    session, labels = _token_session()
    try:
        yield _from_token(session, labels)
    finally:
        session.close()


def _check(key: Key, now: datetime) -> None:
    first, last = key.certificate.not_valid_before_utc, key.certificate.not_valid_after_utc
    if not first <= now <= last:
        raise KeyUnusable(f"The certificate is valid from {first:%Y-%m-%d} to {last:%Y-%m-%d} only.")
    if key.demonstration and settings.HTTPS:
        raise KeyUnusable("The certificate is of a demonstration key, which proves nothing.")
    try:
        usage = key.certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    if not (usage.digital_signature or usage.content_commitment):
        raise KeyUnusable("The certificate is not meant for signatures.")


# From a file


class FileSigner(Signer):
    """Signs with a key in memory; pyHanko's own reads and checks the key for each signature, which takes longer."""

    def __init__(self, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, **certificates: Any) -> None:
        self._key = key
        super().__init__(**certificates)

    async def async_sign_raw(self, data: bytes, digest_algorithm: str, dry_run: bool = False) -> bytes:  # noqa: ARG002  pyHanko's names
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def _from_file(path: Path) -> Key:
    password = settings.SEAL_KEY_PASSWORD.encode() or None
    found: list[x509.Certificate] = []
    key: Any
    try:
        content = path.read_bytes()
        if b"-----BEGIN" in content:
            key = serialization.load_pem_private_key(content, password)
            if b"-----BEGIN CERTIFICATE" in content:
                found = x509.load_pem_x509_certificates(content)
        else:
            key, own, others = pkcs12.load_key_and_certificates(content, password)
            found = [*([own] if own else []), *others]
    except OSError as error:
        raise KeyUnusable(f"The file of the key cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise KeyUnusable("The file of the key cannot be opened: it is damaged, or the password is wrong.") from error
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise KeyUnusable("The key must be an RSA or an elliptic-curve key.")
    certificate, chain = _sorted([*found, *_certificates("SEAL_CERTIFICATES")], key.public_key())
    signer = FileSigner(key, signing_cert=_asn1(certificate), cert_registry=_store(chain))
    return Key(signer, certificate, chain)


def _sorted(found: Sequence[x509.Certificate], public: Any) -> tuple[x509.Certificate, list[x509.Certificate]]:
    """Return the certificate of the key, and the others."""
    own = next((one for one in found if one.public_key() == public), None)
    if own is None:
        raise KeyUnusable("There is no certificate for this key.")
    return own, [one for one in dict.fromkeys(found) if one != own]


def _certificates(name: str) -> list[x509.Certificate]:
    """Return the certificates of the PEM file that a setting names; none where it names none."""
    path = getattr(settings, name)
    try:
        return x509.load_pem_x509_certificates(Path(path).read_bytes()) if path else []
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"The file of {name} cannot be read as PEM.") from error


def roots() -> list[asn1.Certificate]:
    """Return the root certificates of the settings."""
    return [_asn1(one) for one in _certificates("SEAL_ROOTS")]


def _asn1(certificate: x509.Certificate) -> asn1.Certificate:
    return asn1.Certificate.load(certificate.public_bytes(DER))


def _store(chain: Sequence[x509.Certificate]) -> SimpleCertificateStore:
    store = SimpleCertificateStore()
    store.register_multiple([_asn1(one) for one in chain])
    return store


# From a token


def _token_session() -> tuple[Any, dict[str, str]]:
    import pkcs11
    from pyhanko.config.pkcs11 import TokenCriteria
    from pyhanko.sign.pkcs11 import open_pkcs11_session

    uri = urlsplit(settings.SEAL_KEY)
    labels = {name: unquote(value) for name, _, value in (part.partition("=") for part in uri.path.split(";"))}
    module = parse_qs(uri.query)["module-path"][0]
    try:
        session = open_pkcs11_session(
            module,
            token_criteria=TokenCriteria(label=labels["token"]),
            user_pin=settings.SEAL_KEY_PASSWORD or None,
        )
    except (pkcs11.PKCS11Error, RuntimeError, OSError) as error:
        raise KeyUnusable(f"The token cannot be opened: {type(error).__name__} {error}".strip()) from error
    return session, labels


def _from_token(session: Any, labels: dict[str, str]) -> Key:
    import pkcs11
    from pyhanko.sign.pkcs11 import PKCS11Signer

    others = _certificates("SEAL_CERTIFICATES")
    stated = others[0] if others else None
    try:
        signer = PKCS11Signer(
            session,
            key_label=labels["object"],
            cert_label=None if stated else labels["object"],
            signing_cert=_asn1(stated) if stated else None,
            ca_chain={_asn1(one) for one in others[1:]},
        )
        own = x509.load_der_x509_certificate(signer.signing_cert.dump())
        signature = _sample(signer)
    except (pkcs11.PKCS11Error, SigningError, ValueError) as error:
        raise KeyUnusable(f"The token cannot sign: {type(error).__name__} {error}".strip()) from error
    _check_sample(own, signature)
    return Key(signer, own, [x509.load_der_x509_certificate(one.dump()) for one in signer.cert_registry])


SAMPLE = b"whether key and certificate belong together"


def _sample(signer: Signer) -> bytes:
    return asyncio.run(signer.async_sign_raw(SAMPLE, "sha256"))


def _check_sample(certificate: x509.Certificate, signature: bytes) -> None:
    """Raise `KeyUnusable` where the token's key is not that of the certificate: it shows its public part by signing only."""
    public = certificate.public_key()
    try:
        if isinstance(public, rsa.RSAPublicKey):
            public.verify(signature, SAMPLE, padding.PKCS1v15(), hashes.SHA256())
        elif isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, SAMPLE, ec.ECDSA(hashes.SHA256()))
        else:
            raise KeyUnusable("The key must be an RSA or an elliptic-curve key.")
    except InvalidSignature as error:
        raise KeyUnusable("There is no certificate for this key.") from error
