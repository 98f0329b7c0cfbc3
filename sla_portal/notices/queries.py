"""How far a notice has come."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet
from django.utils.crypto import constant_time_compare

from .models import OPEN, Brake, Delivery, Notice, Status


@dataclass(frozen=True)
class Progress:
    """How many deliveries of a notice are in each status."""

    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All recipients; who was sent it to a corrected address is counted there."""
        return sum(self.counts.values()) - self.counts.get(Status.CORRECTED, 0)

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
    def bounced(self) -> int:
        return self.counts.get(Status.BOUNCED, 0)

    @property
    def reached_by_letter(self) -> int:
        return self.counts.get(Status.LETTER, 0)

    @property
    def reached(self) -> int:
        return self.sent + self.reached_by_letter

    @property
    def open(self) -> int:
        """What waits for a person."""
        return self.failed + self.bounced + self.unknown

    @property
    def left(self) -> int:
        return self.counts.get(Status.PENDING, 0) + self.counts.get(Status.SENDING, 0)


def progress(notices: Iterable[Notice]) -> dict[int, Progress]:
    """The progress of each notice, by its key."""
    counts: dict[int, dict[str, int]] = {notice.pk: {} for notice in notices}
    counted = (
        Delivery.objects.filter(notice__in=counts).order_by().values_list("notice", "status").annotate(Count("pk"))
    )
    for notice, status, number in counted:
        counts[notice][status] = number
    return {notice: Progress(by_status) for notice, by_status in counts.items()}


@dataclass(frozen=True)
class Pace:
    """How fast a notice's mail goes out, and what holds it back."""

    per_minute: int
    """Mails sent in the last minute that was looked at, on average."""
    expected_end: datetime | None
    brake: Brake | None


LOOKED_AT = timedelta(minutes=5)


def pace(notice: Notice, came: Progress, now: datetime) -> Pace:
    """How fast the mail of a notice goes, and when the last of it is expected to be sent."""
    brake = notice.brakes.first()
    if not came.left:
        return Pace(0, None, brake)
    begun = max(now - LOOKED_AT, notice.given_at)
    minutes = max((now - begun) / timedelta(minutes=1), 0.1)
    rate = notice.deliveries.filter(status=Status.SENT, sent_at__gt=begun).count() / minutes
    held = brake is not None and brake.paused_at is not None
    end = now + timedelta(minutes=came.left / rate) if rate and not held else None
    return Pace(round(rate), end, brake)


MARK = re.compile(r"\b([0-9a-f]{32})\.([1-9][0-9]{0,17})\b")


def delivery_marked(text: str) -> Delivery | None:
    """The delivery whose mark stands in `text`, as in its Message-ID; None: there is none of ours."""
    for found in MARK.finditer(text[:1000]):
        delivery = Delivery.objects.select_related("notice").filter(pk=found[2]).first()
        if delivery and any(constant_time_compare(found[1], mark) for mark in delivery.marks()):
            return delivery
    return None


def to_work_through() -> QuerySet[Delivery]:
    """The deliveries of all notices that wait for a person, the newest first."""
    return Delivery.objects.filter(status__in=OPEN).select_related("notice", "contact__customer").order_by("-id")
