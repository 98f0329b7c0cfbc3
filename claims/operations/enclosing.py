"""Attach files to the letter of a decision."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from pathlib import PurePath

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.kernel.errors import Refused
from sla_portal.notices.wording import File as MailFile

from ..models import Claim, Enclosure, Recommendation
from .proofs import examine

MOST_FILES = 5
MOST_BYTES = 10_000_000
"""Of all files of an e-mail together: what mail servers commonly take, with what base64 adds."""
TYPES = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "jpg": "image/jpeg",
    "webp": "image/webp",
    "pdf": "application/pdf",
    "txt": "text/plain",
}
"""Content types by kind; others are sent as mere bytes."""


class TooMuchEnclosed(Refused):
    """More is attached to an e-mail than mail servers take."""

    field = "files"


def enclose(*, actor: Actor, claim: Claim, upload: File[bytes], now: datetime) -> Enclosure:
    """Inspect a file and store it for the letters of a claim; return the existing row for the same file.

    It is sent only with a recommendation that names it. Call it outside a transaction. Raises `ProofRefused`.
    """
    require(actor, "claims.review_claim")
    if upload.size > MOST_BYTES:
        raise TooMuchEnclosed(_too_much())
    found = examine(upload)
    with transaction.atomic():
        Claim.objects.select_for_update().get(pk=claim.pk)
        if known := claim.enclosures.filter(sha256=found.sha256).first():
            return known
        enclosure = Enclosure.objects.create(
            claim=claim,
            name=_free_name(claim, found.name),
            kind=found.kind,
            size=len(found.content),
            sha256=found.sha256,
            content=found.content,
            scan=found.scan,
            added_at=now,
            added_by=actor.user,
        )
        record(
            actor=actor,
            action="attached a file to a letter of",
            subject=claim,
            now=now,
            changes={"file": [None, enclosure.name], "sha256": [None, enclosure.sha256]},
        )
    return enclosure


def check_enclosed(claim: Claim, enclosures: Collection[Enclosure]) -> None:
    """Raise `TooMuchEnclosed` where an e-mail would be too large, ValueError for files of another claim."""
    if any(one.claim_id != claim.pk for one in enclosures):
        raise ValueError("These files belong to another claim.")
    if len(enclosures) > MOST_FILES or sum(one.size for one in enclosures) > MOST_BYTES:
        raise TooMuchEnclosed(_too_much())


def files_of(recommendation: Recommendation) -> list[MailFile]:
    """Return the files that go with the letter of a recommendation."""
    return [
        MailFile(one.name, TYPES.get(one.kind, "application/octet-stream"), bytes(one.content))
        for one in recommendation.enclosures.all()
    ]


def _too_much() -> str:
    return _("An e-mail carries at most %(count)d files of %(size)d MB together. Attach less.") % {
        "count": MOST_FILES,
        "size": MOST_BYTES // 1_000_000,
    }


def _free_name(claim: Claim, name: str) -> str:
    """Return the name, numbered if another file of the claim has it."""
    taken, path = set(claim.enclosures.values_list("name", flat=True)), PurePath(name)
    numbered = (f"{path.stem}-{number}{path.suffix}" for number in range(2, len(taken) + 3))
    return next(one for one in (name, *numbered) if one not in taken)
