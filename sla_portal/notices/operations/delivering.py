"""Deliver what was told: pending → sending → sent | failed | unknown. The row is the queue.

What keeps a mail from going out twice: a row is claimed by one conditional UPDATE; `handed_over_at` is committed, while
the claim still holds, before the byte that hands the message over. A row that is found in a dead worker's hand goes back
into the queue where that time is empty, for then nobody has got it; else it is unknown, and a person decides.

What goes first is asked when a worker is free, not when its task was made: a code never waits behind an amendment. The
same statement that takes a message the last step asks whether its notice is paused.
"""

from __future__ import annotations

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

CHUNK = 100
MOST_HANDS = 100
"""How many workers a sweep asks for, each of which goes on while there is more: so other tasks never wait behind many."""
LEASE = timedelta(seconds=60)
HANDED_OVER_LEASE = timedelta(seconds=180)
"""Longer than the answer to the final dot may take."""
LONGEST_CHUNK = timedelta(seconds=20)
"""A worker looks this often, at the latest, whether something more urgent has come."""
MOST_UNANSWERED_IN_A_ROW = 3
A_HANDS_MAILS_PER_MINUTE = 1200
"""What one connection manages even with a slow server: a larger limit takes several."""
SHORTEST_WAIT = timedelta(seconds=1)

Clock = Callable[[], datetime]


# The sweep


def release_lapsed(*, now: datetime) -> None:
    """Take deliveries out of hands that have not moved for a lease: into the queue, or among the unknown."""
    lapsed = Delivery.objects.filter(status=Status.SENDING, leased_until__lt=now)
    lapsed.filter(handed_over_at__isnull=True).update(
        status=Status.PENDING, lease=None, leased_until=None, next_attempt_at=now
    )
    # The lease's mark stays: a worker that was only slow may still say that it was sent.
    lapsed.filter(handed_over_at__isnull=False).update(
        status=Status.UNKNOWN, leased_until=None, trouble=FailureReason.INTERRUPTED, attempts=F("attempts") + 1
    )


@dataclass(frozen=True)
class Due:
    """How many workers a sweep asks for: for what may go at once, and for what a limit holds back."""

    hands: int
    trickles: int


