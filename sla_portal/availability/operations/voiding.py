"""Void an incident that was logged by mistake, or merge a duplicate into the incident that it repeats.

Both stay on record and count for nothing. Closed months keep their figures; where these no longer agree with the record,
they are listed for correction.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from incidents.models import Incident, Outage
from incidents.operations import OutageFacts, ReasonMissing, add_outage, lock_incident
from incidents.queries import periods_of
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import difference, record, require, snapshot
from sla_portal.kernel.errors import Refused

from ..models import Exclusion, Status
from .classification import propose_exclusion, withdraw

VOID = "incidents.void_incident"
COLUMNS = ("voided_at", "merged_into")


class MergedIntoItself(Refused):
    """An incident cannot be merged into itself."""


def void_incident(*, actor: Actor, incident: Incident, reason: str, now: datetime) -> None:
    """Void an incident; those that were merged into it are voided too, and its proposed exclusions withdrawn."""
    require(actor, VOID)
    _check_reason(reason)
    with transaction.atomic():
        _void(actor, lock_incident(incident), None, reason, now)
    incident.refresh_from_db()


def merge_incident(
    *,
    actor: Actor,
    incident: Incident,
    into: Incident,
    take_over: Collection[Outage],
    propose_anew: Collection[Exclusion],
    reason: str,
    now: datetime,
) -> None:
    """Merge an incident into another; its outages `take_over` are added to that one, the others are dropped.

    `propose_anew` are its exclusions to be proposed for the other incident. Those that were merged into it lead to the
    other incident from now on.
    """
    require(actor, VOID)
    _check_reason(reason)
    if incident.pk == into.pk:
        raise MergedIntoItself(_("An incident cannot be merged into itself. Choose another incident."))
    with transaction.atomic():
        # In the order of their keys, so that two merges never wait for each other.
        locked = {one.pk: lock_incident(one) for one in sorted((incident, into), key=lambda one: one.pk)}
        duplicate, target = locked[incident.pk], locked[into.pk]
        for outage in duplicate.outages.filter(pk__in=[one.pk for one in take_over]).select_related("region"):
            add_outage(actor=actor, incident=target, facts=facts_of(outage), now=now, reason=reason)
        _void(actor, duplicate, target, reason, now)
        for exclusion in duplicate.exclusions.filter(pk__in=[one.pk for one in propose_anew]):
            _propose_anew(actor, exclusion, target, now)
    incident.refresh_from_db()


def facts_of(outage: Outage) -> OutageFacts:
    """Return the fields of an outage on record."""
    return OutageFacts(
        region=outage.region,
        started_at=outage.started_at,
        ended_at=outage.ended_at,
        functions=list(outage.functions.all()) or None,
        clients=list(outage.clients.all()) or None,
    )


def _propose_anew(actor: Actor, exclusion: Exclusion, target: Incident, now: datetime) -> None:
    """Propose an exclusion, with its evidence, for the time of its own incident within another."""
    own = list(exclusion.incident.outages.all()) if exclusion.incident else []
    ends = [outage.ended_at for outage in own]
    proposed = propose_exclusion(
        actor=actor,
        incident=target,
        clause=exclusion.clause,
        reason=exclusion.reason,
        evidence=exclusion.evidence,
        starts_at=exclusion.starts_at or min((outage.started_at for outage in own), default=None),
        ends_at=exclusion.ends_at or (None if None in ends else max(filter(None, ends), default=None)),
        maintenance=exclusion.maintenance,
        third_party=exclusion.third_party,
        third_party_incident=exclusion.third_party_incident,
        now=now,
    )
    for file in exclusion.files.all():
        proposed.files.create(
            name=file.name,
            file=file.file.name,
            size=file.size,
            sha256=file.sha256,
            added_at=file.added_at,
            added_by_name=file.added_by_name,
        )


def _check_reason(reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing(_("Enter a reason."))


def _void(actor: Actor, incident: Incident, into: Incident | None, reason: str, now: datetime) -> None:
    """Void a locked incident, or merge it `into` another; no incident is left merged into one that does not count."""
    for exclusion in incident.exclusions.filter(status=Status.PROPOSED).select_for_update(of=("self",)):
        withdraw(actor, exclusion, reason, now)
    for one in (*incident.merged.all(), incident):
        before = snapshot(one, COLUMNS)
        one.voided_at, one.merged_into = one.voided_at or now, into
        one.save(update_fields=COLUMNS)
        record(
            actor=actor,
            action="merged" if into else "voided",
            subject=one,
            now=now,
            changes=difference(before, snapshot(one, COLUMNS)),
            reason=reason,
            touching=periods_of(one, now),
        )
