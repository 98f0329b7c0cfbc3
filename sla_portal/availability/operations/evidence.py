"""Store the files that prove an exclusion."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from pathlib import PurePath

from django.core.files import File
from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.kernel.errors import Refused

from ..models import Evidence, Exclusion
from ..queries import periods_excluded

MAX_SIZE = 20 * 1024 * 1024
MAX_FILES = 10
ENDINGS = (".pdf", ".png", ".jpg", ".jpeg", ".webp", ".txt", ".eml", ".csv", ".log")


class EvidenceRefused(Refused):
    """The file is empty, too large, one too many, or of a type that is not accepted."""


def add_evidence(
    *, actor: Actor, exclusion: Exclusion, upload: File[bytes], now: datetime, reason: str = ""
) -> Evidence:
    """Store a file with an exclusion under a generated name; the same file twice is stored once.

    It is never shown in a page, only downloaded. `reason`: why it is added to a closed month; without it an exclusion in
    one raises `TouchesClosedMonth`.
    """
    require(actor, "availability.propose_exclusion")
    name = PurePath((upload.name or "").replace("\\", "/")).name[-200:]
    _check(name, upload.size)
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
    with transaction.atomic():
        locked = Exclusion.objects.select_for_update().get(pk=exclusion.pk)
        known = locked.files.filter(sha256=digest.hexdigest()).first()
        if known:
            return known
        if locked.files.count() >= MAX_FILES:
            raise EvidenceRefused(
                _("This exclusion already has %(limit)d files. Combine related files into one.") % {"limit": MAX_FILES}
            )
        evidence = Evidence(
            exclusion=locked,
            name=name,
            size=upload.size,
            sha256=digest.hexdigest(),
            added_at=now,
            added_by_name=actor.name,
        )
        evidence.file.save(secrets.token_hex(16), upload, save=False)
        try:
            evidence.save(force_insert=True)
            record(
                actor=actor,
                action="added evidence to",
                subject=locked,
                now=now,
                changes={"name": [None, name], "sha256": [None, evidence.sha256]},
                touching=periods_excluded(locked, now),
                reason=reason or (locked.reason if locked.customer_id else ""),
            )
        except BaseException:
            evidence.file.delete(save=False)
            raise
    return evidence


def _check(name: str, size: int) -> None:
    if not size:
        raise EvidenceRefused(_("This file is empty. Choose another."))
    if size > MAX_SIZE:
        raise EvidenceRefused(_("This file is larger than 20 MB. Choose a smaller one."))
    if not name.isprintable() or not name.lower().endswith(ENDINGS):
        raise EvidenceRefused(
            _("Files of this type are not accepted. Accepted types: %(endings)s.") % {"endings": ", ".join(ENDINGS)}
        )
