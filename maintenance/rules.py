"""Which time prior notice covers (4.1), how long before it came, and how a window stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum

from sla_portal.kernel.intervals import Span, intersection, merged

HOUR = 3600


@dataclass(frozen=True)
class NoticeGiven:
    """A notice as sent: the window it announced, or None and None, which announces nothing (a cancellation)."""

    sent: int
    start: int | None
    end: int | None


def covered(notices: Iterable[NoticeGiven], notice_hours: int) -> list[Span]:
    """Find the time of one window that its `notices` cover, in seconds since the epoch (4.1).

    What counts is what was announced, never what the window's row says today. Of notices sent in the same
    second the later given is the newer.
    """
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
    return intersection(merged(still_announced), merged(announced_in_time))


def announced(notices: Iterable[NoticeGiven]) -> Span | None:
    """Return the newest window that `notices`, in the order of sending, announced; None: they announced none.

    After a cancellation it is the one that was cancelled.
    """
    return next(((n.start, n.end) for n in reversed([*notices]) if n.start is not None and n.end is not None), None)


def lead(notices: Sequence[NoticeGiven]) -> int | None:
    """Count the seconds of notice: from the first notice of a window around the start now announced, to that start.

    None: nothing was announced. Negative: sent after the start.
    """
    newest = announced(notices)
    if newest is None:
        return None
    start = newest[0]
    return start - min(
        n.sent for n in notices if n.start is not None and n.end is not None and n.start <= start < n.end
    )


class Stage(Enum):
    """How a window stands."""

    DRAFT = "draft"
    ANNOUNCED = "announced"
    DUE = "due"
    RUNNING = "running"
    OVERRUN = "overrun"
    FINISHED = "finished"
    OVER = "over"
    CANCELLED = "cancelled"


def stage(window: Span | None, *, begun: bool, finished: bool, cancelled: bool, now: int) -> Stage:
    """Say how a window stands that was last announced as `window`, in seconds since the epoch (None: not announced).

    One whose time has come is due until somebody says that the work began, and over if nobody ever did.
    """
    if cancelled:
        return Stage.CANCELLED
    if finished:
        return Stage.FINISHED
    if window is None:
        return Stage.DRAFT
    start, end = window
    if begun:
        return Stage.RUNNING if now < end else Stage.OVERRUN
    if now < start:
        return Stage.ANNOUNCED
    return Stage.DUE if now < end else Stage.OVER
