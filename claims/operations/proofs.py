"""Store the proof materials of a claim (3.3.2), and record who viewed them."""

from __future__ import annotations

import hashlib
import logging
import secrets
import tempfile
import unicodedata
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from io import BytesIO
from pathlib import PurePath
from typing import IO, Any, Literal

from django.core.files import File
from django.core.files.storage import Storage
from django.db import transaction
from django.db.models.fields.files import FieldFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.audit.queries import document_of_file
from sla_portal.kernel.errors import Refused

from ..inspection import LARGEST, Inspected, Reason, Unfit, inspect
from ..inspection.kinds import kind_of_name
from ..models import Application, Claim, Proof
from ..models.applying import OPEN, Scan
from ..scanning import VirusFound, scan

log = logging.getLogger(__name__)

MOST = 10
LONGEST_NAME = 120

SENTENCES = {
    Reason.EMPTY: gettext_lazy("This file is empty. Choose another."),
    Reason.TOO_LARGE: gettext_lazy("This file is larger than 20 MB. Choose a smaller one."),
    Reason.OTHER_KIND: gettext_lazy(
        "This file type is not accepted. Upload a picture (PNG, JPEG, WebP, HEIC, AVIF), a PDF, plain text (.txt) or an e-mail (.eml)."
    ),
    Reason.RECORDING: gettext_lazy(
        "This is a video or sound recording, which is not accepted. Upload screenshots of the moments that matter, with the time in view."
    ),
    Reason.MOVING: gettext_lazy(
        "This is a GIF picture, which is not accepted. Save it as PNG, or upload a screenshot of it."
    ),
    Reason.PICTURE: gettext_lazy(
        "This kind of picture is not accepted. Save it as PNG or JPEG, or upload a screenshot of it."
    ),
    Reason.OUTLOOK: gettext_lazy(
        "This is an Outlook message (.msg), which is not accepted. Save the message as .eml, or print it to a PDF, and upload that."
    ),
    Reason.OFD: gettext_lazy("This is an OFD document, which is not accepted. Export it as PDF and upload that."),
    Reason.TABLE: gettext_lazy(
        "This is a table, which is not accepted. Print the rows that matter to a PDF, or upload a screenshot of them."
    ),
    Reason.DATA: gettext_lazy(
        "This is a data file (such as JSON or XML), which is not accepted. Save the part that matters as plain text "
        "(.txt), or upload a screenshot of it."
    ),
    Reason.DOCUMENT: gettext_lazy(
        "This is a document of an office program, which is not accepted. Export it as PDF and upload that."
    ),
    Reason.ARCHIVE: gettext_lazy(
        "This is an archive, which is not accepted. Unpack it and upload the files that matter one by one."
    ),
    Reason.FORGED: gettext_lazy(
        "The content of this file does not match its file extension. Save it again from the program that created it."
    ),
    Reason.DAMAGED: gettext_lazy("This file is damaged or incomplete. Save it again, or upload a screenshot of it."),
    Reason.TWO_IN_ONE: gettext_lazy("This file contains a second file. Save it again, or upload a screenshot of it."),
    Reason.TOO_MANY_PIXELS: gettext_lazy(
        "This picture has more pixels than can be checked (64 million; an ordinary JPEG 256 million). Save it as JPEG, "
        "or upload a screenshot of it."
    ),
    Reason.TOO_LONG: gettext_lazy(
        "This picture is more than 65 535 pixels wide or high. Cut out the part that matters and upload that."
    ),
    Reason.ENCRYPTED: gettext_lazy("This PDF is password-protected or encrypted. Upload an unprotected one."),
    Reason.ACTIVE: gettext_lazy(
        "This PDF contains a script or runs an action when it is opened. Print it to a new PDF and upload that."
    ),
    Reason.ATTACHED: gettext_lazy(
        "This PDF contains attached files. Print it to a new PDF and upload that; upload the attached files separately."
    ),
    Reason.TOO_LARGE_INSIDE: gettext_lazy(
        "This file has too many pages or parts to check. Upload only those that matter, or a screenshot of them."
    ),
    Reason.NOT_TEXT: gettext_lazy(
        "This file contains data that is not text. Upload a picture (PNG, JPEG, WebP, HEIC, AVIF), a PDF, plain text "
        "(.txt) or an e-mail (.eml)."
    ),
    Reason.MARKUP: gettext_lazy(
        "This is a web page, a program or a shortcut, not plain text. Upload a screenshot of it, or a PDF."
    ),
    Reason.BLANK: gettext_lazy("Nothing can be seen in this text. Choose another file."),
    Reason.NOT_A_MAIL: gettext_lazy(
        "This is not a complete e-mail: it has no sender. Save the e-mail again as .eml, or as a PDF."
    ),
    Reason.OVERRAN: gettext_lazy(
        "This file took too long or too much memory to check. Upload a simpler one, or a screenshot of it."
    ),
    Reason.BUSY: gettext_lazy("Many files are being checked at the moment. Try again in a minute."),
}


