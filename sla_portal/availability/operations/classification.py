"""Classify incidents under section 4: one person proposes, another decides."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from incidents.models import Incident
from incidents.operations import classify_incident, lock_incident, lock_unchanged
from maintenance.models import MaintenanceWindow
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import check_unchanged, difference, record, refusing_for_good, require, snapshot
from sla_portal.customers.models import Customer
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch

from ..clauses import CUSTOMER_CLAUSES
from ..models import Exclusion, Status
from ..queries import covered_by_window, periods_excluded

MAINTENANCE, FORCE_MAJEURE = "4.1", "4.11"


class ExclusionOutsideIncident(Refused):
    """The time to exclude does not lie within the incident."""

    field = "starts_at"


class NoticeCoversNothing(Refused):
    """4.1 without a window whose notices cover some of the incident."""

    field = "maintenance"


class ThirdPartyNotNamed(Refused):
    """4.11 without the third party and its own incident."""

    field = "third_party"


class ReasonMissing(Refused):
    """A step that changes figures needs a reason."""

    field = "reason"


class EvidenceMissing(Refused):
    """Time caused by the customer cannot be excluded without evidence."""

    field = "evidence"


class NotACustomerClause(Refused):
    """The clause is not one of those for time caused by the customer (4.2 to 4.9)."""

    field = "clause"


class SecondPersonNeeded(Refused):
    """Another person must take this step."""


class ProposedByAnother(Refused):
    """Only the person who proposed an exclusion can withdraw it."""


class ExclusionAlreadyDecided(Refused):
    """The exclusion does not have the status that this step requires."""


class IncidentHasExclusions(Refused):
    """The incident cannot be classified as attributable while it has proposed or confirmed exclusions."""


def attribute_incident(*, actor: Actor, incident: Incident, reason: str, now: datetime) -> None:
    """Classify an incident as attributable to us: all of its downtime counts."""
    require(actor, "availability.propose_exclusion")
    with transaction.atomic():
        lock_unchanged(actor, incident, *incident.exclusions.all())
        if incident.exclusions.filter(status__in=(Status.PROPOSED, Status.CONFIRMED)).exists():
            raise IncidentHasExclusions(
                _(
                    "This incident has proposed or confirmed exclusions. Reject or revoke them before you classify it as attributable."
                )
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
    """Propose to exclude an incident, or its part `[starts_at, ends_at)`, under a clause of section 4.

    No time is excluded until another person confirms it.
    """
    require(actor, "availability.propose_exclusion")
    if not reason.strip():
        raise ReasonMissing(_("Say why the clause applies."))
    with transaction.atomic():
        incident = lock_unchanged(actor, incident, *incident.exclusions.all())
        _check_within(incident, starts_at, ends_at, now)
        if clause == MAINTENANCE:
            _check_noticed(incident, maintenance, starts_at, ends_at, now)
        if clause == FORCE_MAJEURE and not (third_party.strip() and third_party_incident.strip()):
            raise ThirdPartyNotNamed(
                _(
                    "Clause 4.11 needs the third party and its own incident. Enter its name and the incident's number or URL."
                )
            )
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
    """Propose to exclude `[starts_at, ends_at)` from one customer's months only, as caused by the customer (4.2 to 4.9)."""
    require(actor, "availability.propose_own_exclusion")
    if clause not in CUSTOMER_CLAUSES:
        raise NotACustomerClause(
            _("Time caused by the customer is excluded under one of the clauses 4.2 to 4.9. Choose one of them.")
        )
    if not reason.strip():
        raise ReasonMissing(_("Say why the clause applies."))
    if not evidence.strip():
        raise EvidenceMissing(_("Enter the evidence and where it can be found."))
    if ends_at <= starts_at:
        raise ExclusionOutsideIncident(_("The excluded time ends before it starts. Enter an end after the start."))
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
    """Confirm an exclusion that another person proposed; its time no longer counts.

    In a closed month it needs a reason; without one `TouchesClosedMonth` is raised.
    """
    with transaction.atomic():
        locked = _locked_for_decision(actor, exclusion, Status.PROPOSED)
        _decide(actor, locked, Status.CONFIRMED, reason, now)
    exclusion.refresh_from_db()


def reject_exclusion(*, actor: Actor, exclusion: Exclusion, reason: str, now: datetime) -> None:
    """Reject an exclusion that another person proposed; without any other the incident is unclassified again."""
    if not reason.strip():
        raise ReasonMissing(_("Say why it is rejected."))
    with transaction.atomic():
        locked = _locked_for_decision(actor, exclusion, Status.PROPOSED)
        _decide(actor, locked, Status.REJECTED, reason, now)
        _reopen_classification(actor, locked, reason, now)
    exclusion.refresh_from_db()


def revoke_exclusion(*, actor: Actor, exclusion: Exclusion, reason: str, now: datetime) -> None:
    """Revoke a confirmed exclusion; its time counts again and the row is kept."""
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


