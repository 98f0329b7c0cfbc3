"""How far a notice has come."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import Count

from .models import Delivery, Notice, Status


@dataclass(frozen=True)
class Progress:
    """How many deliveries of a notice are in each status."""

    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def sent(self) -> int:
        return self.counts.get(Status.SENT, 0)

    @property
    def failed(self) -> int:
        return self.counts.get(Status.FAILED, 0)

    @property
    def unknown(self) -> int:
        return self.counts.get(Status.UNKNOWN, 0)

    @property
    def under_way(self) -> int:
        return self.total - self.sent - self.failed - self.unknown


def progress(notices: Iterable[Notice]) -> dict[int, Progress]:
    """The progress of each notice, by its key."""
    counts: dict[int, dict[str, int]] = {notice.pk: {} for notice in notices}
    counted = (
        Delivery.objects.filter(notice__in=counts).order_by().values_list("notice", "status").annotate(Count("pk"))
    )
    for notice, status, number in counted:
        counts[notice][status] = number
    return {notice: Progress(by_status) for notice, by_status in counts.items()}
