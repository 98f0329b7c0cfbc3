"""Seal a batch: one key, one form of signature, one set of validation data, and as many time stamps at once as the authority takes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from pyhanko.sign.timestamps import TimeStamper
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, PathValidationError, RevokedError
from pyhanko_certvalidator.fetchers.aiohttp_fetchers import AIOHttpFetcherBackend
from pyhanko_certvalidator.fetchers.aiohttp_fetchers.util import LazySession

from .keys import SEALING_FAILS, Key, KeyUnusable, roots
from .pdf import ValidationData, prepare
from .signatures import Form, Signature, time_stamper

STAMPS_AT_ONCE = 8
SLACK = 256
"""Bytes by which signatures and time stamps of one batch differ at most."""


@dataclass(frozen=True)
class ToSeal:
    """A document by its key and SHA-256 (hexadecimal); with its bytes where it is a PDF, which is signed within."""

    key: int
    sha256: str
    pdf: bytes | None = None


@dataclass(frozen=True)
class Sealed:
    """The seal of a document: what is appended to a PDF, or the file beside the document.

    `sha256` is that of the whole file as it is handed out then: the sealed PDF, or the seal beside.
    """

    key: int
    content: bytes
    sha256: str
    level: str
    timestamped_at: datetime | None


@dataclass(frozen=True)
class Failed:
    key: int
    error: str


def seal_batch(key: Key, documents: Sequence[ToSeal], *, at: datetime) -> list[Sealed | Failed]:
    """Seal documents, each for itself: what fails for one is told of it. Raises `KeyUnusable`."""
    return asyncio.run(_seal_batch(key, documents, at))


async def _seal_batch(key: Key, documents: Sequence[ToSeal], at: datetime) -> list[Sealed | Failed]:
    session = LazySession()
    try:
        return await _Batch(key, at, session).sealed(documents)
    finally:
        await session.close()


class _Batch:
    def __init__(self, key: Key, at: datetime, session: LazySession) -> None:
        self._key, self._at, self._session = key, at, session
        self._stamper = time_stamper(session)
        self._turn = asyncio.Semaphore(STAMPS_AT_ONCE)

    async def sealed(self, documents: Sequence[ToSeal]) -> list[Sealed | Failed]:
        try:
            self._data = await _validation_data(self._key, self._stamper, self._session)
            if any(one.pdf for one in documents):
                self._within = await _form_within(self._key)
                sample = await self._within.filled(bytes(32), self._key.signer, self._stamper)
                self._reserved = len(sample.cms) + SLACK
            if not all(one.pdf for one in documents):
                self._beside = await Form.of(self._key.signer, self._at)
        except SEALING_FAILS as error:
            return [Failed(one.key, _said(error)) for one in documents]
        return await asyncio.gather(*map(self._seal, documents))

    async def _seal(self, document: ToSeal) -> Sealed | Failed:
        try:
            async with self._turn:
                return await (self._seal_pdf(document) if document.pdf else self._seal_beside(document))
        except SEALING_FAILS as error:
            return Failed(document.key, _said(error))

    async def _seal_pdf(self, document: ToSeal) -> Sealed:
        pdf = document.pdf or b""
        name = self._key.signer.subject_name or ""
        update = prepare(pdf, name=name, at=self._at, reserved=self._reserved, data=self._data)
        signature = await self._within.filled(update.digest, self._key.signer, self._stamper)
        content = update.with_signature(signature.cms)
        whole = sha256(pdf)
        whole.update(content)
        level = "B-LT" if self._data else _level(signature)
        return Sealed(document.key, content, whole.hexdigest(), level, signature.timestamped_at)

    async def _seal_beside(self, document: ToSeal) -> Sealed:
        signature = await self._beside.filled(bytes.fromhex(document.sha256), self._key.signer, self._stamper)
        content = signature.cms
        return Sealed(document.key, content, sha256(content).hexdigest(), _level(signature), signature.timestamped_at)


_forms: dict[str, Form] = {}


async def _form_within(key: Key) -> Form:
    """Return the form of signatures within PDFs, which is the same for all batches of a key."""
    if key.pem not in _forms:
        _forms.clear()
        _forms[key.pem] = await Form.of(key.signer)
    return _forms[key.pem]


def _level(signature: Signature) -> str:
    return "B-T" if signature.timestamped_at else "B-B"


def _said(error: BaseException) -> str:
    """Return what went wrong, with what lies behind it: pyHanko's own sentence does not name it."""
    behind = f" ({type(error.__cause__).__name__}: {error.__cause__})" if error.__cause__ else ""
    return f"{type(error).__name__}: {error}{behind}"


async def _validation_data(key: Key, stamper: TimeStamper | None, session: LazySession) -> ValidationData | None:
    """Fetch what proves that no certificate of key and authority is revoked; None where it cannot be had.

    Without a time stamp it would prove nothing later. Raises `KeyUnusable` where the certificate of the key is revoked.
    """
    trusted = roots()
    if not trusted or stamper is None:
        return None
    context = ValidationContext(
        trust_roots=trusted,
        other_certs=list(key.signer.cert_registry),
        allow_fetching=True,
        revocation_mode="require",
        fetcher_backend=AIOHttpFetcherBackend(session),
    )
    try:
        own = CertificateValidator(key.signer.signing_cert, validation_context=context)
        paths = [await own.async_validate_path(), *[path async for path in stamper.validation_paths(context)]]
    except RevokedError as error:
        raise KeyUnusable(f"A certificate is revoked: {error}") from error
    except (PathBuildingError, PathValidationError):
        return None
    certificates = {certificate.dump(): None for path in paths for certificate in path.iter_certs(include_root=True)}
    return ValidationData(
        list(certificates), [crl.dump() for crl in context.crls], [ocsp.dump() for ocsp in context.ocsps]
    )
