"""Which time prior notice covers (4.1)."""

from collections.abc import Iterable
from dataclasses import dataclass

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
