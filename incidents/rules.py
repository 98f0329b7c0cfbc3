"""Check times and scope of outages and the order of an incident's times; measure recovery (2.2), derive severity."""

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto
from itertools import product

from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.words import gettext_noop as _


class OutageObjection(Enum):
    """Why an outage is refused: the field in error and the message."""

    NO_REGION = ("regions", _("Choose at least one region where the service was down."))
    NO_CELL = ("functions", _("Choose at least one core function and one client that were down."))
    START_HAS_A_FRACTION = ("started_at", _("Enter the start in whole seconds."))
    END_HAS_A_FRACTION = ("ended_at", _("Enter the end in whole seconds."))
    START_IN_THE_FUTURE = ("started_at", _("The start is in the future. Log an outage after it has started."))
    END_IN_THE_FUTURE = ("ended_at", _("The end is in the future. Leave it empty while the outage is ongoing."))
    END_NOT_AFTER_START = ("ended_at", _("The outage ends before it starts. Enter an end after the start."))
    NO_END_THOUGH_RESOLVED = (
        "ended_at",
        _("The incident is resolved, but one of its outages has no end. Enter the end, or reopen the incident first."),
    )
    END_AFTER_RESOLVED = (
        "ended_at",
        _("The outage ends after the incident was resolved. Enter an earlier end, or correct “resolved at”."),
    )
    ONGOING_THOUGH_RESOLVED = (
        "ended_at",
        _("The incident is resolved. Enter the end of the outage, or log an ongoing outage as a new incident."),
    )

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        self.sentence = sentence


class TimeObjection(Enum):
    """Why the times of an incident are refused (2.2): the field in error and the message."""

    DETECTED_HAS_A_FRACTION = ("detected_at", _("Enter the time of detection in whole seconds."))
    DETECTED_IN_THE_FUTURE = ("detected_at", _("The time of detection is in the future. Enter a past time."))
    ACKNOWLEDGED_BEFORE_DETECTED = (
        "acknowledged_at",
        _("The incident was acknowledged before it was detected. Enter a later time, or correct “detected at”."),
    )
    RESOLVED_BEFORE_DETECTED = (
        "resolved_at",
        _("The incident was resolved before it was detected. Enter a later time, or correct “detected at”."),
    )
    RESOLVED_BEFORE_ACKNOWLEDGED = (
        "resolved_at",
        _("The incident was resolved before it was acknowledged. Enter a later time, or correct “acknowledged at”."),
    )
    REOPENED = (
        "resolved_at",
        _("An incident is reopened on its page, with a reason and a public update. Enter when it was resolved."),
    )
    RESOLVED_BEFORE_AN_END = (
        "resolved_at",
        _("One of the outages ends after this time. Enter a later time, or correct the end of the outage."),
    )

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        self.sentence = sentence


def check_times(started_at: datetime, ended_at: datetime | None, now: datetime) -> tuple[OutageObjection, ...]:
    """Check the aware times of an outage; empty means valid. `ended_at` None: ongoing."""
    objections = []
    if started_at.microsecond:
        objections.append(OutageObjection.START_HAS_A_FRACTION)
    if started_at > now:
        objections.append(OutageObjection.START_IN_THE_FUTURE)
    if ended_at is not None:
        if ended_at.microsecond:
            objections.append(OutageObjection.END_HAS_A_FRACTION)
        if ended_at > now:
            objections.append(OutageObjection.END_IN_THE_FUTURE)
        # In UTC: two datetimes of one zone compare as wall clocks, an hour wrong when the clocks go back.
        if ended_at.astimezone(UTC) <= started_at.astimezone(UTC):
            objections.append(OutageObjection.END_NOT_AFTER_START)
    return tuple(objections)


def check_detection(detected_at: datetime, now: datetime) -> tuple[TimeObjection, ...]:
    """Check the aware time of detection of a new incident; empty means valid."""
    objections = []
    if detected_at.microsecond:
        objections.append(TimeObjection.DETECTED_HAS_A_FRACTION)
    if detected_at > now:
        objections.append(TimeObjection.DETECTED_IN_THE_FUTURE)
    return tuple(objections)


def check_order(
    detected_at: datetime | None, acknowledged_at: datetime | None, resolved_at: datetime | None
) -> tuple[TimeObjection, ...]:
    """Check detected ≤ acknowledged ≤ resolved (2.2); a time that is None is not compared. Empty means in order."""
    objections = []
    if _is_after(detected_at, acknowledged_at):
        objections.append(TimeObjection.ACKNOWLEDGED_BEFORE_DETECTED)
    if _is_after(detected_at, resolved_at):
        objections.append(TimeObjection.RESOLVED_BEFORE_DETECTED)
    elif _is_after(acknowledged_at, resolved_at):
        objections.append(TimeObjection.RESOLVED_BEFORE_ACKNOWLEDGED)
    return tuple(objections)


