"""Log, acknowledge, update, resolve, reopen and classify incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Model
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import Period, check_unchanged, record, require
from sla_portal.customers.models import Client, CoreFunction, Region
from sla_portal.kernel.errors import Refused

from .models import Incident, Outage, Update
from .queries import periods_of, times_of
from .rules import (
    OutageObjection,
    TimeObjection,
    check_detection,
    check_end,
    check_order,
    check_scope,
    check_times,
    objections,
)


class OutageRefused(Refused):
    """The outage is not valid; `objections` lists the reasons."""

    def __init__(self, objections: tuple[OutageObjection, ...]) -> None:
        super().__init__(" ".join(_(objection.sentence) for objection in objections))
        self.objections = objections


class TimesRefused(Refused):
    """A time of the incident is not valid, or breaks the order of 2.2; `objections` lists the reasons."""

    def __init__(self, objections: tuple[TimeObjection, ...]) -> None:
        super().__init__(" ".join(_(objection.sentence) for objection in objections))
        self.objections = objections


class IncidentResolved(Refused):
    """The incident is already resolved."""


class IncidentNotResolved(Refused):
    """The incident is not resolved, so it cannot be reopened."""


class IncidentVoided(Refused):
    """The incident was voided or merged into another, so it is not changed any more."""


class ReasonMissing(Refused):
    """This step needs a reason."""


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

    def period(self, now: datetime) -> Period:
        """The time that it lasted so far."""
        return self.started_at, self.ended_at or now

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
    reason: str = "",
) -> Incident:
    """Log an incident with its outages under the next free reference of the year (`INC-2026-0001`).

    `detected_at` is `now` unless given. Where an outage lies in a closed month, `reason` states why its record is changed,
    as in all operations of this module; without it `TouchesClosedMonth` is raised.
    """
    require(actor, "incidents.add_incident")
    at = now.replace(microsecond=0)
    detected_at = detected_at or at
    if not outages:
        raise IncidentWithoutOutage(_("No region was chosen. Choose at least one region where the service was down."))
    for facts in outages:
        check_outage(facts, now)
    if objections := check_detection(detected_at, now):
        raise TimesRefused(objections)
    with transaction.atomic():
        incident = Incident.objects.create(
            reference=_next_reference(now),
            title=title,
            source=source,
            ticket_number=ticket_number,
            detected_at=detected_at,
            logged_at=at,
        )
        for facts in outages:
            _create_outage(incident, facts)
        record(
            actor=actor,
            action="logged",
            subject=incident,
            now=now,
            changes={
                "source": [None, source],
                "detected_at": [None, detected_at],
                "outages": [None, [facts.for_audit_log() for facts in outages]],
            },
            touching=[facts.period(now) for facts in outages],
            reason=reason,
        )
    return incident


def add_outage(*, actor: Actor, incident: Incident, facts: OutageFacts, now: datetime, reason: str = "") -> Outage:
    """Add an outage to an incident: another region, scope or period of the same failure."""
    require(actor, "incidents.change_incident")
    check_outage(facts, now)
    with transaction.atomic():
        locked = lock_incident(incident)
        if locked.resolved_at and facts.ended_at is None:
            raise OutageRefused((OutageObjection.ONGOING_THOUGH_RESOLVED,))
        if objections := check_end(facts.ended_at, locked.resolved_at):
            raise OutageRefused(objections)
        outage = _create_outage(incident, facts)
        record(
            actor=actor,
            action="added an outage to",
            subject=incident,
            now=now,
            changes={"outage": [None, facts.for_audit_log()]},
            touching=[facts.period(now)],
            reason=reason,
        )
    return outage


def acknowledge_incident(*, actor: Actor, incident: Incident, now: datetime) -> None:
    """Acknowledge an incident (2.2) before it is resolved. Acknowledging it again changes nothing."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        at = now.replace(microsecond=0)
        locked = lock_unchanged(actor, incident)
        if locked.acknowledged_at is None:
            _check_unresolved(locked)
            if objections := check_order(locked.detected_at, at, None):
                raise TimesRefused(objections)
            locked.acknowledged_at = at
            locked.save(update_fields=["acknowledged_at"])
            record(actor=actor, action="acknowledged", subject=locked, now=now, changes={"acknowledged_at": [None, at]})
    incident.refresh_from_db()


