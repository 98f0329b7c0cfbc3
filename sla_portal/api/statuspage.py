"""The public facts in the shape of the Atlassian Statuspage status API, version 2.

A region is a component group, a core function in it a component. Names of incidents and of states are English; times
are ISO 8601 with milliseconds in the SLA time zone. Ids are derived from our references by a keyed hash: they stay as long
as the secret key does, and say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.crypto import salted_hmac

from incidents.rules import Severity
from sla_portal.operator.rules import Mark
from sla_portal.operator.words import marked
from sla_portal.website.queries import Change, Grid, Present
from sla_portal.website.rules import (
    Announcement,
    Named,
    Phase,
    PublicIncident,
    PublicOutage,
    PublicWindow,
    Scope,
    Stage,
    State,
    down_stretches,
    present_state,
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
}
"""What was cancelled or not carried out has no place in this vocabulary: such windows are left out."""


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


def page(changed_at: datetime, name: str, mark: Mark) -> Json:
    return {
        "id": opaque(PAGE, ""),
        "name": marked(name, mark),
        "url": settings.SITE_URL,
        "time_zone": settings.SLA_TIME_ZONE,
        "updated_at": stamp(changed_at),
    }


# Overall status


def status(present: Present, mark: Mark) -> Json:
    """The indicator with its description; where nothing is real, that says so."""
    said = _status(present)
    return said | {"description": marked(said["description"], mark)}


def _status(present: Present) -> Json:
    """The indicator: the worst severity of what is ongoing; without any, maintenance in progress."""
    if present.severity:
        return INDICATORS[present.severity]
    if State.MAINTENANCE in {function.state for one in present.state for function in one.functions}:
        return {"indicator": "maintenance", "description": "Service Under Maintenance"}
    return {"indicator": "none", "description": "All Systems Operational"}


def components(present: Present, changes: Iterable[Change]) -> list[Json]:
    """Every region as a group, each followed by its functions; the names of functions are unique without their groups."""
    newest: dict[tuple[str, str], datetime] = {}
    for change in changes:
        scope = change.region, change.function
        newest[scope] = max(newest.get(scope, change.at), change.at)
    rows = []
    for position, one in enumerate(present.state, 1):
        functions = [
            _component(
                present,
                function_code(one.region, state.function),
                component_name(one.region, state.function),
                state.state,
                number,
                _changed_at(newest, one.region, state.function) or present.since,
            )
            for number, state in enumerate(one.functions, 1)
        ]
        changed = max((function["updated_at"] for function in functions), key=datetime.fromisoformat, default=None)
        group = _component(present, one.region.code, name(one.region), one.worst, position, present.since)
        group |= {"group": True, "components": [function["id"] for function in functions]}
        group |= {"updated_at": changed} if changed else {}
        rows += [group, *(function | {"group_id": group["id"]} for function in functions)]
    return rows


def _changed_at(newest: Mapping[tuple[str, str], datetime], region: Named, function: Named) -> datetime | None:
    scopes = product((region.code, ""), (function.code, ""))
    return max((newest[scope] for scope in scopes if scope in newest), default=None)


def component_name(region: Named, function: Named) -> str:
    return f"{name(region)} – {name(function)}"


def _component(present: Present, code: str, said: str, state: State, position: int, changed_at: datetime) -> Json:
    return {
        "id": opaque("component", code),
        "name": said,
        "status": COMPONENT_STATUS[state],
        "created_at": stamp(present.since),
        "updated_at": stamp(max(changed_at, present.since)),
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
    """An incident with its public updates, and those that follow from the record: down, working, resolved, voided."""
    identity = opaque("incident", one.reference)
    resolved_at = one.voided_at or (one.resolved_at if one.stage is Stage.RESOLVED else None)
    stretches = down_stretches(one, now)
    # A region that is not in service any more has no components.
    touched = {
        (outage.region, function)
        for outage in one.outages
        if outage.region in grid.regions
        for function in _functions(outage.scope, grid)
    }

    def update(key: object, then: str, body: str, at: datetime) -> Json:
        return _update(identity, key, then, body, at, _affected(one, touched, grid, at))

    updates = (
        []
        if stretches
        else [update(f"{one.reference} began", "investigating", f"{what_was_down(one)}.", one.started_at)]
    )
    for number, (start, end) in enumerate(stretches):
        key, body = (f"{one.reference} began", f"{what_was_down(one)}.")
        if number:
            key, body = f"{one.reference} began {start.isoformat()}", "It is down again."
        updates.append(update(key, "investigating", body, start))
        if end:
            last = number == len(stretches) - 1
            key = f"{one.reference} works" + ("" if last else f" {end.isoformat()}")
            updates.append(update(key, "monitoring", "It works again.", end))
    updates += [
        update(said.key, _status_at(said.at, stretches, resolved_at), said.text, said.at) for said in one.updates
    ]
    if resolved_at:
        body = why_it_does_not_count(one) or "Resolved."
        updates.append(update(f"{one.reference} over", "resolved", body, resolved_at))
    return {
        "id": identity,
        "name": what_was_down(one),
        "status": INCIDENT_STATUS[one.stage],
        "created_at": stamp(one.started_at),
        "updated_at": stamp(one.changed_at(now)),
        "monitoring_at": _stamp_or_none(None if one.stage is Stage.ONGOING else one.ended_at),
        "resolved_at": _stamp_or_none(resolved_at),
        "impact": one.severity.value if one.severity else "none",
        "shortlink": settings.SITE_URL + reverse("incident", args=[one.reference]),
        "started_at": stamp(one.started_at),
        "page_id": opaque(PAGE, ""),
        "incident_updates": _newest_first(updates),
        "components": _of(all_components, touched),
        "reminder_intervals": None,
    }


def _status_at(
    at: datetime, stretches: Sequence[tuple[datetime, datetime | None]], resolved_at: datetime | None
) -> str:
    """The status of an incident at the time of an update."""
    if resolved_at and at >= resolved_at:
        return "resolved"
    down = any(start <= at and (end is None or at < end) for start, end in stretches)
    begun = any(end is not None and end <= at for _start, end in stretches)
    return "monitoring" if begun and not down else "investigating"


def _affected(one: PublicIncident, touched: Iterable[tuple[Named, Named]], grid: Grid, at: datetime) -> list[Json]:
    """The components of an incident, with their status just before an instant and from it on."""
    before = [
        outage for outage in one.outages if outage.started_at < at and not (outage.ended_at and outage.ended_at < at)
    ]
    after = [outage for outage in one.outages if outage.is_ongoing(at)]
    return _changed(touched, _statuses(before, grid), _statuses(after, grid))


def _statuses(outages: Sequence[PublicOutage], grid: Grid) -> dict[str, str]:
    return {
        function_code(one.region, state.function): COMPONENT_STATUS[state.state]
        for one in present_state(grid.regions, grid.functions, grid.clients, outages, [])
        for state in one.functions
    }


# Maintenance


def is_shown(one: PublicWindow) -> bool:
    return one.phase in MAINTENANCE_STATUS


def maintenance(one: PublicWindow, all_components: Sequence[Json], grid: Grid, now: datetime) -> Json:
    """A maintenance window as it was announced, neither cancelled nor marked as not carried out."""
    identity = opaque("maintenance", one.reference)
    regions = [region for region in grid.regions if one.concerns(region)]
    touched = {(region, function) for region in regions for function in _functions(one.scope, grid)}
    working, under_way = (
        {function_code(*pair): state for pair in touched} for state in ("operational", "under_maintenance")
    )
    begun_at = None if one.phase is Phase.SCHEDULED else one.starts_at
    ended_at = (one.completed_at or one.ends_at) if one.phase is Phase.COMPLETED else None
    updates = []
    for announcement in one.announced:
        # One that was sent while the work went on lengthens or shortens it.
        runs = (
            begun_at is not None
            and begun_at < announcement.sent_at
            and not (ended_at and ended_at <= announcement.sent_at)
        )
        states = under_way if runs else working
        updates.append(_announced(identity, one, announcement, runs, _changed(touched, states, states)))
    if begun_at:
        affected = _changed(touched, working, under_way)
        updates.append(_update(identity, f"{one.reference} began", "in_progress", "Under way.", begun_at, affected))
    if ended_at:
        affected = _changed(touched, under_way, working)
        updates.append(_update(identity, f"{one.reference} over", "completed", "Over.", ended_at, affected))
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


def _announced(identity: str, one: PublicWindow, announcement: Announcement, runs: bool, affected: list[Json]) -> Json:
    key = f"{one.reference} announced {announcement.sent_at.isoformat()}"
    if announcement.starts_at is None or announcement.ends_at is None:
        body = "Cancelled: nothing is done at this time."
    else:
        body = f"{what_is_touched(one)}: from {stamp(announcement.starts_at)} until {stamp(announcement.ends_at)}."
    return _update(identity, key, "in_progress" if runs else "scheduled", body, announcement.sent_at, affected)


# Shared


def _update(identity: str, key: object, then: str, body: str, at: datetime, affected: list[Json]) -> Json:
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


def _newest_first(updates: Sequence[Json]) -> list[Json]:
    """Of updates at one instant the later in the course of events stands first."""
    numbered = sorted(enumerate(updates), key=lambda one: (datetime.fromisoformat(one[1]["display_at"]), one[0]))
    return [update for _number, update in reversed(numbered)]


def _functions(scope: Scope, grid: Grid) -> tuple[Named, ...]:
    return grid.functions if scope.functions is None else scope.functions


def _changed(touched: Iterable[tuple[Named, Named]], before: Mapping[str, str], after: Mapping[str, str]) -> list[Json]:
    rows = sorted((function_code(*pair), component_name(*pair)) for pair in touched)
    return [
        {
            "code": opaque("component", code),
            "name": said,
            "old_status": before.get(code, "operational"),
            "new_status": after.get(code, "operational"),
        }
        for code, said in rows
    ]


def _of(all_components: Sequence[Json], touched: Iterable[tuple[Named, Named]]) -> list[Json]:
    wanted = {opaque("component", function_code(*pair)) for pair in touched}
    return [component for component in all_components if component["id"] in wanted]
