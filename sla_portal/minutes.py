"""Minutes of a figure, as the desk and the website list them: their names, their anchors, and how one is asked for.

A minute is named as it begins on the SLA clock, `2026-09-10T02:31`, with the offset where the clock shows it twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol, TypeVar

from django.conf import settings
from django.utils.translation import gettext as _

from sla_portal.agreements.rules import Reading
from sla_portal.availability.rules import MinuteRun, MinuteSums, Why
from sla_portal.kernel.intervals import MINUTE, Span, epoch, instant

KINDS = {
    Why.COUNTED: "counted",
    Why.EXCLUDED: "excluded",
    Why.OWN_EXCLUSION: "excluded",
    Why.SUSPENDED: "excluded",
    Why.NOT_WHOLLY_DOWN: "plain",
    Why.NOT_A_FAILURE_EVENT: "plain",
    Why.UP: "plain",
    Why.UNKNOWN: "unknown",
    Why.NOT_IN_SERVICE: "outside",
}
"""The badge of each."""
GROUPS = {
    "counted": {Why.COUNTED},
    "excluded": {Why.EXCLUDED, Why.OWN_EXCLUSION, Why.SUSPENDED},
    "other": {Why.NOT_WHOLLY_DOWN, Why.NOT_A_FAILURE_EVENT, Why.UP, Why.UNKNOWN, Why.NOT_IN_SERVICE},
}
"""What can be listed alone."""
LONGEST = len("2026-09-10T02:31:00+01:00")


def reading_name(reading: Reading) -> str:
    """Return the full name of a counting rule of 1.4."""
    return {
        Reading.ALL: _("All functions on all clients"),
        Reading.FUNCTION: _("Any function on all clients"),
        Reading.ANY: _("Any function on any client"),
    }[reading]


def rule_name(reading: Reading | None) -> str:
    """Return the name of a row that compares counting rules; None: the rules in force, in turn."""
    return _("Each rule in its time") if reading is None else reading_name(reading)


def why_name(why: Why) -> str:
    """Return what was decided about a minute with an outage."""
    return {
        Why.COUNTED: _("unavailable"),
        Why.EXCLUDED: _("excluded"),
        Why.OWN_EXCLUSION: _("excluded: caused by the customer"),
        Why.SUSPENDED: _("excluded: suspended for non-payment"),
        Why.NOT_WHOLLY_DOWN: _("not counted: available for a part of the minute"),
        Why.NOT_A_FAILURE_EVENT: _("not counted: unavailable for sixty seconds or less"),
        Why.UP: _("not counted: available by the counting rule"),
        Why.UNKNOWN: _("not over yet"),
        Why.NOT_IN_SERVICE: _("not in service"),
    }[why]


def why_clause(run: MinuteRun) -> str:
    """Return the clause by which a run is counted or not; empty where none decides."""
    if run.why in GROUPS["excluded"]:
        return run.excluded_times[0].clause
    return {
        Why.COUNTED: "1.4",
        Why.NOT_WHOLLY_DOWN: "1.4",
        Why.NOT_A_FAILURE_EVENT: "1.5",
        Why.UP: "1.4",
        Why.NOT_IN_SERVICE: "1.7",
    }.get(run.why, "")


def sum_lines(sums: MinuteSums) -> list[tuple[str, str, int]]:
    """Return the badge, the name and the number of the minutes of each kind."""
    lines = [(KINDS[why], why_name(why), count) for why, count in sums.with_outage.items()]
    lines.append(("up", _("without an outage"), sums.without_outage))
    return [*lines, ("unknown", _("not over yet, without an outage so far"), sums.not_over)] if sums.not_over else lines


def clock_minute(minute: int) -> str:
    """Name the minute that starts at an instant."""
    local = instant(minute).astimezone(settings.SLA_ZONE)
    twice = local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()
    return f"{local:%Y-%m-%dT%H:%M}{f'{local:%z}' if twice else ''}"


def minute_at(text: str) -> int | None:
    """Return the start of the minute that a text names; None if it names none.

    A text without an offset is on the SLA clock; of two minutes of that name it is the first.
    """
    try:
        at = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
        known = at if at.tzinfo else at.replace(tzinfo=settings.SLA_ZONE)
        minute = epoch(known) // MINUTE * MINUTE
        shown = instant(minute).astimezone(settings.SLA_ZONE)
    except (ValueError, OverflowError):
        return None
    # The clock skips some times.
    return minute if at.tzinfo or shown.replace(tzinfo=None, second=0) == at.replace(second=0, microsecond=0) else None


def anchor(minute: int) -> str:
    """Return the anchor of the run that starts with a minute."""
    return f"m{clock_minute(minute)}"


class Run(Protocol):
    """A run of minutes, as judged, as public or as a report states it."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


R = TypeVar("R", bound=Run)


def turned_to(runs: Sequence[R], minute: int | None, page: str, shown: int) -> tuple[Sequence[R], int, int]:
    """Return the runs of a page, its number, and how many pages there are; `minute` chooses the page that has it."""
    pages = max(-(-len(runs) // shown), 1)
    found = next((n for n, run in enumerate(runs) if minute is not None and run.start <= minute < run.end), None)
    number = int(page) if page.isascii() and page.isdecimal() and len(page) < LONGEST else 1
    number = min(max(number, 1), pages) if found is None else found // shown + 1
    return runs[(number - 1) * shown : number * shown], number, pages


def cut_runs(runs: Iterable[MinuteRun], span: Span) -> list[MinuteRun]:
    """Return the parts of runs that lie in a span of minutes."""
    start, end = span
    return [
        replace(run, start=max(run.start, start), end=min(run.end, end))
        for run in runs
        if run.start < end and run.end > start
    ]


def has(runs: Iterable[Run], minute: int) -> bool:
    """Return whether a minute is in one of the runs; otherwise no outage reaches into it."""
    return any(run.start <= minute < run.end for run in runs)
