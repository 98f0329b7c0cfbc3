"""Classify incidents under section 4: one person proposes, another decides."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from incidents.models import Incident
from incidents.operations import classify_incident
from maintenance.models import MaintenanceWindow
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import difference, record, require, snapshot
from sla_portal.customers.models import Customer
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch

from ..clauses import OWN_CLAUSES
from ..models import Exclusion, Status
from ..queries import covered_by_window

MAINTENANCE, FORCE_MAJEURE = "4.1", "4.11"


class ExclusionOutsideIncident(Refused):
    """The stretch to exclude does not lie within the incident."""


class NoticeCoversNothing(Refused):
    """4.1 without a window whose notices cover some of the incident."""


class ThirdPartyNotNamed(Refused):
    """4.11 without the third party and its own incident."""


class ReasonMissing(Refused):
    """A step that changes figures says why."""


class EvidenceMissing(Refused):
    """Time of a customer's own making without what proves it."""


class ClauseOfEveryone(Refused):
    """A clause that takes time off for everyone, or off nobody, where one customer's own was meant."""


class SecondPersonNeeded(Refused):
    """Whoever proposed an exclusion does not decide it."""


class ExclusionAlreadyDecided(Refused):
    """The exclusion is not in the state from which this step leads on."""


class ExclusionsStand(Refused):
    """The incident cannot be called ours while exclusions of it stand."""


def attribute_incident(*, actor: Actor, incident: Incident, reason: str, now: datetime) -> None:
    """Say that an incident was ours: all of it counts."""
    require(actor, "availability.propose_exclusion")
    with transaction.atomic():
        Incident.objects.select_for_update().get(pk=incident.pk)
        if incident.exclusions.filter(status__in=(Status.PROPOSED, Status.CONFIRMED)).exists():
            raise ExclusionsStand(
                _("Exclusions of this incident are proposed or confirmed. Have them rejected or revoked first.")
            )
        classify_incident(actor=actor, incident=incident, attributable=True, reason=reason, now=now)


def propose_exclusion(
    *,
    actor: Actor,
    incident: Incident,
    clause: str,
    reason: str,
    now: datetime,
    evidence: str = "",
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    maintenance: MaintenanceWindow | None = None,
    third_party: str = "",
    third_party_incident: str = "",
) -> Exclusion:
    """Propose to exclude an incident, or the stretch `[starts_at, ends_at)` of it, under a clause of section 4.

    Nothing is taken off until another person confirms it.
    """
    require(actor, "availability.propose_exclusion")
    if not reason.strip():
        raise ReasonMissing(_("Say why the clause applies."))
    with transaction.atomic():
        incident = Incident.objects.select_for_update().get(pk=incident.pk)
        _check_within(incident, starts_at, ends_at, now)
        if clause == MAINTENANCE:
            _check_noticed(incident, maintenance, starts_at, ends_at, now)
        if clause == FORCE_MAJEURE and not (third_party.strip() and third_party_incident.strip()):
            raise ThirdPartyNotNamed(_("Name the third party and its own incident, by number or address (4.11)."))
        exclusion = Exclusion.objects.create(
            incident=incident,
            clause=clause,
            starts_at=starts_at,
            ends_at=ends_at,
            maintenance=maintenance if clause == MAINTENANCE else None,
            third_party=third_party if clause == FORCE_MAJEURE else "",
            third_party_incident=third_party_incident if clause == FORCE_MAJEURE else "",
            reason=reason,
            evidence=evidence,
            proposed_by=actor.user,
            proposed_at=now,
        )
        _record_proposal(actor, exclusion, now)
        classify_incident(actor=actor, incident=incident, attributable=False, reason=reason, now=now)
    return exclusion


def propose_own_exclusion(
    *,
    actor: Actor,
    customer: Customer,
    clause: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    evidence: str,
    now: datetime,
) -> Exclusion:
    """Propose to take `[starts_at, ends_at)` off one customer's months alone, as of its own making (4.2 to 4.9)."""
    require(actor, "availability.propose_own_exclusion")
    if clause not in OWN_CLAUSES:
        raise ClauseOfEveryone(_("Time of a customer's own making is excluded under one of the clauses 4.2 to 4.9."))
    if not reason.strip():
        raise ReasonMissing(_("Say why the clause applies."))
    if not evidence.strip():
        raise EvidenceMissing(_("Say what proves it, and where it is found."))
    if ends_at <= starts_at:
        raise ExclusionOutsideIncident(_("The excluded time ends before it starts. Give an end after the start."))
    with transaction.atomic():
        Customer.objects.select_for_update().get(pk=customer.pk)
        exclusion = Exclusion.objects.create(
            customer=customer,
            clause=clause,
            starts_at=starts_at,
            ends_at=ends_at,
            reason=reason,
            evidence=evidence,
            proposed_by=actor.user,
            proposed_at=now,
        )
        _record_proposal(actor, exclusion, now)
    return exclusion


def confirm_exclusion(*, actor: Actor, exclusion: Exclusion, reason: str, now: datetime) -> None:
    """Confirm what another person proposed: from now on it takes its time off."""
    with transaction.atomic():
        locked = _locked_for_decision(actor, exclusion, Status.PROPOSED)
        _decide(actor, locked, Status.CONFIRMED, reason, now)
    exclusion.refresh_from_db()


