"""Whether what is said to have happened can have happened."""

from collections.abc import Collection
from datetime import UTC, datetime
from enum import Enum

from sla_portal.kernel.words import gettext_noop as _


class OutageObjection(Enum):
    """Why an outage cannot be put on record: the field that is wrong, and the sentence for the person."""

    NO_REGION = ("regions", _("Name at least one region in which the service was down."))
    NO_CELL = ("functions", _("Name at least one core function and one client that were down."))
    START_HAS_A_FRACTION = ("started_at", _("Give the start in whole seconds."))
    END_HAS_A_FRACTION = ("ended_at", _("Give the end in whole seconds."))
    START_IN_THE_FUTURE = ("started_at", _("The start lies in the future. Log an outage when it has begun."))
    END_IN_THE_FUTURE = ("ended_at", _("The end lies in the future. Leave it empty while the outage goes on."))
    END_NOT_AFTER_START = ("ended_at", _("The outage ends before it starts. Give an end after the start."))

    def __init__(self, field: str, sentence: str) -> None:
        self.field = field
        self.sentence = sentence


def check_times(started_at: datetime, ended_at: datetime | None, now: datetime) -> tuple[OutageObjection, ...]:
    """Say what is wrong with an outage's aware times; empty means nothing. `ended_at` None is still going on."""
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
    """Say what is missing from the scope that a person ticked; empty means nothing.

    On a form nothing ticked is an oversight; only a stored row or a file says "all of them" by naming none.
    """
    objections = []
    if not regions:
        objections.append(OutageObjection.NO_REGION)
    if not functions or not clients:
        objections.append(OutageObjection.NO_CELL)
    return tuple(objections)
