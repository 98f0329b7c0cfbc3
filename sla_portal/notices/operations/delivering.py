"""Deliver e-mails: pending → sending → sent | failed | unknown. The row is the queue.

Duplicates are prevented in two steps: a row is leased by one conditional UPDATE, and `handed_over_at` is committed under
that lease before the final dot of the message. A row whose lease lapsed returns to the queue if `handed_over_at` is empty;
otherwise its delivery is unknown, and a person decides.

The order is decided when a worker is free, not when its task was queued: a code never waits behind an amendment. The
statement that commits `handed_over_at` also checks whether the notice is paused.
"""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Self, cast

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Field, Q, QuerySet

from ..mail.message import MailMessage
from ..mail.session import Outcome, Session, Unreachable, session
from ..models import Brake, Delivery, FailureReason, Notice, Status
from ..rules import Allowance, pause

log = logging.getLogger(__name__)

CHUNK = 100
MOST_WORKERS = 100
"""Tasks queued by one sweep at most; each continues while more is due, so other tasks do not wait behind many."""
LEASE = timedelta(seconds=60)
HANDED_OVER_LEASE = timedelta(seconds=180)
"""Longer than the timeout of the reply to the final dot."""
LONGEST_CHUNK = timedelta(seconds=20)
"""Longest time after which a worker checks for more urgent e-mails."""
MOST_UNANSWERED_IN_A_ROW = 3
WORKER_MAILS_PER_MINUTE = 1200
"""What one connection sends with a slow server: a larger limit needs several workers."""
SHORTEST_WAIT = timedelta(seconds=1)

Clock = Callable[[], datetime]


# The sweep


def release_lapsed(*, now: datetime) -> None:
    """Release lapsed leases: back into the queue, or to unknown if the e-mail was handed over."""
    lapsed = Delivery.objects.filter(status=Status.SENDING, leased_until__lt=now)
    lapsed.filter(handed_over_at__isnull=True).update(
        status=Status.PENDING, lease=None, leased_until=None, next_attempt_at=now
    )
    # The lease stays on the row: a slow worker may still record that it was sent.
    lapsed.filter(handed_over_at__isnull=False).update(
        status=Status.UNKNOWN, leased_until=None, trouble=FailureReason.INTERRUPTED, attempts=F("attempts") + 1
    )


@dataclass(frozen=True)
class Due:
    """The number of workers needed: for unlimited e-mails, and for rate-limited ones."""

    workers: int
    throttled: int


