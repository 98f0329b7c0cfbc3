"""Create the evidence bundle of an amendment, a claim or a month, a ZIP file. The rows are the queue."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from django.core.files import File
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from claims.models import Claim
from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.queries import deliveries_of
from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import register
from sla_portal.audit.models import Kind, Occasion
from sla_portal.audit.operations import make_checkpoint, record, require
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.operator.queries import rehearsal_number

from ..models import Bundle, Status
from .issuing import check_month
from .printing import print_version

if TYPE_CHECKING:
    from ..bundles import Noted

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=16)
"""Longer than a task may take (CELERY_TASK_TIME_LIMIT)."""
MAX_ATTEMPTS = 3
FREE = {"lease": None, "leased_until": None}


class NotAnnounced(Refused):
    """The version was not announced, so there is no evidence of its notice."""


class NoSuchRecipient(Refused):
    """No e-mail about the version was sent to the address."""

    field = "email"


def request_bundle(*, actor: Actor, version: AgreementVersion, language: str, email: str = "", now: datetime) -> Bundle:
    """Request the evidence bundle of an amendment, in `language`; with `email`, including the source of the e-mails to that address.

    Raises `NotAnnounced` and `NoSuchRecipient`.
    """
    require(actor, "reports.request_bundle")
    if version.notice_id is None:
        raise NotAnnounced(
            _("Version %(version)s was not announced by this portal, so there is no evidence bundle for it.")
            % {"version": version}
        )
    if email and not deliveries_of(version).filter(email__iexact=email).exists():
        raise NoSuchRecipient(
            _(
                "No e-mail about version %(version)s was sent to %(address)s. Leave the address empty, or use one of the deliveries."
            )
            % {"version": version, "address": email}
        )
    return _requested(actor, language, now, {"email": [None, email]}, version=version, email=email)


def request_claim_bundle(*, actor: Actor, claim: Claim, language: str, now: datetime) -> Bundle:
    """Request the evidence bundle of a claim, in `language`."""
    require(actor, "reports.request_bundle")
    return _requested(actor, language, now, {}, claim=claim)


def request_month_bundle(*, actor: Actor, month: ServiceMonth, language: str, now: datetime) -> Bundle:
    """Request the evidence bundle of a service month, in `language`. Raises `MonthNotBegun` and `MonthNotInService`."""
    require(actor, "reports.request_bundle")
    check_month(month, now)
    return _requested(actor, language, now, {}, month=month.first_day)


def _requested(actor: Actor, language: str, now: datetime, changes: dict[str, Any], **of: Any) -> Bundle:
    with transaction.atomic():
        bundle = Bundle.objects.create(
            language=language, requested_at=now, requested_by=actor.user, requested_by_name=actor.name[:200], **of
        )
        changes = {"about": [None, bundle.subject], **changes, "language": [None, language]}
        record(actor=actor, action="requested a bundle of proof", subject=bundle, changes=changes, now=now)
    return bundle


def release_expired_bundles(*, now: datetime) -> None:
    """Put bundles with an expired lease back into the queue, or mark them failed after `MAX_ATTEMPTS`."""
    expired = Bundle.objects.filter(status=Status.RENDERING, leased_until__lt=now)
    expired.filter(attempts__gte=MAX_ATTEMPTS).update(
        status=Status.FAILED, error=_("The worker stopped each time it created this bundle."), **FREE
    )
    expired.filter(attempts__lt=MAX_ATTEMPTS).update(status=Status.QUEUED, **FREE)


def due_bundles() -> QuerySet[Bundle]:
    return Bundle.objects.filter(status=Status.QUEUED).order_by("pk")


def make_bundle(*, pk: int, clock: Callable[[], datetime]) -> bool:
    """Create a queued bundle, leased by one conditional UPDATE; return whether this call created it."""
    # Only a process that renders needs WeasyPrint and its libraries.
    from ..bundles import write_bundle

    lease = uuid.uuid4()
    mine = Bundle.objects.filter(pk=pk, lease=lease)
    if not Bundle.objects.filter(pk=pk, status=Status.QUEUED).update(
        status=Status.RENDERING, lease=lease, leased_until=clock() + LEASE, attempts=F("attempts") + 1
    ):
        return False
    bundle = mine.select_related("version__based_on", "version__notice", "claim").get()
    try:
        if bundle.version:
            print_version(version=bundle.version, language=bundle.language, now=clock())
        with TemporaryFile() as file:
            sha256 = write_bundle(
                bundle, file=file, now=clock(), note=lambda manifest: _note_manifest(bundle, manifest, clock())
            )
            size = file.tell()
            name = _store(bundle, File(file))
    except Exception as error:
        # A failure of one bundle must not stop the others.
        log.exception("Bundle %s could not be created", pk)
        mine.update(
            status=Status.FAILED if bundle.attempts >= MAX_ATTEMPTS else Status.QUEUED,
            error=f"{type(error).__name__}: {error}",
            **FREE,
        )
        return False
    now = clock()
    with transaction.atomic():
        made = mine.update(status=Status.READY, file=name, sha256=sha256, size=size, made_at=now, error="", **FREE)
        if made:
            record(
                actor=Actor.system("worker"),
                action="put a bundle of proof together",
                subject=bundle,
                changes={"sha256": [None, sha256], "size": [None, size]},
                now=now,
            )
            register(
                kind=Kind.BUNDLE,
                number=bundle.about,
                sha256=sha256,
                issued_at=now,
                rehearsal=rehearsal_number(),
            )
    return bool(made)


def _note_manifest(bundle: Bundle, sha256: str, now: datetime) -> Noted:
    """Put the SHA-256 of a bundle's list of files on record, and make a checkpoint of the audit log at this entry."""
    from ..bundles import Noted

    with transaction.atomic():
        entry = record(
            actor=Actor.system("worker"),
            action="listed the files of",
            subject=bundle,
            changes={"manifest": [None, sha256]},
            now=now,
        )
        # About the entry, so that another attempt makes another.
        return Noted(entry, make_checkpoint(occasion=Occasion.BUNDLE, about=entry, now=now))


def record_download(*, actor: Actor, bundle: Bundle, now: datetime) -> None:
    """Record a download in the audit log: the bundle contains the addresses of all recipients."""
    require(actor, "reports.view_bundle")
    with transaction.atomic():
        record(actor=actor, action="downloaded a bundle of proof", subject=bundle, now=now, changes={})


def _store(bundle: Bundle, file: File) -> str:
    """Store the file under the name of the bundle, replacing what an interrupted worker may have left."""
    storage, name = bundle.file.storage, bundle.file.field.generate_filename(bundle, "")
    if storage.exists(name):
        storage.delete(name)
    return str(storage.save(name, file))