def check_end(ended_at: datetime | None, resolved_at: datetime | None) -> tuple[OutageObjection, ...]:
    """Check the end of an outage against its incident (2.2): none after it is resolved, and none missing then."""
    if resolved_at is None:
        return ()
    if ended_at is None:
        return (OutageObjection.NO_END_THOUGH_RESOLVED,)
    return (OutageObjection.END_AFTER_RESOLVED,) if _is_after(ended_at, resolved_at) else ()


def _is_after(first: datetime | None, second: datetime | None) -> bool:
    return first is not None and second is not None and first.astimezone(UTC) > second.astimezone(UTC)


@dataclass(frozen=True)
class Times:
    """The times of an incident; those that are None did not happen yet, or are not on record."""

    detected_at: datetime
    acknowledged_at: datetime | None = None
    resolved_at: datetime | None = None
    logged_at: datetime | None = None
    outages: tuple[tuple[datetime, datetime | None], ...] = ()
    """The start of each outage, and its end or None."""


def objections(times: Times) -> tuple[TimeObjection | OutageObjection, ...]:
    """Check all times of an incident on record (2.2), each objection once; empty means in order."""
    order = check_order(times.detected_at, times.acknowledged_at, times.resolved_at)
    ends = [one for _start, end in times.outages for one in check_end(end, times.resolved_at)]
    return tuple(dict.fromkeys([*order, *ends]))


class Unmeasured(Enum):
    """Why a length of 2.2 has no value."""

    NOT_YET = auto()
    """Not acknowledged, or not restored."""
    NOT_STATED = auto()
    """The times on record contradict each other."""
    LOGGED_AFTER_RESTORATION = auto()


Length = int | Unmeasured
"""Seconds, never negative."""


def time_to_restore(times: Times) -> Length:
    """Measure from the start of the first outage to the end of the last (2.2)."""
    if any(check_end(end, times.resolved_at) for _start, end in times.outages):
        return Unmeasured.NOT_STATED
    last = _restored_at(times)
    if last is None:
        return Unmeasured.NOT_YET
    return epoch(last) - min(epoch(start) for start, _end in times.outages)


def time_to_acknowledge(times: Times) -> Length:
    """Measure from detection to acknowledgement (2.2), unless the incident was logged after all was restored."""
    last = _restored_at(times)
    if last is not None and max(times.detected_at, times.logged_at or times.detected_at, key=epoch) >= last:
        return Unmeasured.LOGGED_AFTER_RESTORATION
    if times.acknowledged_at is None:
        return Unmeasured.NOT_YET
    if check_order(times.detected_at, times.acknowledged_at, times.resolved_at):
        return Unmeasured.NOT_STATED
    return epoch(times.acknowledged_at) - epoch(times.detected_at)


def mean(lengths: Iterable[Length]) -> int | None:
    """Average the lengths that have a value, in whole seconds, cut; None without any."""
    measured = [length for length in lengths if not isinstance(length, Unmeasured)]
    return sum(measured) // len(measured) if measured else None


def _restored_at(times: Times) -> datetime | None:
    """When the last outage ended; None while one is ongoing, or without any."""
    ends = [end for _start, end in times.outages]
    return max((end for end in ends if end), key=epoch) if ends and None not in ends else None


def check_scope(
    regions: Collection[object], functions: Collection[object], clients: Collection[object]
) -> tuple[OutageObjection, ...]:
    """Check the scope that a person selected; empty means valid.

    An empty selection on a form is an oversight. Only stored rows and history files use "none" for "all".
    """
    objections = []
    if not regions:
        objections.append(OutageObjection.NO_REGION)
    if not functions or not clients:
        objections.append(OutageObjection.NO_CELL)
    return tuple(objections)


class Severity(Enum):
    """The severity of an incident, the least first."""

    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"


@dataclass(frozen=True)
class AffectedScope:
    """What an outage affects, by any keys. None for `functions` or `clients` means all of them."""

    region: Hashable
    functions: Collection[Hashable] | None = None
    clients: Collection[Hashable] | None = None


def scope_severity(
    scopes: Iterable[AffectedScope], functions: Collection[Hashable], clients: Collection[Hashable]
) -> Severity | None:
    """Derive the severity from the scope in the worst-affected region, all outages together; None without outages.

    Critical: every function on every client. Major: some function on every client. Minor: anything less.
    """
    down: dict[Hashable, set[tuple[Hashable, Hashable]]] = {}
    for scope in scopes:
        down.setdefault(scope.region, set()).update(
            product(
                functions if scope.functions is None else scope.functions,
                clients if scope.clients is None else scope.clients,
            )
        )
    found = []
    for cells in down.values():
        on_every_client = [all((function, client) in cells for client in clients) for function in functions]
        whole, some = all(on_every_client), any(on_every_client)
        found.append(Severity.CRITICAL if whole else Severity.MAJOR if some else Severity.MINOR)
    return worst_severity(found)


def worst_severity(severities: Iterable[Severity | None]) -> Severity | None:
    return max((one for one in severities if one), key=list(Severity).index, default=None)
