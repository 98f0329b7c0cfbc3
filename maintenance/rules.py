"""The time covered by prior notice (4.1), the lead time, and the stage of a window."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from sla_portal.kernel.intervals import Span, intersection, merged, seconds

HOUR = 3600
DAY = 24 * HOUR

LONGEST_BY_ONE = DAY
"""A window longer than this many seconds is announced only when a second person confirms it."""
LONGEST = 31 * DAY
"""No window is longer than a service month: what is longer is a mistyped date."""
FARTHEST_AHEAD = 731 * DAY
"""No window starts later than this many seconds from now: what does is a mistyped year."""


@dataclass(frozen=True)
class NoticeGiven:
    """A notice as sent: the period it announced, or None and None for a cancellation."""

    sent: int
    start: int | None
    end: int | None


@dataclass(frozen=True)
class Conduct:
    """What the record says of the work: the instant of its completion (None: none recorded), and whether it took place."""

    completed: int | None = None
    carried_out: bool = True


def covered(notices: Iterable[NoticeGiven], notice_hours: int, conduct: Conduct) -> list[Span]:
    """Calculate the time of one window that its `notices` cover, in seconds since the epoch (4.1).

    Only announced periods count, never the current row of the window. Of notices sent in the same second, the later
    in the sequence is the newer one. Clause 4.1 speaks of maintenance conducted: what lies after its completion is not
    covered, and of a window that was not carried out nothing is.
    """
    if not conduct.carried_out:
        return []
    in_order = sorted(notices, key=lambda notice: notice.sent)
    # The newest notice sent before t still announces a window around t …
    still_announced = []
    # … and some notice that announced a window around t was sent long enough before t.
    announced_in_time = []
    for notice, newer in zip(in_order, [*in_order[1:], None], strict=False):
        if notice.start is None or notice.end is None:
            continue
        until = notice.end if newer is None else min(notice.end, newer.sent)
        still_announced.append((max(notice.start, notice.sent), until))
        announced_in_time.append((max(notice.start, notice.sent + notice_hours * HOUR), notice.end))
    spans = intersection(merged(still_announced), merged(announced_in_time))
    if conduct.completed is None:
        return spans
    return [(start, min(end, conduct.completed)) for start, end in spans if start < conduct.completed]


def needs_confirmation(notices: Iterable[NoticeGiven], new: NoticeGiven) -> bool:
    """Whether the `new` notice, which follows `notices`, needs a second person.

    It does where it announces more than 24 hours, alone or together with what the earlier notices covered before it:
    a window in progress is not prolonged day by day by one person.
    """
    if new.start is None or new.end is None:
        return False
    whole = seconds(covered([*notices, new], 0, Conduct()))
    return max(new.end - new.start, whole) > LONGEST_BY_ONE


def announced(notices: Iterable[NoticeGiven]) -> Span | None:
    """Return the newest period announced by `notices`, in the order of sending; None: not announced.

    After a cancellation it is the cancelled period.
    """
    return next(((n.start, n.end) for n in reversed([*notices]) if n.start is not None and n.end is not None), None)


def lead(notices: Sequence[NoticeGiven]) -> int | None:
    """Calculate the lead time in seconds: from the first notice whose period contains the current start, to that start.

    None: not announced. Negative: sent after the start.
    """
    newest = announced(notices)
    if newest is None:
        return None
    start = newest[0]
    return start - min(
        n.sent for n in notices if n.start is not None and n.end is not None and n.start <= start < n.end
    )


class Stage(Enum):
    """The stage of a maintenance window."""

    DRAFT = "draft"
    DISCARDED = "discarded"
    SCHEDULED = "scheduled"
    DUE = "due"
    IN_PROGRESS = "in_progress"
    OVERRUNNING = "overrunning"
    ENDED = "ended"
    COMPLETED = "completed"
    NOT_CARRIED_OUT = "not_carried_out"
    CANCELLED = "cancelled"


def stage(
    window: Span | None,
    *,
    begun: bool,
    finished: bool,
    cancelled: bool,
    now: int,
    carried_out: bool = True,
    discarded: bool = False,
) -> Stage:
    """Return the stage of a window last announced for `window`, in seconds since the epoch (None: not announced).

    A window that nobody started is due during its announced time and ended after it. Only a person says that it was not
    carried out, because work may have taken place that nobody recorded.
    """
    if discarded:
        return Stage.DISCARDED
    if cancelled:
        return Stage.CANCELLED
    if not carried_out:
        return Stage.NOT_CARRIED_OUT
    if finished:
        return Stage.COMPLETED
    if window is None:
        return Stage.DRAFT
    start, end = window
    if begun:
        return Stage.IN_PROGRESS if now < end else Stage.OVERRUNNING
    if now < start:
        return Stage.SCHEDULED
    return Stage.DUE if now < end else Stage.ENDED
