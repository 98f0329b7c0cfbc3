"""The minutes that a report states, as runs: what its paper shows as a picture, by start and end."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sla_portal.kernel.instants import parse_instant
from sla_portal.kernel.intervals import MINUTE, epoch, instant

from .rules import ConfirmedExclusion, Event

ONGOING = "9999"
"""Later than any instant."""


@dataclass(frozen=True)
class StatedRun:
    """Consecutive minutes that count, or are excluded, with what the report says of them."""

    start: int
    """Seconds since the epoch."""
    end: int
    kind: str
    """`counted` or `excluded`."""
    events: tuple[Event, ...]
    exclusions: tuple[ConfirmedExclusion, ...]
    """Of an excluded run: the exclusions of its incidents, or of the customer, that reach into it."""
    suspended: bool

    @property
    def minutes(self) -> int:
        return (self.end - self.start) // MINUTE

    @property
    def started_at(self) -> datetime:
        return instant(self.start)

    @property
    def ended_at(self) -> datetime:
        return instant(self.end)


def stated_runs(figures: Mapping[str, Any]) -> list[StatedRun]:
    """Return the runs of the counted and excluded minutes that figures state, by time."""
    # Failure events follow each other and never overlap, and instants of one form compare as texts.
    events = sorted(figures["events"], key=lambda event: event["started_at"])
    starts = [event["started_at"] for event in events]
    ends = [event["ended_at"] or ONGOING for event in events]
    runs = [
        _run(figures, kind, start, end, tuple(events[bisect_right(ends, start) : bisect_left(starts, end)]))
        for kind in ("counted", "excluded")
        for start, end in figures["map"][kind]
    ]
    return sorted(runs, key=lambda run: run.start)


def _run(figures: Mapping[str, Any], kind: str, start: str, end: str, events: tuple[Event, ...]) -> StatedRun:
    incidents = {incident["reference"] for event in events for incident in event["incidents"]}
    exclusions = tuple(
        exclusion
        for exclusion in figures["exclusions"]
        if kind == "excluded"
        and (exclusion["incident"] is None or exclusion["incident"]["reference"] in incidents)
        and (exclusion["starts_at"] is None or exclusion["starts_at"] < end)
        and (exclusion["ends_at"] is None or exclusion["ends_at"] > start)
    )
    return StatedRun(
        epoch(parse_instant(start)),
        epoch(parse_instant(end)),
        kind,
        events,
        exclusions,
        suspended=kind == "excluded" and _is_suspended(figures, start),
    )


def _is_suspended(figures: Mapping[str, Any], start: str) -> bool:
    day = parse_instant(start).astimezone(ZoneInfo(figures["sla_zone"])).date().isoformat()
    return any(one["first_day"] <= day <= one["last_day"] for one in figures["suspensions"])
