"""Log, acknowledge, update, resolve and classify incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import record, require
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.errors import Refused

from .models import Incident, Outage, Update
from .rules import OutageObjection, check_scope, check_times


class OutageRefused(Refused):
    """The outage is not valid; `objections` lists the reasons."""

    def __init__(self, objections: tuple[OutageObjection, ...]) -> None:
        super().__init__(" ".join(_(objection.sentence) for objection in objections))
        self.objections = objections
        self.field = objections[0].field


class IncidentResolved(Refused):
    """The incident is already resolved."""


class IncidentWithoutOutage(Refused):
    """An incident needs at least one outage."""

    field = "regions"


@dataclass(frozen=True)
class OutageFacts:
    """The fields of an outage. None for `functions` or `clients` means all of them."""

    region: Region
    started_at: datetime
    ended_at: datetime | None = None
    functions: Sequence[CoreFunction] | None = None
    clients: Sequence[Client] | None = None

    def for_audit_log(self) -> dict[str, Any]:
        """The fields as the audit log records them."""
        return {
            "region": self.region.code,
            "started_at": self.started_at,
            "ended_at": self.ended_at,
            "functions": "all" if self.functions is None else [function.code for function in self.functions],
            "clients": "all" if self.clients is None else [client.code for client in self.clients],
        }


def log_incident(
    *,
    actor: Actor,
    title: str,
    source: str,
    outages: Sequence[OutageFacts],
    now: datetime,
    detected_at: datetime | None = None,
    ticket_number: str = "",
) -> Incident:
    """Log an incident with its outages under the next free reference of the year (`INC-2026-0001`)."""
    require(actor, "incidents.add_incident")
    if not outages:
        raise IncidentWithoutOutage(_("No region was chosen. Choose at least one region where the service was down."))
    for facts in outages:
        _check(facts, now)
    with transaction.atomic():
        incident = Incident.objects.create(
            reference=_next_reference(now),
            title=title,
            source=source,
            ticket_number=ticket_number,
            detected_at=detected_at or now.replace(microsecond=0),
        )
        for facts in outages:
            _create_outage(incident, facts)
        record(
            actor=actor,
            action="logged",
            subject=incident,
            now=now,
            changes={"source": [None, source], "outages": [None, [facts.for_audit_log() for facts in outages]]},
        )
    return incident


def add_outage(*, actor: Actor, incident: Incident, facts: OutageFacts, now: datetime) -> Outage:
    """Add an outage to an incident: another region, scope or period of the same failure."""
    require(actor, "incidents.change_incident")
    _check(facts, now)
    with transaction.atomic():
        locked = Incident.objects.select_for_update().get(pk=incident.pk)
        if locked.resolved_at and facts.ended_at is None:
            raise IncidentResolved(
                _("%(incident)s is resolved. Enter the end of the outage, or log an ongoing outage as a new incident.")
                % {"incident": locked.reference}
            )
        outage = _create_outage(incident, facts)
        record(
            actor=actor,
            action="added an outage to",
            subject=incident,
            now=now,
            changes={"outage": [None, facts.for_audit_log()]},
        )
    return outage


def acknowledge_incident(*, actor: Actor, incident: Incident, now: datetime) -> None:
    """Acknowledge an incident (2.2). Acknowledging it again changes nothing."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        at = now.replace(microsecond=0)
        if Incident.objects.filter(pk=incident.pk, acknowledged_at__isnull=True).update(acknowledged_at=at):
            record(
                actor=actor, action="acknowledged", subject=incident, now=now, changes={"acknowledged_at": [None, at]}
            )
    incident.refresh_from_db()


def resolve_incident(*, actor: Actor, incident: Incident, at: datetime, now: datetime) -> None:
    """Resolve an incident at `at` and end its ongoing outages at the same time."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        locked = Incident.objects.select_for_update().get(pk=incident.pk)
        if locked.resolved_at:
            raise IncidentResolved(_("%(incident)s is already resolved.") % {"incident": locked.reference})
        if at > now:
            raise OutageRefused((OutageObjection.END_IN_THE_FUTURE,))
        for outage in locked.outages.filter(ended_at__isnull=True).select_related("region"):
            _check(OutageFacts(region=outage.region, started_at=outage.started_at, ended_at=at), now)
            outage.ended_at = at
            outage.save(update_fields=["ended_at"])
        locked.resolved_at = at
        locked.save(update_fields=["resolved_at"])
        record(actor=actor, action="resolved", subject=locked, now=now, changes={"resolved_at": [None, at]})
    incident.refresh_from_db()


def add_update(*, actor: Actor, incident: Incident, text: str, public: bool, now: datetime) -> Update:
    """Add a public update or an internal note. Neither can be changed afterwards."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        update = Update.objects.create(
            incident=incident, at=now, text=text, public=public, author=actor.user, author_name=actor.name
        )
        record(
            actor=actor,
            action="updated",
            subject=incident,
            now=now,
            changes={"public update" if public else "internal update": [None, text]},
        )
    return update


def classify_incident(
    *, actor: Actor, incident: Incident, attributable: bool | None, reason: str, now: datetime
) -> None:
    """Classify an incident as attributable (True), excluded under section 4 (False) or pending (None)."""
    require(actor, "incidents.classify_incident")
    with transaction.atomic():
        locked = Incident.objects.select_for_update().get(pk=incident.pk)
        before, locked.attributable = locked.attributable, attributable
        if before != attributable:
            locked.save(update_fields=["attributable"])
            record(
                actor=actor,
                action="classified",
                subject=locked,
                now=now,
                changes={"attributable": [before, attributable]},
                reason=reason,
            )
    incident.attributable = attributable


def _check(facts: OutageFacts, now: datetime) -> None:
    everything = ("all",)
    objections = check_times(facts.started_at, facts.ended_at, now) + check_scope(
        [facts.region],
        everything if facts.functions is None else facts.functions,
        everything if facts.clients is None else facts.clients,
    )
    if objections:
        raise OutageRefused(objections)


def _create_outage(incident: Incident, facts: OutageFacts) -> Outage:
    outage = incident.outages.create(region=facts.region, started_at=facts.started_at, ended_at=facts.ended_at)
    outage.functions.set(facts.functions or ())
    outage.clients.set(facts.clients or ())
    return outage


def _next_reference(now: datetime) -> str:
    """The next reference of the year; of two at the same moment the unique constraint refuses the second."""
    prefix = f"INC-{now:%Y}-"
    taken = Incident.objects.filter(reference__startswith=prefix).values_list("reference", flat=True)
    numbers = [int(reference[len(prefix) :]) for reference in taken if reference[len(prefix) :].isdigit()]
    return f"{prefix}{max(numbers, default=0) + 1:04}"