def due(*, now: datetime) -> Due:
    """Return how many workers are needed now."""
    limits = {throttle.notice_id: throttle for throttle in Brake.objects.filter(per_minute__isnull=False)}
    waiting = claimable(now).exclude(notice__in=paused())
    if settings.MAILS_PER_MINUTE:
        return Due(0, _workers(settings.MAILS_PER_MINUTE) if waiting.exists() else 0)
    free = waiting.exclude(notice__in=limits).values("pk")[: MOST_WORKERS * CHUNK].count()
    held = waiting.filter(notice__in=limits).order_by().values_list("notice", flat=True).distinct()
    return Due(-(-free // CHUNK), sum(_workers(_allowance(limits[notice]).per_minute) for notice in held))


def _workers(per_minute: int) -> int:
    return -(-per_minute // WORKER_MAILS_PER_MINUTE)


def claimable(now: datetime) -> QuerySet[Delivery]:
    queued = Delivery.objects.filter(status=Status.PENDING, next_attempt_at__lte=now)
    return queued.exclude(trouble=FailureReason.HELD) if settings.IS_STAGING else queued


def paused() -> list[int]:
    """Return the primary keys of paused notices."""
    return list(Brake.objects.filter(paused_at__isnull=False).values_list("notice", flat=True))


# One chunk


@dataclass
class Claim:
    """What one worker leased; `more_at`: when more may be due, None if nothing else is."""

    deliveries: list[Delivery]
    more_at: datetime | None


def claim(lease: uuid.UUID, now: datetime, ids: Sequence[int] | None) -> Claim:
    """Lease a chunk of due deliveries by one conditional UPDATE and charge it to the rate limits.

    The most urgent come first, then the longest waiting. The throttle rows are locked, so that all workers together keep
    the limits.
    """
    portal, limits = _limits(now)
    room = CHUNK if ids is None else len(ids)
    if portal:
        room = min(room, _allowance(portal).at(now))
    waiting = claimable(now).exclude(notice__in=paused())
    if ids is not None:
        waiting = waiting.filter(pk__in=ids)
    queues = [(waiting.exclude(notice__in=limits), room)]
    queues += [(waiting.filter(notice=notice), _allowance(throttle).at(now)) for notice, throttle in limits.items()]
    found = [row for queue, most in queues if most for row in _first(queue, min(most, room))]
    chosen = sorted(found)[:room]
    claimable(now).filter(pk__in=[pk for _urgency, _since, pk, _notice in chosen]).update(
        status=Status.SENDING, lease=lease, leased_until=now + LEASE
    )
    taken = list(
        Delivery.objects.filter(lease=lease, status=Status.SENDING)
        .prefetch_related("customers")
        .order_by("urgency", "notice_id", "language", "pk")
    )
    used = Counter(delivery.notice_id for delivery in taken)
    held = [_charge(throttle, used[notice], now) for notice, throttle in limits.items() if used[notice]]
    held += [throttle for notice, throttle in limits.items() if not used[notice] and not _allowance(throttle).at(now)]
    if portal and (taken or not room):
        held.append(_charge(portal, len(taken), now))
    more_at = [now] if len(taken) == CHUNK else [_more_at(throttle) for throttle in held]
    return Claim(taken, min(more_at, default=None))


def _first(queue: QuerySet[Delivery], most: int) -> QuerySet[Delivery, tuple[int, datetime, int, int]]:
    ordered = queue.order_by("urgency", "next_attempt_at").select_for_update(skip_locked=True, of=("self",))
    return ordered.values_list("urgency", "next_attempt_at", "pk", "notice")[:most]


def _limits(now: datetime) -> tuple[Brake | None, dict[int, Brake]]:
    """Return the throttles of the portal and, by notice, of notices, locked."""
    if settings.MAILS_PER_MINUTE:
        Brake.objects.get_or_create(notice=None, defaults={"free_at": now - timedelta(minutes=1)})
    limits = {
        throttle.notice_id: throttle for throttle in Brake.objects.select_for_update().filter(LIMITED).order_by("pk")
    }
    portal = limits.pop(None, None)
    if portal:
        portal.per_minute = settings.MAILS_PER_MINUTE
    return portal if settings.MAILS_PER_MINUTE else None, cast("dict[int, Brake]", limits)


LIMITED = Q(notice=None) | Q(per_minute__isnull=False)


def _allowance(throttle: Brake) -> Allowance:
    return Allowance(cast("int", throttle.per_minute), throttle.free_at)


def _charge(throttle: Brake, mails: int, now: datetime) -> Brake:
    if mails:
        throttle.free_at = _allowance(throttle).after(mails, now)
        throttle.save(update_fields=["free_at"])
    return throttle


def _more_at(throttle: Brake) -> datetime:
    return throttle.free_at + _allowance(throttle).pace


def deliver_chunk(*, clock: Clock, ids: Sequence[int] | None = None) -> timedelta | None:
    """Deliver the most urgent due e-mails, or those of `ids` that are due, over one connection.

    `clock` returns the current time. Returns the time to wait before the next call, zero if more may be due now; None if
    nothing else is due or the mail server is unreachable. Must not run in a transaction: each step is committed before the
    next network call. In a staging copy nothing is delivered.
    """
    if settings.IS_STAGING:
        return _hold_chunk(clock())
    with DeliveryRun(clock, ids) as run, session() as line:
        unanswered = 0
        for delivery, message in with_messages(run.claimed):
            if run.too_long():
                break
            if delivery.pk not in run.ours:
                continue
            try:
                outcome = run.send(line, delivery, message)
            except Unreachable as error:
                run.postpone(FailureReason.UNREACHABLE, str(error))
                return None
            unanswered = unanswered + 1 if outcome and outcome.status == Status.UNKNOWN else 0
            if unanswered == MOST_UNANSWERED_IN_A_ROW:
                # The connection is broken: do not risk the remaining e-mails.
                run.postpone(FailureReason.UNREACHABLE, outcome.said if outcome else "")
                return None
    if run.more_at is None:
        return None
    return max(run.more_at - clock(), SHORTEST_WAIT) if run.more_at > run.begun else timedelta(0)


# A staging copy


def hold_queued() -> int:
    """Hold all that was queued or being sent when the original was copied; return how many. No copies of them are sent."""
    Delivery.objects.filter(status=Status.SENDING).update(status=Status.PENDING, lease=None, leased_until=None)
    return Delivery.objects.filter(status=Status.PENDING).update(trouble=FailureReason.HELD)


def _hold_chunk(now: datetime) -> timedelta | None:
    """Leave e-mails that are due in the queue, with the reason, and send a copy of each to STAGING_MAIL_TO, if it is set."""
    chunk = list(claimable(now).order_by("urgency", "pk")[:CHUNK])
    for delivery, message in with_messages(chunk):
        # Of two workers, the condition lets one send the copy.
        held = claimable(now).filter(pk=delivery.pk).update(trouble=FailureReason.HELD)
        if held and settings.STAGING_MAIL_TO:
            _send_copy(delivery, message)
    return timedelta(0) if len(chunk) == CHUNK else None


def _send_copy(delivery: Delivery, message: MailMessage) -> None:
    try:
        copy = message.message(delivery)
        copy.to = settings.STAGING_MAIL_TO
        copy.send()
    except Exception:
        # The others go on: a copy is only for looking at.
        log.exception("The copy of e-mail %s was not sent to STAGING_MAIL_TO", delivery.pk)


NOTE = """
    UPDATE notices_delivery SET
        status = CASE WHEN id = %(accepted)s AND status <> 'bounced' THEN 'sent' ELSE status END,
        sent_at = CASE WHEN id = %(accepted)s THEN %(accepted_at)s ELSE sent_at END,
        attempts = CASE WHEN id = %(accepted)s THEN %(attempts)s ELSE attempts END,
        trouble = CASE WHEN status = 'bounced' THEN trouble ELSE '' END,
        last_error = CASE WHEN status = 'bounced' THEN last_error ELSE '' END,
        handed_over_at = CASE WHEN id = %(next)s THEN %(now)s ELSE handed_over_at END,
        mail_sha256 = CASE WHEN id = %(next)s THEN %(next_sha256)s ELSE mail_sha256 END,
        lease = CASE WHEN id = %(next)s THEN lease END,
        leased_until = CASE WHEN id = %(next)s THEN %(until)s END
    WHERE lease = %(lease)s
      AND (id = %(accepted)s OR id = %(next)s AND status = 'sending' AND handed_over_at IS NULL AND NOT EXISTS (
          SELECT 1 FROM notices_brake WHERE notices_brake.notice_id = notices_delivery.notice_id AND paused_at IS NOT NULL
      ))
    RETURNING id
"""


def _stored(field: str, value: object) -> Any:
    column = cast("Field[Any, Any]", Delivery._meta.get_field(field))
    return column.get_db_prep_value(value, connection)


class DeliveryRun:
    """One delivery run of a worker: its leased rows, and the accepted message that is not recorded yet.

    Recording it and committing the next `handed_over_at` are one statement, so a worker that dies leaves at most one
    unknown delivery.
    """

    def __init__(self, clock: Clock, ids: Sequence[int] | None = None) -> None:
        self.clock = clock
        self.lease = uuid.uuid4()
        self.begun = self.renewed_at = clock()
        self.accepted: tuple[Delivery, datetime] | None = None
        with transaction.atomic(durable=True):
            taken = claim(self.lease, self.begun, ids)
        self.claimed, self.more_at = taken.deliveries, taken.more_at
        self.ours = {delivery.pk for delivery in self.claimed}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Record what was accepted, and return the rest to the queue."""
        self._note(handing_over=None, now=self.clock())
        self._waiting().update(status=Status.PENDING, lease=None, leased_until=None)

    def too_long(self) -> bool:
        return self.clock() - self.begun > LONGEST_CHUNK

    def send(self, line: Session, delivery: Delivery, message: MailMessage) -> Outcome | None:
        """Send one e-mail; None if the lease was lost or the notice paused, and nothing was sent. Raises `Unreachable`."""
        outcome = line.offer(message, delivery)
        if outcome is None:
            if not self._mark_handed_over(delivery, line.offered_sha256):
                line.take_back()
                self._refresh_ours()
                return None
            outcome = line.hand_over()
        if outcome.status == Status.SENT:
            self.accepted = delivery, self.clock()
        else:
            self._settle(delivery, outcome)
        return outcome

    def postpone(self, reason: FailureReason, said: str) -> None:
        """Postpone everything that was not tried."""
        for delivery in self._waiting():
            self._settle(delivery, Outcome(Status.PENDING, reason, said))

    def _refresh_ours(self) -> None:
        """Skip rows whose lease was lost or whose notice is paused."""
        self.ours = set(self._waiting().exclude(notice__in=paused()).values_list("pk", flat=True))

    def _held(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(lease=self.lease)

    def _waiting(self) -> QuerySet[Delivery]:
        return self._held().filter(status=Status.SENDING, handed_over_at__isnull=True)

    def _mark_handed_over(self, delivery: Delivery, sha256: str | None) -> bool:
        now = self.clock()
        if now - self.renewed_at > LEASE / 3:
            self._waiting().update(leased_until=now + LEASE)
            self.renewed_at = now
        return self._note(handing_over=delivery, now=now, sha256=sha256)

    def _note(self, *, handing_over: Delivery | None, now: datetime, sha256: str | None = None) -> bool:
        """Record the accepted message and commit the next `handed_over_at`; False if the next is not leased any more."""
        accepted, accepted_at = self.accepted or (None, None)
        parameters = {
            "lease": _stored("lease", self.lease),
            "accepted": accepted.pk if accepted else None,
            "accepted_at": _stored("sent_at", accepted_at),
            "attempts": accepted.attempts + 1 if accepted else None,
            "next": handing_over.pk if handing_over else None,
            "next_sha256": sha256,
            "now": _stored("handed_over_at", now),
            "until": _stored("leased_until", now + HANDED_OVER_LEASE),
        }
        with connection.cursor() as cursor:
            cursor.execute(NOTE, parameters)
            noted = {pk for (pk,) in cursor.fetchall()}
        self.accepted = None
        return handing_over is not None and handing_over.pk in noted

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        attempts, now = delivery.attempts + 1, self.clock()
        wait = pause(attempts) if outcome.status == Status.PENDING else None
        given_up = outcome.status == Status.PENDING and wait is None
        not_handed_over = {} if outcome.status == Status.UNKNOWN else {"handed_over_at": None}
        # A bounce report may arrive before the server's reply.
        self._held().filter(pk=delivery.pk).exclude(status=Status.BOUNCED).update(
            status=Status.FAILED if given_up else outcome.status,
            lease=None,
            leased_until=None,
            attempts=attempts,
            next_attempt_at=now + wait if wait else now,
            trouble=outcome.failure_reason or "",
            last_error=outcome.said,
            **not_handed_over,
        )


def with_messages(claimed: Sequence[Delivery]) -> Iterator[tuple[Delivery, MailMessage]]:
    """Yield each delivery with its message, built once per notice and language."""
    rows = Notice.objects.select_related("identity").prefetch_related("wordings", "attachments")
    notices = rows.in_bulk({d.notice_id for d in claimed})
    messages: dict[tuple[int, str], MailMessage] = {}
    for delivery in claimed:
        delivery.notice = notices[delivery.notice_id]
        key = delivery.notice_id, delivery.language
        if key not in messages:
            wording = delivery.notice.wording(delivery.language)
            messages = {key: MailMessage(delivery.notice, wording, delivery.notice.attachments.all())}
        yield delivery, messages[key]
