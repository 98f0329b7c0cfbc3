"""The public facts in the shape of the Atlassian Statuspage status API, version 2.

A region is a component group, a core function in it a component. Names of incidents and of states are English; times
are ISO 8601 with milliseconds in the SLA time zone. Ids are derived from our references by a keyed hash: they stay as long
as the secret key does, and say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac

from incidents.rules import Severity
from sla_portal.website.queries import Grid, Present
from sla_portal.website.rules import (
    Announcement,
    Named,
    Phase,
    PublicIncident,
    PublicUpdate,
    PublicWindow,
    Scope,
    Stage,
    State,
    severity_by_scope,
)
from sla_portal.website.words import name, what_is_touched, what_was_down, why_it_does_not_count

Json = dict[str, Any]

ALPHABET = "0123456789bcdfghjklmnpqrstvwxyz"
ID_LENGTH = 12

COMPONENT_STATUS = {
    State.OPERATIONAL: "operational",
    State.MAINTENANCE: "under_maintenance",
    State.PARTIAL_OUTAGE: "partial_outage",
    State.MAJOR_OUTAGE: "major_outage",
}
INCIDENT_STATUS = {
    Stage.ONGOING: "investigating",
    Stage.MONITORING: "monitoring",
    Stage.RESOLVED: "resolved",
    Stage.VOIDED: "resolved",
    Stage.MERGED: "resolved",
}
INDICATORS = {
    Severity.CRITICAL: {"indicator": "critical", "description": "Major Service Outage"},
    Severity.MAJOR: {"indicator": "major", "description": "Partial System Outage"},
    Severity.MINOR: {"indicator": "minor", "description": "Minor Service Outage"},
}
MAINTENANCE_STATUS = {
    Phase.SCHEDULED: "scheduled",
    Phase.IN_PROGRESS: "in_progress",
    Phase.OVERRUNNING: "in_progress",
    Phase.COMPLETED: "completed",
    Phase.CANCELLED: "completed",
    Phase.NOT_CARRIED_OUT: "completed",
}


def opaque(kind: str, reference: object) -> str:
    """An id for what we call by `reference`: twelve letters and digits without vowels, as Statuspage's are."""
    number = int(salted_hmac("sla_portal.api", f"{kind} {reference}", algorithm="sha256").hexdigest(), 16)
    letters = []
    for _ in range(ID_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return "".join(letters)


def stamp(at: datetime) -> str:
    return at.astimezone(settings.SLA_ZONE).isoformat(timespec="milliseconds")


def _stamp_or_none(at: datetime | None) -> str | None:
    return stamp(at) if at else None


PAGE = "page"


def page(changed_at: datetime, name: str) -> Json:
    return {
        "id": opaque(PAGE, ""),
        "name": name,
        "url": settings.SITE_URL,
        "time_zone": settings.SLA_TIME_ZONE,
        "updated_at": stamp(changed_at),
    }


# Overall status


def status(present: Present) -> Json:
    """The indicator: the worst severity of what is ongoing; without any, maintenance in progress."""
    if present.severity:
        return INDICATORS[present.severity]
    if State.MAINTENANCE in {function.state for one in present.state for function in one.functions}:
        return {"indicator": "maintenance", "description": "Service Under Maintenance"}
    return {"indicator": "none", "description": "All Systems Operational"}


def components(present: Present, changed_at: datetime) -> list[Json]:
    """Every region as a group, each followed by its functions."""
    rows = []
    for position, one in enumerate(present.state, 1):
        functions = [
            _component(present, function_code(one.region, state.function), name(state.function), state.state, number)
            for number, state in enumerate(one.functions, 1)
        ]
        group = _component(present, one.region.code, name(one.region), one.worst, position)
        group |= {"group": True, "components": [function["id"] for function in functions]}
        rows += [group, *(function | {"group_id": group["id"]} for function in functions)]
    return [row | {"updated_at": stamp(changed_at)} for row in rows]


def _component(present: Present, code: str, said: str, state: State, position: int) -> Json:
    return {
        "id": opaque("component", code),
        "name": said,
        "status": COMPONENT_STATUS[state],
        "created_at": stamp(present.since),
        "updated_at": stamp(present.since),
        "position": position,
        "description": None,
        "showcase": False,
        "start_date": None,
        "group_id": None,
        "page_id": opaque(PAGE, ""),
        "group": False,
        "only_show_if_degraded": False,
    }


def function_code(region: Named, function: Named) -> str:
    return f"{region.code}/{function.code}"


# Incidents


def incident(one: PublicIncident, all_components: Sequence[Json], grid: Grid, now: datetime) -> Json:
    """An incident with its public updates, and those that follow from the record: started, restored, resolved, voided."""
    identity = opaque("incident", one.reference)
    resolved_at = one.voided_at or (one.resolved_at if one.stage is Stage.RESOLVED else None)
    works_since = None if one.stage is Stage.ONGOING else one.ended_at
    touched = {
        function_code(outage.region, function): f"{name(outage.region)} - {name(function)}"
        for outage in one.outages
        for function in _functions(outage.scope, grid)
    }
    updates = [
        _update(
            identity, f"{one.reference} began", "investigating", f"{what_was_down(one)}.", one.started_at,
            affected=_affected(touched, "operational", _worst_status(one, grid)),
        )
    ]  # fmt: skip
    updates += [_said(identity, update, works_since, resolved_at) for update in one.updates]
    if works_since:
        updates.append(_update(identity, f"{one.reference} works", "monitoring", "It works again.", works_since))
    if resolved_at:
        body = why_it_does_not_count(one) or "Resolved."
        updates.append(_update(identity, f"{one.reference} over", "resolved", body, resolved_at))
    return {
        "id": identity,
        "name": what_was_down(one),
        "status": INCIDENT_STATUS[one.stage],
        "created_at": stamp(one.started_at),
        "updated_at": stamp(one.changed_at(now)),
        "monitoring_at": _stamp_or_none(works_since),
        "resolved_at": _stamp_or_none(resolved_at),
        "impact": one.severity.value if one.severity else "none",
        "shortlink": settings.SITE_URL + reverse("incident", args=[one.reference]),
        "started_at": stamp(one.started_at),
        "page_id": opaque(PAGE, ""),
        "incident_updates": _newest_first(updates),
        "components": _of(all_components, touched),
        "reminder_intervals": None,
    }


def _worst_status(one: PublicIncident, grid: Grid) -> str:
    minor = severity_by_scope(one.outages, grid.functions, grid.clients) is Severity.MINOR
    return "partial_outage" if minor else "major_outage"


def _said(identity: str, update: PublicUpdate, works_since: datetime | None, resolved_at: datetime | None) -> Json:
    """A public update, with the status of the incident at that time."""
    then = "investigating"
    if works_since and update.at >= works_since:
        then = "monitoring"
    if resolved_at and update.at >= resolved_at:
        then = "resolved"
    return _update(identity, update.key, then, update.text, update.at)


# Maintenance


def maintenance(one: PublicWindow, all_components: Sequence[Json], grid: Grid, now: datetime) -> Json:
    """A maintenance window as it was announced; one that was cancelled or not carried out is completed."""
    identity = opaque("maintenance", one.reference)
    regions = grid.regions if one.regions is None else one.regions
    touched = {
        function_code(region, function): f"{name(region)} - {name(function)}"
        for region in regions
        for function in _functions(one.scope, grid)
    }
    updates = [_announced(identity, one, announcement) for announcement in one.announced]
    ended_at = None
    if one.phase is Phase.CANCELLED:
        ended_at = one.cancelled_at
    elif one.not_carried_out_at and one.phase is Phase.NOT_CARRIED_OUT:
        ended_at = one.not_carried_out_at
        updates.append(_update(identity, f"{one.reference} not carried out", "completed", "Not carried out.", ended_at))
    elif one.phase is not Phase.SCHEDULED:
        updates.append(_update(identity, f"{one.reference} began", "in_progress", "Under way.", one.starts_at))
        ended_at = (one.completed_at or one.ends_at) if one.phase is Phase.COMPLETED else None
    if ended_at and one.phase is Phase.COMPLETED:
        updates.append(_update(identity, f"{one.reference} over", "completed", "Over.", ended_at))
    return {
        "id": identity,
        "name": one.title,
        "status": MAINTENANCE_STATUS[one.phase],
        "created_at": stamp(one.announced[0].sent_at),
        "updated_at": stamp(one.changed_at(now)),
        "monitoring_at": None,
        "resolved_at": _stamp_or_none(ended_at),
        "impact": "maintenance",
        "shortlink": settings.SITE_URL + reverse("window", args=[one.reference]),
        "started_at": stamp(one.starts_at),
        "page_id": opaque(PAGE, ""),
        "incident_updates": _newest_first(updates),
        "components": _of(all_components, touched),
        "scheduled_for": stamp(one.starts_at),
        "scheduled_until": stamp(one.ends_at),
    }


def _announced(identity: str, one: PublicWindow, announcement: Announcement) -> Json:
    key = f"{one.reference} announced {announcement.sent_at.isoformat()}"
    if announcement.starts_at is None or announcement.ends_at is None:
        return _update(identity, key, "completed", "Cancelled: nothing is done at this time.", announcement.sent_at)
    body = f"{what_is_touched(one)}: from {stamp(announcement.starts_at)} until {stamp(announcement.ends_at)}."
    return _update(identity, key, "scheduled", body, announcement.sent_at)


# Shared


def _update(identity: str, key: object, then: str, body: str, at: datetime, affected: list[Json] | None = None) -> Json:
    return {
        "id": opaque("update", key),
        "status": then,
        "body": body,
        "incident_id": identity,
        "created_at": stamp(at),
        "updated_at": stamp(at),
        "display_at": stamp(at),
        "affected_components": affected,
        "deliver_notifications": False,
        "custom_tweet": None,
        "tweet_id": None,
    }


def _newest_first(updates: Iterable[Json]) -> list[Json]:
    return sorted(updates, key=lambda update: datetime.fromisoformat(update["display_at"]), reverse=True)


def _functions(scope: Scope, grid: Grid) -> tuple[Named, ...]:
    return grid.functions if scope.functions is None else scope.functions


def _affected(touched: dict[str, str], before: str, after: str) -> list[Json]:
    return [
        {"code": opaque("component", code), "name": said, "old_status": before, "new_status": after}
        for code, said in touched.items()
    ]


def _of(all_components: Sequence[Json], touched: Iterable[str]) -> list[Json]:
    wanted = {opaque("component", code) for code in touched}
    return [component for component in all_components if component["id"] in wanted]
