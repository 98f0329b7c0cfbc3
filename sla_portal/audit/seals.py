"""Seal what was issued: the rows are the queue."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, Q, QuerySet

from .actors import Actor
from .models import Certificate, Seal
from .operations import record

if TYPE_CHECKING:
    from .sealing import Failed, Key, Sealed, ToSeal

log = logging.getLogger(__name__)

CHUNK = 50
LEASE = timedelta(minutes=5)
"""Longer than a chunk takes, with a time-stamping authority that answers slowly."""
LONGEST_PAUSE = timedelta(hours=1)
KEY_PAUSE = timedelta(minutes=5)
FREE = {"lease": None, "leased_until": None}


def waiting_seals() -> QuerySet[Seal]:
    """Return the seals of documents that are to be sealed and are not yet."""
    return Seal.objects.filter(sealed_at__isnull=True).order_by("next_attempt_at", "pk")


def seal_due(*, clock: Callable[[], datetime], most: int = CHUNK) -> int:
    """Seal up to `most` documents that are due; return how many were sealed, 0 where no key is set.

    A failure stands on the row, which is due again after a pause; the document stays issued, and unsealed, meanwhile.
    """
    now, lease = clock(), uuid.uuid4()
    due = waiting_seals().filter(next_attempt_at__lte=now)
    free = due.filter(Q(leased_until__isnull=True) | Q(leased_until__lt=now))
    if not settings.SEAL_KEY or not free.exists():
        return 0
    # Only a process that seals needs pyHanko.
    from .sealing import KeyUnusable, opened_key

    try:
        with opened_key(now) as key:
            chosen = list(free.values_list("pk", flat=True)[:most])
            # Of two workers that chose the same, the condition lets each row go to one.
            taken = {"lease": lease, "leased_until": now + LEASE, "attempts": F("attempts") + 1}
            free.order_by().filter(pk__in=chosen).update(**taken)
            return _seal(key, lease, now)
    except KeyUnusable as error:
        log.error("Nothing can be sealed: %s", error)
        due.order_by().filter(Q(pk__in=free.values("pk")) | Q(lease=lease)).update(
            error=str(error), next_attempt_at=now + KEY_PAUSE, **FREE
        )
        return 0


@dataclass(frozen=True)
class SealBeside:
    """A detached seal, and the certificate with its chain by which it is verified."""

    content: bytes
    fingerprint: str
    pem: str


def seal_beside(content: bytes, *, now: datetime) -> SealBeside | None:
    """Seal a file that is about to be put with others; None where no key is set or it cannot be sealed now."""
    if not settings.SEAL_KEY:
        return None
    from .sealing import KeyUnusable, Sealed, ToSeal, opened_key, seal_batch

    try:
        with opened_key(now) as key:
            (made,) = seal_batch(key, [ToSeal(0, sha256(content).hexdigest())], at=now)
            if isinstance(made, Sealed):
                return SealBeside(made.content, key.fingerprint, key.pem)
            log.warning("Left unsealed: %s", made.error)
    except KeyUnusable as error:
        log.error("Nothing can be sealed: %s", error)
    return None


def _seal(key: Key, lease: uuid.UUID, now: datetime) -> int:
    from .sealing import Failed, Sealed, seal_batch

    mine = Seal.objects.filter(lease=lease)
    rows = {seal.pk: seal for seal in mine.select_related("document").defer("content")}
    documents, failed = _read(rows.values())
    done = seal_batch(key, documents, at=now)
    with transaction.atomic():
        kept = _keep(key, [one for one in done if isinstance(one, Sealed)], lease, now)
        for one in [*failed, *(one for one in done if isinstance(one, Failed))]:
            pause = min(timedelta(minutes=2 ** min(rows[one.key].attempts, 6)), LONGEST_PAUSE)
            mine.filter(pk=one.key).update(error=one.error, next_attempt_at=now + pause, **FREE)
        if kept:
            changes = {str(rows[one.key].document): [None, one.sha256] for one in kept}
            certificate = Certificate.objects.get(fingerprint=key.fingerprint)
            record(actor=Actor.system("worker"), action="sealed with", subject=certificate, changes=changes, now=now)
    return len(kept)


def _read(rows: Iterable[Seal]) -> tuple[list[ToSeal], list[Failed]]:
    """Read the PDFs among the documents; one that is missing or damaged is not sealed."""
    from .sealing import Failed, ToSeal

    documents, failed = [], []
    for seal in rows:
        document, pdf = seal.document, None
        if document.pdf:
            try:
                with default_storage.open(document.pdf, "rb") as file:
                    pdf = file.read()
            except OSError:
                pdf = b""
            if sha256(pdf).hexdigest() != document.sha256:
                failed.append(Failed(seal.pk, "The file is missing or damaged."))
                continue
        documents.append(ToSeal(seal.pk, document.sha256, pdf))
    return documents, failed


def _keep(key: Key, sealed: Sequence[Sealed], lease: uuid.UUID, now: datetime) -> list[Sealed]:
    """Store seals whose lease is still held; return those stored."""
    certificate, _created = Certificate.objects.get_or_create(
        fingerprint=key.fingerprint,
        defaults={
            "subject": key.certificate.subject.rfc4514_string()[:300],
            "issuer": key.certificate.issuer.rfc4514_string()[:300],
            "valid_from": key.certificate.not_valid_before_utc,
            "valid_until": key.certificate.not_valid_after_utc,
            "pem": key.pem,
            "demonstration": key.demonstration,
            "first_used_at": now,
        },
    )
    return [
        one
        for one in sealed
        if Seal.objects.filter(pk=one.key, lease=lease).update(
            sealed_at=now,
            certificate=certificate,
            content=one.content,
            sha256=one.sha256,
            level=one.level,
            timestamped_at=one.timestamped_at,
            error="",
            **FREE,
        )
    ]
