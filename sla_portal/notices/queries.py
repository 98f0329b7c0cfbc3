"""Delivery progress of notices."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import Count, QuerySet
from django.utils.crypto import constant_time_compare

from .models import OPEN, Brake, Delivery, Notice, Status, UnmatchedReport


@dataclass(frozen=True)
class Progress:
    """How many deliveries of a notice are in each status."""

    counts: dict[str, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """All recipients; one with a corrected address is counted once."""
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
        """Undelivered mail, to be resolved by a person."""
        return self.failed + self.bounced + self.unknown

    @property
    def left(self) -> int:
        return self.counts.get(Status.PENDING, 0) + self.counts.get(Status.SENDING, 0)


def progress(notices: Iterable[Notice]) -> dict[int, Progress]:
    """Return the progress of each notice by its primary key."""
    counts: dict[int, dict[str, int]] = {notice.pk: {} for notice in notices}
    counted = (
        Delivery.objects.filter(notice__in=counts).order_by().values_list("notice", "status").annotate(Count("pk"))
    )
    for notice, status, number in counted:
        counts[notice][status] = number
    return {notice: Progress(by_status) for notice, by_status in counts.items()}


@dataclass(frozen=True)
class Pace:
    """The sending rate of a notice and its throttle."""

    per_minute: int
    """E-mails sent per minute, averaged over `PACE_PERIOD`."""
    expected_end: datetime | None
    throttle: Brake | None


PACE_PERIOD = timedelta(minutes=5)


def pace(notice: Notice, sent: Progress, now: datetime) -> Pace:
    """Return the sending rate of a notice and the expected end of sending."""
    throttle = notice.throttles.first()
    if not sent.left:
        return Pace(0, None, throttle)
    begun = max(now - PACE_PERIOD, notice.given_at)
    minutes = max((now - begun) / timedelta(minutes=1), 0.1)
    rate = notice.deliveries.filter(status=Status.SENT, sent_at__gt=begun).count() / minutes
    paused = throttle is not None and throttle.paused_at is not None
    end = now + timedelta(minutes=sent.left / rate) if rate and not paused else None
    return Pace(round(rate), end, throttle)


MARK = re.compile(r"\b([0-9a-f]{32})\.([1-9][0-9]{0,17})\b")


def delivery_marked(text: str) -> Delivery | None:
    """Return the delivery whose mark is in `text`, as in its Message-ID; None if there is none."""
    for found in MARK.finditer(text[:10_000]):
        delivery = Delivery.objects.select_related("notice").filter(pk=found[2]).first()
        if delivery and any(constant_time_compare(found[1], mark) for mark in delivery.marks()):
            return delivery
    return None


def unmatched_reports() -> QuerySet[UnmatchedReport]:
    """Return the reports that nobody has looked at yet, the newest first."""
    return UnmatchedReport.objects.filter(looked_at__isnull=True)


def undelivered() -> QuerySet[Delivery]:
    """Return undelivered mail of all notices, the newest first."""
    return Delivery.objects.filter(status__in=OPEN).select_related("notice", "contact__customer").order_by("-id")