def withdraw_exclusion(*, actor: Actor, exclusion: Exclusion, reason: str, now: datetime) -> None:
    """Withdraw one's own proposal; without any other exclusion the incident is unclassified again."""
    of_one_customer = exclusion.customer_id is not None
    require(actor, "availability.propose_own_exclusion" if of_one_customer else "availability.propose_exclusion")
    if not reason.strip():
        raise ReasonMissing(_("Say why it is withdrawn."))
    with transaction.atomic():
        locked = _locked(actor, exclusion, Status.PROPOSED)
        if not actor.user or locked.proposed_by_id != actor.user.pk:
            raise ProposedByAnother(_("Another person proposed this exclusion. Only that person can withdraw it."))
        withdraw(actor, locked, reason, now)
        _reopen_classification(actor, locked, reason, now)
    exclusion.refresh_from_db()


def withdraw(actor: Actor, exclusion: Exclusion, reason: str, now: datetime) -> None:
    """Set a locked proposal to withdrawn. Nobody has decided it."""
    exclusion.status, exclusion.decided_at, exclusion.decision_reason = Status.WITHDRAWN, now, reason
    exclusion.save(update_fields=["status", "decided_at", "decision_reason"])
    record(
        actor=actor,
        action="withdrew",
        subject=exclusion,
        now=now,
        changes={"status": [Status.PROPOSED, Status.WITHDRAWN]},
        reason=reason,
    )


def _record_proposal(actor: Actor, exclusion: Exclusion, now: datetime) -> None:
    record(
        actor=actor,
        action="proposed",
        subject=exclusion,
        now=now,
        changes=difference({}, snapshot(exclusion, ["clause", "starts_at", "ends_at"])),
        reason=exclusion.reason,
        touching=periods_excluded(exclusion, now),
    )


def _locked_for_decision(actor: Actor, exclusion: Exclusion, expected: Status) -> Exclusion:
    of_one_customer = exclusion.customer_id is not None
    require(actor, "availability.decide_own_exclusion" if of_one_customer else "availability.decide_exclusion")
    locked = _locked(actor, exclusion, expected)
    if expected == Status.PROPOSED and actor.user and locked.proposed_by_id == actor.user.pk:
        raise SecondPersonNeeded(_("You proposed this exclusion, so another person must decide it."))
    return locked


def _locked(actor: Actor, exclusion: Exclusion, expected: Status) -> Exclusion:
    """Lock an exclusion, after its incident as every other operation does; neither has changed since `actor` saw them."""
    if exclusion.incident:
        lock_incident(actor, exclusion.incident)
    locked = Exclusion.objects.select_for_update().get(pk=exclusion.pk)
    rests_on = [locked, exclusion.incident] if exclusion.incident else [locked]
    with refusing_for_good(actor, *rests_on):
        if locked.status != expected:
            raise ExclusionAlreadyDecided(
                _("The status of this exclusion is now “%(status)s”. Reload the page and check it again.")
                % {"status": locked.get_status_display()}
            )
    check_unchanged(actor, *rests_on)
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
        # What one customer caused is found in a claim, for which the month is closed.
        reason=reason or (exclusion.reason if exclusion.customer_id else ""),
        touching=periods_excluded(exclusion, now),
    )


def _reopen_classification(actor: Actor, exclusion: Exclusion, reason: str, now: datetime) -> None:
    """Set an incident without proposed or confirmed exclusions back to unclassified."""
    incident = exclusion.incident
    if incident and not incident.exclusions.filter(status__in=(Status.PROPOSED, Status.CONFIRMED)).exists():
        classify_incident(actor=actor, incident=incident, attributable=None, reason=reason, now=now)


def _check_within(incident: Incident, starts_at: datetime | None, ends_at: datetime | None, now: datetime) -> None:
    outages = list(incident.outages.all())
    first = min((outage.started_at for outage in outages), default=None)
    last = max((outage.ended_at or now for outage in outages), default=None)
    if first is None or last is None:
        raise ExclusionOutsideIncident(_("This incident has no outage to exclude."))
    if starts_at and ends_at and ends_at <= starts_at:
        raise ExclusionOutsideIncident(_("The excluded time ends before it starts. Enter an end after the start."))
    if (starts_at and not first <= starts_at < last) or (ends_at and not first < ends_at <= last):
        raise ExclusionOutsideIncident(
            _(
                "The excluded time lies outside the incident, which lasts from %(first)s to %(last)s UTC. Enter a time within it."
            )
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
        raise NoticeCoversNothing(_("Clause 4.1 needs an announced maintenance window. Choose one."))
    for outage in incident.outages.select_related("region").prefetch_related("functions", "clients"):
        start = max(outage.started_at, starts_at or outage.started_at)
        end = min(outage.ended_at or now, ends_at or outage.ended_at or now)
        if start < end and covered_by_window(window, outage, (epoch(start), epoch(end))):
            return
    raise NoticeCoversNothing(
        _(
            "No notice of %(window)s covers any of this time, so clause 4.1 does not apply. See the notices on the window's page."
        )
        % {"window": window.reference}
    )
