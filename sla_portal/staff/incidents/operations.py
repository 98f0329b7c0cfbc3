"""Log several outages at once, and resolve an incident that is logged after its end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from incidents.models import Incident
from incidents.operations import OutageFacts, add_outage, log_incident, resolve_incident, set_severity
from incidents.rules import Severity
from sla_portal.audit.actors import Actor


def log_outages(
    *,
    actor: Actor,
    title: str,
    source: str,
    outages: Sequence[OutageFacts],
    detected_at: datetime,
    now: datetime,
    ticket_number: str = "",
    ticket_url: str = "",
    chat_url: str = "",
    severity: Severity | None = None,
    severity_reason: str = "",
    reason: str = "",
) -> Incident:
    """Log an incident with its severity; if all of its outages have ended, resolve it.

    It is resolved at the end of the last outage, or when it was detected where that is later (2.2). `reason`: why the
    record of a closed month is changed.
    """
    with transaction.atomic():
        incident = log_incident(
            actor=actor,
            title=title,
            source=source,
            ticket_number=ticket_number,
            ticket_url=ticket_url,
            chat_url=chat_url,
            outages=outages,
            detected_at=detected_at,
            now=now,
            reason=reason,
        )
        if severity:
            set_severity(actor=actor, incident=incident, severity=severity, reason=severity_reason, now=now)
        ends = [facts.ended_at for facts in outages]
        if None not in ends:
            resolve_incident(actor=actor, incident=incident, at=max(detected_at, *filter(None, ends)), now=now)
    return incident


def add_outages(
    *, actor: Actor, incident: Incident, outages: Sequence[OutageFacts], now: datetime, reason: str = ""
) -> None:
    """Add outages to an incident, all of them or none; `reason` as in `log_outages`."""
    with transaction.atomic():
        for facts in outages:
            add_outage(actor=actor, incident=incident, facts=facts, now=now, reason=reason)
