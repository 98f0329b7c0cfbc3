"""Verify a seal by itself: whether it is of a document and by a certificate, whatever that is worth."""

from __future__ import annotations

import hashlib
import re
from datetime import datetime
from hashlib import sha256

from asn1crypto import cms, pem, tsp, x509
from pyhanko.sign.general import CMSExtractionError, extract_certificate_info, extract_signer_info
from pyhanko.sign.validation.errors import SignatureValidationError
from pyhanko.sign.validation.generic_cms import validate_sig_integrity

BYTE_RANGE = re.compile(rb"/ByteRange \[0 +(\d+) +(\d+) +(\d+)\]/Contents <([0-9a-f]+)>")
UNREADABLE = (ValueError, TypeError, KeyError, IndexError, CMSExtractionError, SignatureValidationError)
"""What damaged bytes bring up in a parser."""


def certificate_of(pem_text: str) -> x509.Certificate:
    """Return the first certificate of a PEM: that of the key."""
    return x509.Certificate.load(pem.unarmor(pem_text.encode())[2])


def is_sealed_within(paper: bytes, update: bytes, certificate: x509.Certificate, stamped_at: datetime | None) -> bool:
    """Return whether a PDF with the update that follows it is signed as a whole by a certificate."""
    found = BYTE_RANGE.search(update)
    if not found:
        return False
    before, after, rest = (int(number) for number in found.groups()[:3])
    place = len(paper) + found.start(4) - 1, len(paper) + found.end(4) + 1
    if (before, after, after + rest) != (*place, len(paper) + len(update)):
        return False
    digest = sha256(paper)
    digest.update(update[: before - len(paper)])
    digest.update(update[after - len(paper) :])
    return is_sealed(digest.digest(), bytes.fromhex(found[4].decode()), certificate, stamped_at)


def is_sealed(digest: bytes, seal: bytes, certificate: x509.Certificate, stamped_at: datetime | None) -> bool:
    """Return whether a CMS signature is of a SHA-256 digest, by a certificate, and stamped at a time if one is stated."""
    try:
        signer = extract_signer_info(cms.ContentInfo.load(seal)["content"])
        if not all(validate_sig_integrity(signer, certificate, "data", digest)):
            return False
        return stamped_at is None or _stamped_at(signer) == stamped_at
    except UNREADABLE:
        return False


def _stamped_at(signer: cms.SignerInfo) -> datetime | None:
    """Return the time of the time stamp in a signature; None where it does not fit it."""
    attributes = {one["type"].native: one["values"] for one in signer["unsigned_attrs"]}
    token = attributes["signature_time_stamp_token"][0]["content"]
    content = token["encap_content_info"]["content"]
    stamp: tsp.TSTInfo = content.parsed
    authority = extract_certificate_info(token).signer_cert
    imprint = stamp["message_imprint"]["hashed_message"].native
    own = extract_signer_info(token)
    digest = hashlib.new(own["digest_algorithm"]["algorithm"].native, bytes(content)).digest()
    fits = validate_sig_integrity(own, authority, "tst_info", digest)
    return stamp["gen_time"].native if all(fits) and imprint == sha256(signer["signature"].native).digest() else None