def due(*, now: datetime) -> Due:
    """How much work waits now."""
    limits = {brake.notice_id: brake for brake in Brake.objects.filter(per_minute__isnull=False)}
    waiting = claimable(now).exclude(notice__in=paused())
    if settings.MAILS_PER_MINUTE:
        return Due(0, _hands(settings.MAILS_PER_MINUTE) if waiting.exists() else 0)
    free = waiting.exclude(notice__in=limits).values("pk")[: MOST_HANDS * CHUNK].count()
    held = waiting.filter(notice__in=limits).order_by().values_list("notice", flat=True).distinct()
    return Due(-(-free // CHUNK), sum(_hands(_allowance(limits[notice]).per_minute) for notice in held))


def _hands(per_minute: int) -> int:
    return -(-per_minute // A_HANDS_MAILS_PER_MINUTE)


def claimable(now: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(status=Status.PENDING, next_attempt_at__lte=now)


def paused() -> list[int]:
    """The keys of notices that wait for a person."""
    return list(Brake.objects.filter(paused_at__isnull=False).values_list("notice", flat=True))


# One chunk


@dataclass
class Claim:
    """What one worker took; `more_at`: when there may be more to take, None where that was all."""

    deliveries: list[Delivery]
    more_at: datetime | None


def claim(lease: uuid.UUID, now: datetime, ids: Sequence[int] | None) -> Claim:
    """Take a chunk of what is due and in nobody's hand, by one conditional UPDATE, and charge the limits with it.

    The most urgent go first, then the longest waiting. The limits' rows are locked meanwhile, so that workers together
    keep to them.
    """
    portal, limits = _limits(now)
    room = CHUNK if ids is None else len(ids)
    if portal:
        room = min(room, _allowance(portal).at(now))
    waiting = claimable(now).exclude(notice__in=paused())
    if ids is not None:
        waiting = waiting.filter(pk__in=ids)
    queues = [(waiting.exclude(notice__in=limits), room)]
    queues += [(waiting.filter(notice=notice), _allowance(brake).at(now)) for notice, brake in limits.items()]
    found = [row for queue, most in queues if most for row in _first(queue, min(most, room))]
    chosen = sorted(found)[:room]
    claimable(now).filter(pk__in=[pk for _urgency, _since, pk, _notice in chosen]).update(
        status=Status.SENDING, lease=lease, leased_until=now + LEASE
    )
    taken = list(
        Delivery.objects.filter(lease=lease, status=Status.SENDING).order_by("urgency", "notice_id", "language", "pk")
    )
    used = Counter(delivery.notice_id for delivery in taken)
    held = [_charge(brake, used[notice], now) for notice, brake in limits.items() if used[notice]]
    held += [brake for notice, brake in limits.items() if not used[notice] and not _allowance(brake).at(now)]
    if portal and (taken or not room):
        held.append(_charge(portal, len(taken), now))
    more_at = [now] if len(taken) == CHUNK else [_more_at(brake) for brake in held]
    return Claim(taken, min(more_at, default=None))


def _first(queue: QuerySet[Delivery], most: int) -> QuerySet[Delivery, tuple[int, datetime, int, int]]:
    ordered = queue.order_by("urgency", "next_attempt_at").select_for_update(skip_locked=True, of=("self",))
    return ordered.values_list("urgency", "next_attempt_at", "pk", "notice")[:most]


def _limits(now: datetime) -> tuple[Brake | None, dict[int, Brake]]:
    """The portal's limit, and those of notices by their keys, locked."""
    if settings.MAILS_PER_MINUTE:
        Brake.objects.get_or_create(notice=None, defaults={"free_at": now - timedelta(minutes=1)})
    limits = {brake.notice_id: brake for brake in Brake.objects.select_for_update().filter(LIMITED).order_by("pk")}
    portal = limits.pop(None, None)
    if portal:
        portal.per_minute = settings.MAILS_PER_MINUTE
    return portal if settings.MAILS_PER_MINUTE else None, cast("dict[int, Brake]", limits)


LIMITED = Q(notice=None) | Q(per_minute__isnull=False)


def _allowance(brake: Brake) -> Allowance:
    return Allowance(cast("int", brake.per_minute), brake.free_at)


def _charge(brake: Brake, mails: int, now: datetime) -> Brake:
    if mails:
        brake.free_at = _allowance(brake).after(mails, now)
        brake.save(update_fields=["free_at"])
    return brake


def _more_at(brake: Brake) -> datetime:
    return brake.free_at + _allowance(brake).pace


def deliver_chunk(*, clock: Clock, ids: Sequence[int] | None = None) -> timedelta | None:
    """Deliver the most urgent that are due, or of `ids` those that are, over one held connection.

    `clock` tells the present instant, again and again. Returns how long to wait before looking for more, zero where more
    may be due at once; None: that was all, or the mail server cannot be reached. Must not run within a transaction: each
    step is committed before the next touches the network.
    """
    with DeliveryRun(clock, ids) as hand, session() as line:
        unanswered = 0
        for delivery, letter in with_messages(hand.claimed):
            if hand.too_long():
                break
            if delivery.pk not in hand.ours:
                continue
            try:
                outcome = hand.send(line, delivery, letter)
            except Unreachable as error:
                hand.postpone(FailureReason.UNREACHABLE, str(error))
                return None
            unanswered = unanswered + 1 if outcome and outcome.status == Status.UNKNOWN else 0
            if unanswered == MOST_UNANSWERED_IN_A_ROW:
                # Something is wrong with the line: do not use up the rest to find out.
                hand.postpone(FailureReason.UNREACHABLE, outcome.said if outcome else "")
                return None
    if hand.more_at is None:
        return None
    return max(hand.more_at - clock(), SHORTEST_WAIT) if hand.more_at > hand.begun else timedelta(0)


NOTE = """
    UPDATE notices_delivery SET
        status = CASE WHEN id = %(accepted)s AND status <> 'bounced' THEN 'sent' ELSE status END,
        sent_at = CASE WHEN id = %(accepted)s THEN %(accepted_at)s ELSE sent_at END,
        attempts = CASE WHEN id = %(accepted)s THEN %(attempts)s ELSE attempts END,
        trouble = CASE WHEN status = 'bounced' THEN trouble ELSE '' END,
        last_error = CASE WHEN status = 'bounced' THEN last_error ELSE '' END,
        handed_over_at = CASE WHEN id = %(next)s THEN %(now)s ELSE handed_over_at END,
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
    """What one worker holds: its claim, and the message that was accepted but is not noted yet.

    That note and the mark of the next handing over are one statement and one commit, so a worker that dies leaves at most
    one delivery of which nobody knows.
    """

    def __init__(self, clock: Clock, ids: Sequence[int] | None = None) -> None:
        self.clock = clock
        self.lease = uuid.uuid4()
        self.begun = self.kept = clock()
        self.accepted: tuple[Delivery, datetime] | None = None
        with transaction.atomic(durable=True):
            taken = claim(self.lease, self.begun, ids)
        self.claimed, self.more_at = taken.deliveries, taken.more_at
        self.ours = {delivery.pk for delivery in self.claimed}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Note what was accepted, and put back what was not tried."""
        self._note(handing_over=None, now=self.clock())
        self._waiting().update(status=Status.PENDING, lease=None, leased_until=None)

    def too_long(self) -> bool:
        return self.clock() - self.begun > LONGEST_CHUNK

    def send(self, line: Session, delivery: Delivery, letter: MailMessage) -> Outcome | None:
        """Send one; None: it is not ours any more, and was not sent. Raises `Unreachable`."""
        outcome = line.offer(letter, delivery)
        if outcome is None:
            if not self._mark_handed_over(delivery):
                line.take_back()
                self._look_what_is_left()
                return None
            outcome = line.hand_over()
        if outcome.status == Status.SENT:
            self.accepted = delivery, self.clock()
        else:
            self._settle(delivery, outcome)
        return outcome

    def postpone(self, trouble: FailureReason, said: str) -> None:
        """Wait with all that was not tried."""
        for delivery in self._waiting():
            self._settle(delivery, Outcome(Status.PENDING, trouble, said))

    def _look_what_is_left(self) -> None:
        """Leave alone what somebody took from this hand, or paused."""
        self.ours = set(self._waiting().exclude(notice__in=paused()).values_list("pk", flat=True))

    def _held(self) -> QuerySet[Delivery]:
        return Delivery.objects.filter(lease=self.lease)

    def _waiting(self) -> QuerySet[Delivery]:
        return self._held().filter(status=Status.SENDING, handed_over_at__isnull=True)

    def _mark_handed_over(self, delivery: Delivery) -> bool:
        now = self.clock()
        if now - self.kept > LEASE / 3:
            self._waiting().update(leased_until=now + LEASE)
            self.kept = now
        return self._note(handing_over=delivery, now=now)

    def _note(self, *, handing_over: Delivery | None, now: datetime) -> bool:
        """Note the accepted message and mark the next; False: the next is not ours any more."""
        accepted, accepted_at = self.accepted or (None, None)
        given = {
            "lease": _stored("lease", self.lease),
            "accepted": accepted.pk if accepted else None,
            "accepted_at": _stored("sent_at", accepted_at),
            "attempts": accepted.attempts + 1 if accepted else None,
            "next": handing_over.pk if handing_over else None,
            "now": _stored("handed_over_at", now),
            "until": _stored("leased_until", now + HANDED_OVER_LEASE),
        }
        with connection.cursor() as cursor:
            cursor.execute(NOTE, given)
            noted = {pk for (pk,) in cursor.fetchall()}
        self.accepted = None
        return handing_over is not None and handing_over.pk in noted

    def _settle(self, delivery: Delivery, outcome: Outcome) -> None:
        attempts, now = delivery.attempts + 1, self.clock()
        wait = pause(attempts) if outcome.status == Status.PENDING else None
        given_up = outcome.status == Status.PENDING and wait is None
        nobody_has_it = {} if outcome.status == Status.UNKNOWN else {"handed_over_at": None}
        # A report that it came back may be faster than the server's answer.
        self._held().filter(pk=delivery.pk).exclude(status=Status.BOUNCED).update(
            status=Status.FAILED if given_up else outcome.status,
            lease=None,
            leased_until=None,
            attempts=attempts,
            next_attempt_at=now + wait if wait else now,
            trouble=outcome.trouble or "",
            last_error=outcome.said,
            **nobody_has_it,
        )


def with_messages(claimed: Sequence[Delivery]) -> Iterator[tuple[Delivery, MailMessage]]:
    """Each delivery with its letter, built once for each notice and language."""
    notices = Notice.objects.prefetch_related("wordings", "attachments").in_bulk({d.notice_id for d in claimed})
    letters: dict[tuple[int, str], MailMessage] = {}
    for delivery in claimed:
        delivery.notice = notices[delivery.notice_id]
        key = delivery.notice_id, delivery.language
        if key not in letters:
            wording = delivery.notice.wording(delivery.language)
            letters = {key: MailMessage(delivery.notice, wording, delivery.notice.attachments.all())}
        yield delivery, letters[key]
