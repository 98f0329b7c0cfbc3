"""The status of a month's figure: in progress, provisional or final, and what keeps it from being final."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import Enum

from sla_portal.kernel.months import ServiceMonth


class FigureStatus(Enum):
    """How far a figure can be relied on."""

    IN_PROGRESS = "in_progress"
    """The month is not over."""
    PROVISIONAL = "provisional"
    """The month is over, and this figure was not closed."""
    FINAL = "final"
    """The figure is the one that was closed."""


class Pending(Enum):
    """What keeps a figure from being final, in the order in which it is listed."""

    MONTH_NOT_OVER = "month_not_over"
    ONGOING_OUTAGE = "ongoing_outage"
    UNCLASSIFIED_INCIDENT = "unclassified_incident"
    UNDECIDED_EXCLUSION = "undecided_exclusion"
    NOT_CLOSED = "not_closed"


@dataclass(frozen=True)
class MonthStatus:
    """The status of a figure, with every reason why it is not final."""

    status: FigureStatus
    pending: tuple[Pending, ...]


def month_status(
    *, over: bool, ongoing_outage: bool, unclassified_incident: bool, undecided_exclusion: bool, closed: bool
) -> MonthStatus:
    """Return the status of a figure. `closed`: it is the one that was closed; nothing is pending then."""
    if closed:
        return MonthStatus(FigureStatus.FINAL, ())
    holds = {
        Pending.MONTH_NOT_OVER: not over,
        Pending.ONGOING_OUTAGE: ongoing_outage,
        Pending.UNCLASSIFIED_INCIDENT: unclassified_incident,
        Pending.UNDECIDED_EXCLUSION: undecided_exclusion,
        Pending.NOT_CLOSED: True,
    }
    return MonthStatus(
        FigureStatus.PROVISIONAL if over else FigureStatus.IN_PROGRESS,
        tuple(reason for reason in Pending if holds[reason]),
    )


def with_undecided_exclusion(status: MonthStatus) -> MonthStatus:
    """Return the status of a customer's figure where time that the customer caused is undecided beside what the region's is."""
    if status.status is FigureStatus.FINAL:
        return status
    pending = {*status.pending, Pending.UNDECIDED_EXCLUSION}
    return MonthStatus(status.status, tuple(reason for reason in Pending if reason in pending))


def stored_status(month: date, closed: Collection[date], present: ServiceMonth) -> FigureStatus:
    """Return the status of a stored figure, by the first day of its month: `closed` are those of closed months."""
    if month in closed:
        return FigureStatus.FINAL
    return FigureStatus.PROVISIONAL if month < present.first_day else FigureStatus.IN_PROGRESS
