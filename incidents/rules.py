"""Check the times and the scope of an outage; derive the severity of an incident."""

from collections.abc import Collection, Hashable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from itertools import product

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