def reject_exclusion(*, actor: Actor, exclusion: Exclusion, reason: str, now: datetime) -> None:
    """Refuse what another person proposed; with nothing else proposed the incident is unclassified again."""
    if not reason.strip():
        raise ReasonMissing(_("Say why it is rejected."))
    with transaction.atomic():
        locked = _locked_for_decision(actor, exclusion, Status.PROPOSED)
        _decide(actor, locked, Status.REJECTED, reason, now)
        _reopen_classification(actor, locked, reason, now)
    exclusion.refresh_from_db()


def revoke_exclusion(*, actor: Actor, exclusion: Exclusion, reason: str, now: datetime) -> None:
    """Take back a confirmed exclusion: its time counts again, and the row stays."""
    if not reason.strip():
        raise ReasonMissing(_("Say why it is revoked."))
    with transaction.atomic():
        locked = _locked_for_decision(actor, exclusion, Status.CONFIRMED)
        locked.status, locked.revoked_by, locked.revoked_at = Status.REVOKED, actor.user, now
        locked.revocation_reason = reason
        locked.save(update_fields=["status", "revoked_by", "revoked_at", "revocation_reason"])
        _record_status(actor, locked, Status.CONFIRMED, reason, now)
        _reopen_classification(actor, locked, reason, now)
    exclusion.refresh_from_db()


def _record_proposal(actor: Actor, exclusion: Exclusion, now: datetime) -> None:
    record(
        actor=actor,
        action="proposed",
        subject=exclusion,
        now=now,
        changes=difference({}, snapshot(exclusion, ["clause", "starts_at", "ends_at"])),
        reason=exclusion.reason,
    )


def _locked_for_decision(actor: Actor, exclusion: Exclusion, expected: Status) -> Exclusion:
    of_one_customer = exclusion.customer_id is not None
    require(actor, "availability.decide_own_exclusion" if of_one_customer else "availability.decide_exclusion")
    locked = Exclusion.objects.select_for_update().get(pk=exclusion.pk)
    if locked.status != expected:
        raise ExclusionAlreadyDecided(
            _("This exclusion is %(status)s by now. Look at it again.") % {"status": locked.get_status_display()}
        )
    if expected == Status.PROPOSED and actor.user and locked.proposed_by_id == actor.user.pk:
        raise SecondPersonNeeded(_("You proposed this exclusion. Another person has to decide it."))
    return locked


def _decide(actor: Actor, exclusion: Exclusion, status: Status, reason: str, now: datetime) -> None:
    exclusion.status, exclusion.decided_by, exclusion.decided_at = status, actor.user, now
    exclusion.decision_reason = reason
    exclusion.save(update_fields=["status", "decided_by", "decided_at", "decision_reason"])
    _record_status(actor, exclusion, Status.PROPOSED, reason, now)


def _record_status(actor: Actor, exclusion: Exclusion, before: Status, reason: str, now: datetime) -> None:
    record(
        actor=actor,
        action=str(exclusion.status),
        subject=exclusion,
        now=now,
        changes={"status": [before, exclusion.status]},
        reason=reason,
    )


def _reopen_classification(actor: Actor, exclusion: Exclusion, reason: str, now: datetime) -> None:
    """An incident of which no exclusion stands any more is unclassified until someone says otherwise."""
    if exclusion.incident_id is None:
        return
    # Two decisions at once: the second looks when the first is committed.
    incident = Incident.objects.select_for_update().get(pk=exclusion.incident_id)
    if not incident.exclusions.filter(status__in=(Status.PROPOSED, Status.CONFIRMED)).exists():
        classify_incident(actor=actor, incident=incident, attributable=None, reason=reason, now=now)


def _check_within(incident: Incident, starts_at: datetime | None, ends_at: datetime | None, now: datetime) -> None:
    outages = list(incident.outages.all())
    first = min((outage.started_at for outage in outages), default=None)
    last = max((outage.ended_at or now for outage in outages), default=None)
    if first is None or last is None:
        raise ExclusionOutsideIncident(_("This incident has no outage to exclude."))
    if starts_at and ends_at and ends_at <= starts_at:
        raise ExclusionOutsideIncident(_("The excluded time ends before it starts. Give an end after the start."))
    if (starts_at and not first <= starts_at < last) or (ends_at and not first < ends_at <= last):
        raise ExclusionOutsideIncident(
            _("The excluded time does not lie within the incident, from %(first)s to %(last)s UTC.")
            % {"first": f"{first:%Y-%m-%d %H:%M:%S}", "last": f"{last:%Y-%m-%d %H:%M:%S}"}
        )


def _check_noticed(
    incident: Incident,
    window: MaintenanceWindow | None,
    starts_at: datetime | None,
    ends_at: datetime | None,
    now: datetime,
) -> None:
    if window is None:
        raise NoticeCoversNothing(_("Clause 4.1 needs a maintenance window that was announced. Choose one."))
    for outage in incident.outages.select_related("region").prefetch_related("functions", "clients"):
        start = max(outage.started_at, starts_at or outage.started_at)
        end = min(outage.ended_at or now, ends_at or outage.ended_at or now)
        if start < end and covered_by_window(window, outage, (epoch(start), epoch(end))):
            return
    raise NoticeCoversNothing(
        _(
            "No notice of %(window)s covers any of this time, so 4.1 does not apply. What was announced is on the window's page."
        )
        % {"window": window.reference}
    )