def resolve_incident(
    *,
    actor: Actor,
    incident: Incident,
    at: datetime,
    now: datetime,
    restored_at: datetime | None = None,
    reason: str = "",
) -> None:
    """Resolve an incident at `at`; its ongoing outages end at `restored_at`, or at `at` unless it is given."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        locked = lock_unchanged(actor, incident)
        _check_unresolved(locked)
        ended = ended_outages(locked, at, now, restored_at)
        for outage in ended:
            outage.save(update_fields=["ended_at"])
        locked.resolved_at = at
        locked.save(update_fields=["resolved_at"])
        record(
            actor=actor,
            action="resolved",
            subject=locked,
            now=now,
            changes={"resolved_at": [None, at], **({"restored_at": [None, restored_at]} if restored_at else {})},
            # An ongoing outage lasted until now.
            touching=[(restored_at or at, now)] if ended else (),
            reason=reason,
        )
    incident.refresh_from_db()


def reopen_incident(*, actor: Actor, incident: Incident, text: str, reason: str, now: datetime) -> None:
    """Reopen a resolved incident; the public reads `text` as a new update.

    Its outages keep their ends: one that is still going on is corrected or added.
    """
    require(actor, "incidents.change_incident")
    if not reason.strip():
        raise ReasonMissing(_("Enter a reason."))
    with transaction.atomic():
        locked = lock_unchanged(actor, incident)
        if locked.resolved_at is None:
            raise IncidentNotResolved(_("%(incident)s is not resolved.") % {"incident": locked.reference})
        before, locked.resolved_at = locked.resolved_at, None
        locked.recorded_as_is = bool(objections(times_of(locked)))
        locked.save(update_fields=["resolved_at", "recorded_as_is"])
        record(
            actor=actor,
            action="reopened",
            subject=locked,
            now=now,
            changes={"resolved_at": [before, None]},
            reason=reason,
        )
        add_update(actor=actor, incident=locked, text=text, public=True, now=now)
    incident.refresh_from_db()


def add_update(*, actor: Actor, incident: Incident, text: str, public: bool, now: datetime) -> Update:
    """Add a public update or an internal note. Neither can be changed afterwards."""
    require(actor, "incidents.change_incident")
    with transaction.atomic():
        lock_incident(incident)
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
        locked = lock_unchanged(actor, incident)
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
                touching=periods_of(locked, now),
            )
    incident.attributable = attributable


def _check_unresolved(incident: Incident) -> None:
    if incident.resolved_at:
        raise IncidentResolved(_("%(incident)s is already resolved.") % {"incident": incident.reference})


def lock_unchanged(actor: Actor, incident: Incident, *rests_on: Model) -> Incident:
    """Lock an incident that has not changed since `actor` saw it, nor anything else that the step `rests_on`."""
    locked = _locked(incident)
    check_unchanged(actor, locked, *rests_on)
    _check_counts(locked)
    return locked


def lock_incident(incident: Incident) -> Incident:
    """Lock an incident until the end of the caller's transaction. Raises `IncidentVoided`."""
    locked = _locked(incident)
    _check_counts(locked)
    return locked


def _locked(incident: Incident) -> Incident:
    rows = Incident.objects.select_for_update(of=("self",), no_key=True).select_related("merged_into")
    return rows.get(pk=incident.pk)


def _check_counts(locked: Incident) -> None:
    """Raise `IncidentVoided` for an incident that does not count."""
    if locked.merged_into:
        raise IncidentVoided(
            _("%(incident)s was merged into %(other)s and cannot be changed. Open %(other)s instead.")
            % {"incident": locked.reference, "other": locked.merged_into.reference}
        )
    if locked.voided_at:
        raise IncidentVoided(
            _("%(incident)s was voided and cannot be changed. Log the outage again if it did happen.")
            % {"incident": locked.reference}
        )


def ended_outages(incident: Incident, at: datetime, now: datetime, restored_at: datetime | None = None) -> list[Outage]:
    """Return the ongoing outages of an incident as they are once it is resolved at `at` (`resolve_incident`).

    Raises `OutageRefused`, and `TimesRefused` where the times were out of order (2.2).
    """
    ended_at = restored_at or at
    if at > now:
        raise OutageRefused((OutageObjection.END_IN_THE_FUTURE,))
    if out_of_order := check_order(incident.detected_at, incident.acknowledged_at, at):
        raise TimesRefused(out_of_order)
    if late := check_end(ended_at, at):
        raise OutageRefused(late)
    if incident.outages.filter(ended_at__gt=at).exists():
        raise TimesRefused((TimeObjection.RESOLVED_BEFORE_AN_END,))
    outages = list(incident.outages.filter(ended_at__isnull=True).select_related("region"))
    for outage in outages:
        check_outage(OutageFacts(region=outage.region, started_at=outage.started_at, ended_at=ended_at), now)
        outage.ended_at = ended_at
    return outages


def check_outage(facts: OutageFacts, now: datetime) -> None:
    """Raise `OutageRefused` unless the times and the scope of an outage are valid."""
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
