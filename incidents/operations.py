"""Log what happened, follow it, end it, and say whether it was ours."""

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
    """The outage cannot be as told; `objections` says why."""

    def __init__(self, objections: tuple[OutageObjection, ...]) -> None:
        super().__init__(" ".join(_(objection.sentence) for objection in objections))
        self.objections = objections


class IncidentResolved(Refused):
    """The incident was resolved already."""


class IncidentWithoutOutage(Refused):
    """An incident is logged with at least one outage."""


@dataclass(frozen=True)
class OutageFacts:
    """What is told of an outage. `functions` or `clients` of None: all of them."""

    region: Region
    started_at: datetime
    ended_at: datetime | None = None
    functions: Sequence[CoreFunction] | None = None
    clients: Sequence[Client] | None = None

    def described(self) -> dict[str, Any]:
        """The facts as the trail keeps them."""
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
    """Put an incident with its outages on record, under the next free reference of the year (`INC-2026-0001`)."""
    require(actor, "incidents.add_incident")
    if not outages:
        raise IncidentWithoutOutage(_("Say where the service was down: choose at least one region."))
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
            changes={"source": [None, source], "outages": [None, [facts.described() for facts in outages]]},
        )
    return incident


def add_outage(*, actor: Actor, incident: Incident, facts: OutageFacts, now: datetime) -> Outage:
    """Add an outage to an incident: another region, function or stretch of the same trouble."""
    require(actor, "incidents.change_incident")
    _check(facts, now)
    with transaction.atomic():
        locked = Incident.objects.select_for_update().get(pk=incident.pk)
        if locked.resolved_at and facts.ended_at is None:
            raise IncidentResolved(
                _("%(incident)s was resolved. Give the outage its end, or log what goes on as a new incident.")
                % {"incident": locked.reference}
            )
        outage = _create_outage(incident, facts)
        record(
            actor=actor,
            action="added an outage to",
            subject=incident,
            now=now,
            changes={"outage": [None, facts.described()]},
        )
    return outage


def acknowledge_incident(*, actor: Actor, incident: Incident, now: datetime) -> None:
    """Say that somebody is on it (2.2). A second acknowledgement changes nothing."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        at = now.replace(microsecond=0)
        if Incident.objects.filter(pk=incident.pk, acknowledged_at__isnull=True).update(acknowledged_at=at):
            record(
                actor=actor, action="acknowledged", subject=incident, now=now, changes={"acknowledged_at": [None, at]}
            )
    incident.refresh_from_db()


def resolve_incident(*, actor: Actor, incident: Incident, at: datetime, now: datetime) -> None:
    """End an incident at `at` with all of its outages that still go on."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        locked = Incident.objects.select_for_update().get(pk=incident.pk)
        if locked.resolved_at:
            raise IncidentResolved(_("%(incident)s was resolved already.") % {"incident": locked.reference})
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
    """Say something about an incident, to the public or among ourselves. What was said stays."""
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
    """Say that an incident was ours, that section 4 excludes it, or (None) that this is open again."""
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
    """The next of the year; two at the same moment meet the unique constraint and the second is told to try again."""
    prefix = f"INC-{now:%Y}-"
    taken = Incident.objects.filter(reference__startswith=prefix).values_list("reference", flat=True)
    numbers = [int(reference[len(prefix) :]) for reference in taken if reference[len(prefix) :].isdigit()]
    return f"{prefix}{max(numbers, default=0) + 1:04}"
