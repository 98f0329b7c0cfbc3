"""Put together what proves an amendment: one ZIP for a court. The row is the queue."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from tempfile import TemporaryFile

from django.core.files import File
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from sla_portal.agreements.models import AgreementVersion
from sla_portal.agreements.queries import deliveries_of
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.kernel.errors import Refused

from ..models import Bundle, Status

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=16)
"""Longer than a task may take (CELERY_TASK_TIME_LIMIT)."""
MAX_ATTEMPTS = 3
FREE = {"lease": None, "leased_until": None}


class NotAnnounced(Refused):
    """There is nothing to prove of a version that nobody was told of."""


class NoSuchRecipient(Refused):
    """No mail about the version went to the address."""


def request_bundle(*, actor: Actor, version: AgreementVersion, language: str, email: str = "", now: datetime) -> Bundle:
    """Ask for the proof of an amendment, in `language`; with `email`, the source of the mails to that address too.

    Raises `NotAnnounced` and `NoSuchRecipient`.
    """
    require(actor, "reports.request_bundle")
    if version.notice_id is None:
        raise NotAnnounced(_("Version %(version)s was not announced by this portal.") % {"version": version})
    if email and not deliveries_of(version).filter(email__iexact=email).exists():
        raise NoSuchRecipient(
            _(
                "No mail about version %(version)s went to %(address)s. Leave the address empty, or take one of the deliveries."
            )
            % {"version": version, "address": email}
        )
    with transaction.atomic():
        bundle = Bundle.objects.create(
            version=version,
            language=language,
            email=email,
            requested_at=now,
            requested_by=actor.user,
            requested_by_name=actor.name[:200],
        )
        record(
            actor=actor,
            action="requested a bundle of proof",
            subject=bundle,
            changes={"version": [None, version.version], "email": [None, email], "language": [None, language]},
            now=now,
        )
    return bundle


def release_expired_bundles(*, now: datetime) -> None:
    """Take bundles out of hands that died: into the queue, or given up after some attempts."""
    lapsed = Bundle.objects.filter(status=Status.RENDERING, leased_until__lt=now)
    lapsed.filter(attempts__gte=MAX_ATTEMPTS).update(
        status=Status.FAILED, error=_("The worker ended each time while putting it together."), **FREE
    )
    lapsed.filter(attempts__lt=MAX_ATTEMPTS).update(status=Status.QUEUED, **FREE)


def due_bundles() -> QuerySet[Bundle]:
    return Bundle.objects.filter(status=Status.QUEUED).order_by("pk")


def make_bundle(*, pk: int, clock: Callable[[], datetime]) -> bool:
    """Put a bundle together that waits, claimed by one conditional UPDATE; return whether it was made by this call."""
    # Only a process that prints needs WeasyPrint and its libraries.
    from ..bundle import write_bundle

    lease = uuid.uuid4()
    mine = Bundle.objects.filter(pk=pk, lease=lease)
    if not Bundle.objects.filter(pk=pk, status=Status.QUEUED).update(
        status=Status.RENDERING, lease=lease, leased_until=clock() + LEASE, attempts=F("attempts") + 1
    ):
        return False
    bundle = mine.select_related("version__based_on", "version__notice").get()
    try:
        with TemporaryFile() as file:
            sha256 = write_bundle(bundle.version, language=bundle.language, email=bundle.email, file=file)
            size = file.tell()
            name = _store(bundle, File(file))
    except Exception as error:
        # Whatever is wrong with one bundle, the others are made.
        log.exception("Bundle %s could not be put together", pk)
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
    return bool(made)


def record_download(*, actor: Actor, bundle: Bundle, now: datetime) -> None:
    """Note in the trail that somebody takes a bundle: it has the addresses of everyone who was told."""
    require(actor, "reports.view_bundle")
    with transaction.atomic():
        record(actor=actor, action="downloaded a bundle of proof", subject=bundle, now=now, changes={})


def _store(bundle: Bundle, file: File) -> str:
    """Store the file under the bundle's own name, over what an interrupted worker may have left there."""
    storage, name = bundle.file.storage, bundle.file.field.generate_filename(bundle, "")
    if storage.exists(name):
        storage.delete(name)
    return str(storage.save(name, file))
