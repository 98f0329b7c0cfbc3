"""The register of what was issued."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Literal

from django.conf import settings

from .models import Document, Kind, Seal


def new_check_code() -> str:
    """Return sixteen random digits in groups of four: typed on any keyboard, and guessed by nobody."""
    digits = f"{secrets.randbelow(10**16):016}"
    return "-".join(digits[at : at + 4] for at in range(0, 16, 4))


def present_seal() -> Literal["", "operator", "demonstration"]:
    """Return whose key documents are sealed with at present; empty: none is set."""
    if not settings.SEAL_KEY:
        return ""
    return "demonstration" if str(settings.DEMONSTRATION_KEY) == settings.SEAL_KEY else "operator"


def register(
    *,
    kind: Kind,
    number: str,
    sha256: str,
    issued_at: datetime,
    about: str = "",
    revision: int = 1,
    check_code: str = "",
    pdf: str = "",
    to_seal: bool = True,
    rehearsal: int = 0,
) -> Document:
    """Add an issued document, in the transaction that issues it; it is sealed later, where a key is set.

    `about` names the record of which this is a revision, where the number may be another's, too. `pdf` is the name of a
    stored PDF, which is signed within. One that says of itself that it is unsealed stays so: not `to_seal`. `rehearsal` is
    the number of the rehearsal that runs: what is tried out never bears the operator's seal.
    """
    document = Document.objects.create(
        kind=kind,
        about=about or number,
        number=number,
        revision=revision,
        rehearsal=rehearsal,
        issued_at=issued_at,
        sha256=sha256,
        check_code=check_code or new_check_code(),
        pdf=pdf,
    )
    if to_seal and not rehearsal:
        Seal.objects.create(document=document, next_attempt_at=issued_at)
    return document
