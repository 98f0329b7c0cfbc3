"""Signatures as CMS (RFC 5652, CAdES attributes): a batch has one form, made by pyHanko, and is filled in for each document.

What differs between two documents of a batch is the digest, the signature and the time stamp. pyHanko builds and encodes all of it
for each, which takes longer than half a report (docs/choices.md).
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from urllib.parse import unquote, urlsplit

from asn1crypto import cms, parser
from asn1crypto.core import ObjectIdentifier
from django.conf import settings
from pyhanko.sign.signers import Signer
from pyhanko.sign.signers.pdf_cms import PdfCMSSignedAttributes
from pyhanko.sign.timestamps import TimeStamper
from pyhanko.sign.timestamps.aiohttp_client import HTTPTimeStamper
from pyhanko.sign.timestamps.common_utils import TimestampRequestError
from pyhanko_certvalidator.fetchers.aiohttp_fetchers.util import LazySession

PLACE = bytes(range(1, 33))
"""Stands in the form where the digest of a document goes."""
SEQUENCE, SET, OCTETS = (0, 1, 16), (0, 1, 17), (0, 0, 4)
FIRST, SECOND = (2, 1, 0), (2, 1, 1)
SIGNED_DATA = ObjectIdentifier("1.2.840.113549.1.7.2").dump()
TIME_STAMP = ObjectIdentifier("1.2.840.113549.1.9.16.2.14").dump()
TIMEOUT_SECONDS = 15


def der(tag: tuple[int, int, int], *parts: bytes) -> bytes:
    """Encode parts as one element."""
    return bytes(parser.emit(*tag, b"".join(parts)))


@dataclass(frozen=True)
class Signature:
    cms: bytes
    timestamped_at: datetime | None


class Form:
    """What the signatures of a batch have in common."""

    def __init__(self, made: cms.ContentInfo) -> None:
        data = made["content"]
        info = data["signer_infos"][0]
        self._before = b"".join(
            data[name].dump() for name in ("version", "digest_algorithms", "encap_content_info", "certificates")
        )
        self._who = b"".join(info[name].dump() for name in ("version", "sid", "digest_algorithm"))
        self._attributes = info["signed_attrs"].dump()
        self._algorithm = info["signature_algorithm"].dump()
        if self._attributes.count(PLACE) != 1:
            raise ValueError("The digest does not stand once among the signed attributes.")

    @classmethod
    async def of(cls, signer: Signer, at: datetime | None = None) -> Form:
        """Let pyHanko make the form, with the time of signing; in a PDF, without `at`, that stands outside it."""
        settled = PdfCMSSignedAttributes(signing_time=at)
        made = await signer.async_sign(
            PLACE, "sha256", use_pades=True, signed_attr_settings=settled, is_pdf_sig=at is None
        )
        return cls(made)

    async def filled(self, digest: bytes, signer: Signer, stamper: TimeStamper | None) -> Signature:
        """Sign a SHA-256 digest; with a time stamp where an authority is set."""
        attributes = self._attributes.replace(PLACE, digest)
        # Signed as a SET, whatever its place in the structure (RFC 5652, 5.4).
        signature = await signer.async_sign_raw(b"\x31" + attributes[1:], "sha256")
        stamp, stamped_at = await _stamped(signature, stamper) if stamper else (b"", None)
        info = der(SEQUENCE, self._who, attributes, self._algorithm, der(OCTETS, signature), stamp)
        signed = der(SEQUENCE, self._before, der(SET, info))
        return Signature(der(SEQUENCE, SIGNED_DATA, der(FIRST, signed)), stamped_at)


async def _stamped(signature: bytes, stamper: TimeStamper) -> tuple[bytes, datetime]:
    """Return the time stamp of a signature as an unsigned attribute, and its time."""
    digest = sha256(signature).digest()
    token = await stamper.async_timestamp(digest, "sha256")
    stamp = token["content"]["encap_content_info"]["content"].parsed
    if stamp["message_imprint"]["hashed_message"].native != digest:
        raise TimestampRequestError("The time-stamping authority stamped something else.")
    return der(SECOND, der(SEQUENCE, TIME_STAMP, der(SET, token.dump()))), stamp["gen_time"].native


def time_stamper(session: LazySession) -> TimeStamper | None:
    """Return the client of the time-stamping authority, if one is set; `session` holds its connections."""
    if not settings.SEAL_TIMESTAMP_URL:
        return None
    url = urlsplit(settings.SEAL_TIMESTAMP_URL)
    headers = {}
    if url.username:
        named = f"{unquote(url.username)}:{unquote(url.password or '')}"
        headers["Authorization"] = f"Basic {b64encode(named.encode()).decode()}"
    host = url.netloc.rpartition("@")[2]
    address = url._replace(netloc=host).geturl()
    return HTTPTimeStamper(address, headers=headers, timeout=TIMEOUT_SECONDS, session=session)