class ProofRefused(Refused):
    """The file is not accepted, or contains a virus."""


class TooManyProofs(Refused):
    """The claim already has ten files."""


class ClaimDecided(Refused):
    """No file can be added to a claim that is decided for good, or removed from a submitted one."""


def add_proof(*, actor: Actor, to: Application | Claim, upload: File[bytes], now: datetime) -> Proof:
    """Inspect a file and store it with a claim or application; return the existing row for the same file.

    A PDF that the portal issued is known by its SHA-256 and taken, though it carries its figures as an attached file.
    At most ten files of 20 MB each. Call it outside a transaction: writes to the storage do not roll back.
    """
    require(actor, "claims.enter_claim")
    if upload.size > LARGEST:
        raise ProofRefused(str(SENTENCES[Reason.TOO_LARGE]))
    with tempfile.TemporaryFile() as file:
        sha256 = _copied(upload, file)
        if known := _known(to, sha256):
            return known
        name = _cleaned(upload.name or "")
        ours = document_of_file(sha256)
        inspected, scanned = _inspected(file, name, ours=bool(ours and ours.pdf))
        proof = Proof(
            name=_with_ending(name, inspected.kind, sha256),
            kind=inspected.kind,
            size=file.seek(0, 2),
            sha256=sha256,
            preview_kind=inspected.preview_kind,
            pages=inspected.pages,
            remarks=[remark.value for remark in inspected.remarks],
            scan=Scan.CLEAN if scanned else Scan.NOT_SCANNED,
            added_at=now,
            added_by_name=actor.name,
        )
        return _store(actor, to, proof, file, inspected.preview, now)


@dataclass(frozen=True)
class Examined:
    """A file that passed the inspection, whole."""

    name: str
    kind: str
    sha256: str
    content: bytes
    scan: Scan


def examine(upload: File[bytes]) -> Examined:
    """Inspect a file as proof is inspected, without storing it. Raises `ProofRefused`."""
    if upload.size > LARGEST:
        raise ProofRefused(str(SENTENCES[Reason.TOO_LARGE]))
    with tempfile.TemporaryFile() as file:
        sha256 = _copied(upload, file)
        name, ours = _cleaned(upload.name or ""), document_of_file(sha256)
        inspected, scanned = _inspected(file, name, ours=bool(ours and ours.pdf))
        file.seek(0)
        scan_found = Scan.CLEAN if scanned else Scan.NOT_SCANNED
        return Examined(_with_ending(name, inspected.kind, sha256), inspected.kind, sha256, file.read(), scan_found)


def remove_proof(*, actor: Actor, proof: Proof, now: datetime) -> None:
    """Remove a file from an application that is not submitted; files of a claim cannot be removed. Idempotent."""
    require(actor, "claims.enter_claim")
    with transaction.atomic():
        # Lock the application first, as `submit_application` does.
        if proof.application_id:
            Application.objects.select_for_update().filter(pk=proof.application_id).first()
        locked = Proof.objects.select_for_update().filter(pk=proof.pk).first()
        if locked is None:
            return
        if locked.application is None:
            raise ClaimDecided(_("This file belongs to a submitted claim and cannot be removed."))
        locked.delete()
        record(
            actor=actor,
            action="removed proof from",
            subject=locked.application,
            now=now,
            changes={"sha256": [locked.sha256, None]},
        )
        for file in (proof.file, proof.preview):
            transaction.on_commit(partial(_discard, file.storage, str(file.name)))


def record_view(*, actor: Actor, proof: Proof, what: Literal["preview", "original"], now: datetime) -> None:
    """Record in the audit log that a file was viewed or its original downloaded."""
    require(actor, "claims.view_proof")
    action = {"preview": "viewed proof of", "original": "downloaded proof of"}[what]
    with transaction.atomic():
        record(actor=actor, action=action, subject=_owner(proof), now=now, changes=_named(proof))


