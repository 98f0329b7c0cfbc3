"""Evidence bundles: ZIP files that anyone can verify without the portal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time
from hashlib import sha256
from pathlib import Path
from typing import IO
from zipfile import ZIP_DEFLATED, ZipFile

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from sla_portal.audit.models import Certificate
from sla_portal.audit.seals import seal_beside
from sla_portal.operator.queries import operator_in_force, present_mark
from sla_portal.operator.rules import Operator
from sla_portal.operator.words import mark_name, mark_sentence

from ..models import Bundle
from .amendment import write_amendment
from .archive import Archive
from .claim import write_claim
from .log import MANIFEST, Noted, add_newest_checkpoint
from .month import write_month

__all__ = ["Noted", "write_bundle"]

VERIFY = Path(__file__).resolve().parent.parent / "assets" / "verify.py"


def write_bundle(bundle: Bundle, *, file: IO[bytes], now: datetime, note: Callable[[str], Noted]) -> str:
    """Write an evidence bundle as of `now` to `file`; return its SHA-256. Rows are read in chunks.

    `note` puts the SHA-256 of the manifest on record and returns the entry with the checkpoint at it, which are added last:
    what others hold of that checkpoint covers every file.
    """
    with translation.override(bundle.language), ZipFile(file, "w", ZIP_DEFLATED, compresslevel=6) as opened:
        archive = Archive(opened, _time_of(bundle))
        write = write_amendment if bundle.version_id else write_claim if bundle.claim_id else write_month
        readme = write(archive, bundle, now)
        operator = operator_in_force()
        _add_verification(archive, operator)
        archive.add("README.txt", _headed(readme, operator.stated_in(bundle.language)).encode())
        manifest = archive.manifest()
        archive.add(MANIFEST, manifest)
        _add_seal(archive, manifest, now)
        add_newest_checkpoint(archive, note(sha256(manifest).hexdigest()))
    file.seek(0)
    whole = sha256()
    while part := file.read(1 << 20):
        whole.update(part)
    return whole.hexdigest()


def _headed(readme: str, operator: str) -> str:
    """Put the operator at the head, and on the first line where nothing of it is real."""
    mark = present_mark()
    marked = f"{mark_name(mark).upper()}. {mark_sentence(mark)}" if mark else ""
    return "\n\n".join(filter(None, (marked, operator, readme)))


def _add_seal(archive: Archive, manifest: bytes, now: datetime) -> None:
    """Add the seal of the manifest, where a key is at hand, and all certificates by which seals in the bundle are verified."""
    # What is tried out never bears the operator's seal.
    seal = None if present_mark() else seal_beside(manifest, now=now)
    if seal:
        archive.add(f"{MANIFEST}.p7s", seal.content)
    used = dict(Certificate.objects.values_list("fingerprint", "pem"))
    for fingerprint, pem in (used | ({seal.fingerprint: seal.pem} if seal else {})).items():
        archive.add(f"certificates/{fingerprint[:16]}.pem", pem.encode())


def _time_of(bundle: Bundle) -> datetime:
    """Return the time of the files: that of what the evidence is of."""
    if bundle.version:
        return bundle.version.published_at or bundle.requested_at
    if bundle.claim:
        return bundle.claim.received_at
    return datetime.combine(bundle.month or bundle.requested_at, time(), UTC)


def _add_verification(archive: Archive, operator: Operator) -> None:
    """Add the program that verifies a bundle, and the page that says how to do it by hand, in each language."""
    archive.add("verify.py", VERIFY.read_bytes())
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            said = {"language": language, "address": settings.SITE_URL, "operator": operator.stated_in(language)}
            page = render_to_string("reports/bundle/verify.html", said)
        archive.add(f"verify.{language}.html", page.encode())