def _copied(upload: File[bytes], file: IO[bytes]) -> str:
    """Copy the upload to a temporary file and return its SHA-256."""
    digest = hashlib.sha256()
    for chunk in upload.chunks():
        digest.update(chunk)
        file.write(chunk)
    file.flush()
    return digest.hexdigest()


def _known(owner: Application | Claim, sha256: str) -> Proof | None:
    """Return the same file if it is stored already; raise if no further file can be added."""
    if isinstance(owner, Claim) and not (owner.status in OPEN or owner.may_be_appealed):
        raise ClaimDecided(_("This claim is decided. No further proof materials can be added."))
    if isinstance(owner, Application) and owner.claim_id:
        raise ClaimDecided(_("This application has already been submitted. Add the file on the page of your claim."))
    proofs = Proof.objects.filter(**{_field(owner): owner})
    if known := proofs.filter(sha256=sha256).first():
        return known
    if proofs.count() >= MOST:
        raise TooManyProofs(_("There are %(most)d files already. Put what belongs together into one.") % {"most": MOST})
    return None


def _inspected(file: IO[bytes], name: str, *, ours: bool) -> tuple[Inspected, bool]:
    try:
        return inspect(file, name, ours=ours), scan(file)
    except Unfit as unfit:
        raise ProofRefused(str(SENTENCES[unfit.reason])) from None
    except VirusFound as found:
        raise ProofRefused(
            _(
                "The virus scanner found a virus in this file: %(name)s. Check your computer for viruses and upload another file."
            )
            % {"name": found}
        ) from None


def _store(
    actor: Actor, owner: Application | Claim, proof: Proof, file: IO[bytes], preview: bytes, now: datetime
) -> Proof:
    """Write file, preview and row, or none of them; names in the storage are random."""
    with ExitStack() as undo:
        with transaction.atomic():
            locked = type(owner)._default_manager.select_for_update().get(pk=owner.pk)
            if known := _known(locked, proof.sha256):
                return known
            setattr(proof, _field(owner), locked)
            for field, content in ((proof.file, file), (proof.preview, BytesIO(preview))):
                name = secrets.token_hex(16)
                undo.callback(_discard, field.storage, name)
                _save(field, File(content, name))
            proof.save(force_insert=True)
            record(actor=actor, action="added proof to", subject=locked, now=now, changes=_named(proof))
        undo.pop_all()
    return proof


def _save(field: FieldFile, content: File[bytes]) -> None:
    try:
        field.save(str(content.name), content, save=False)
    except Exception as error:
        # Storage back ends raise different errors; the claimant gets one message for all.
        log.exception("A proof file could not be stored")
        raise ProofRefused(_("The file could not be saved. Try again in a few minutes.")) from error


def _discard(storage: Storage, name: str) -> None:
    try:
        storage.delete(name)
    except Exception:
        # The original error is more useful to the claimant than this one.
        log.exception("The file %s could not be deleted, and no row names it", name)


def _owner(proof: Proof) -> Application | Claim:
    return proof.claim or proof.application  # type: ignore[return-value]  # a constraint: exactly one of them


def _field(owner: Application | Claim) -> str:
    return "claim" if isinstance(owner, Claim) else "application"


def _named(proof: Proof) -> dict[str, list[Any]]:
    """Describe the file for the audit log; for an application only the hash, as the log is permanent and the form unsent."""
    return {"sha256": [None, proof.sha256]} | ({"proof": [None, proof.name]} if proof.claim_id else {})


def _cleaned(name: str) -> str:
    """Clean a file name for display: no folders, invisible or bidirectional characters, or dots at its ends."""
    last = PurePath(unicodedata.normalize("NFC", name).replace("\\", "/").replace("\0", "")).name
    seen = "".join(c if c.isprintable() else " " for c in last if unicodedata.category(c) != "Cf")
    return " ".join(seen.split()).strip(". ")


def _with_ending(name: str, kind: str, sha256: str) -> str:
    """Shorten the name and give it the extension of its type, so that a download opens correctly."""
    ending = PurePath(name).suffix if kind_of_name(name) else f".{kind}"
    return (name.removesuffix(ending)[:LONGEST_NAME] or sha256[:12]) + ending
