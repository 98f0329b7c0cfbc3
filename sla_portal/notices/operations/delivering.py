"""Deliver what was told: pending → sending → sent | failed | unknown. The row is the queue.

What keeps a mail from going out twice: a row is claimed by one conditional UPDATE; `handed_over_at` is committed, while
the claim still holds, before the byte that hands the message over. A row that is found in a dead worker's hand goes back
into the queue where that time is empty, for then nobody has got it; else it is unknown, and a person decides.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Self, cast

from django.db import connection, transaction
from django.db.models import F, Field, QuerySet

from ..mail.letter import Letter
from ..mail.session import Outcome, Session, Unreachable, session
from ..models import Delivery, Notice, Status, Trouble
from ..rules import pause

CHUNK = 100
MOST_IN_A_SWEEP = 20_000
LEASE = timedelta(seconds=60)
HANDED_OVER_LEASE = timedelta(seconds=180)
"""Longer than the answer to the final dot may take."""
LONGEST_CHUNK = timedelta(minutes=5)
MOST_UNANSWERED_IN_A_ROW = 3

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
        status=Status.UNKNOWN, leased_until=None, trouble=Trouble.INTERRUPTED, attempts=F("attempts") + 1
    )


def due_chunks(*, now: datetime) -> list[list[int]]:
    """The keys of deliveries that are due, the longest waiting first, in portions for one connection each."""
    due = list(claimable(now).order_by("next_attempt_at").values_list("pk", flat=True)[:MOST_IN_A_SWEEP])
    return [due[start : start + CHUNK] for start in range(0, len(due), CHUNK)]


def claimable(now: datetime) -> QuerySet[Delivery]:
    return Delivery.objects.filter(status=Status.PENDING, next_attempt_at__lte=now)


# One chunk


def claim(ids: Sequence[int], lease: uuid.UUID, now: datetime) -> list[Delivery]:
    """Take those of `ids` that are due and in nobody's hand, by one conditional UPDATE."""
    claimable(now).filter(pk__in=ids).update(status=Status.SENDING, lease=lease, leased_until=now + LEASE)
    return list(Delivery.objects.filter(lease=lease, status=Status.SENDING).order_by("notice_id", "language", "pk"))


def deliver_chunk(*, ids: Sequence[int], clock: Clock) -> None:
    """Deliver those of `ids` that are due over one held connection; `clock` tells the present instant, again and again.

    Must not run within a transaction: each step is committed before the next touches the network.
    """
    with Hand(ids, clock) as hand, session() as line:
        unanswered = 0
        for delivery, letter in with_letters(hand.claimed):
            if hand.too_long():
                break
            try:
                outcome = hand.send(line, delivery, letter)
            except Unreachable as error:
                hand.postpone(Trouble.UNREACHABLE, str(error))
                break
            unanswered = unanswered + 1 if outcome and outcome.status == Status.UNKNOWN else 0
            if unanswered == MOST_UNANSWERED_IN_A_ROW:
                # Something is wrong with the line: do not use up the rest to find out.
                hand.postpone(Trouble.UNREACHABLE, outcome.said if outcome else "")
                break


NOTE = """
    UPDATE notices_delivery SET
        status = CASE WHEN id = %(accepted)s THEN 'sent' ELSE status END,
        sent_at = CASE WHEN id = %(accepted)s THEN %(accepted_at)s ELSE sent_at END,
        attempts = CASE WHEN id = %(accepted)s THEN %(attempts)s ELSE attempts END,
        trouble = '',
        last_error = '',
        handed_over_at = CASE WHEN id = %(next)s THEN %(now)s ELSE handed_over_at END,
        lease = CASE WHEN id = %(next)s THEN lease END,
        leased_until = CASE WHEN id = %(next)s THEN %(until)s END
    WHERE lease = %(lease)s
      AND (id = %(accepted)s OR id = %(next)s AND status = 'sending' AND handed_over_at IS NULL)
    RETURNING id
"""


def _stored(field: str, value: object) -> Any:
    column = cast("Field[Any, Any]", Delivery._meta.get_field(field))
    return column.get_db_prep_value(value, connection)


class Hand:
    """What one worker holds: its claim, and the message that was accepted but is not noted yet.

    That note and the mark of the next handing over are one statement and one commit, so a worker that dies leaves at most
    one delivery of which nobody knows.
    """

    def __init__(self, ids: Sequence[int], clock: Clock) -> None:
        self.clock = clock
        self.lease = uuid.uuid4()
        self.begun = self.kept = clock()
        self.accepted: tuple[Delivery, datetime] | None = None
        with transaction.atomic(durable=True):
            self.claimed = claim(ids, self.lease, self.begun)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        """Note what was accepted, and put back what was not tried."""
        self._note(handing_over=None, now=self.clock())
        self._waiting().update(status=Status.PENDING, lease=None, leased_until=None)

    def too_long(self) -> bool:
        return self.clock() - self.begun > LONGEST_CHUNK

    def send(self, line: Session, delivery: Delivery, letter: Letter) -> Outcome | None:
        """Send one; None: it is not ours any more, and was not sent. Raises `Unreachable`."""
        outcome = line.offer(letter, delivery)
        if outcome is None:
            if not self._mark_handed_over(delivery):
                line.take_back()
                return None
            outcome = line.hand_over()
        if outcome.status == Status.SENT:
            self.accepted = delivery, self.clock()
        else:
            self._settle(delivery, outcome)
        return outcome

    def postpone(self, trouble: Trouble, said: str) -> None:
        """Wait with all that was not tried."""
        for delivery in self._waiting():
            self._settle(delivery, Outcome(Status.PENDING, trouble, said))

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
        self._held().filter(pk=delivery.pk).update(
            status=Status.FAILED if given_up else outcome.status,
            lease=None,
            leased_until=None,
            attempts=attempts,
            next_attempt_at=now + wait if wait else now,
            trouble=outcome.trouble or "",
            last_error=outcome.said,
            **nobody_has_it,
        )


def with_letters(claimed: Sequence[Delivery]) -> Iterator[tuple[Delivery, Letter]]:
    """Each delivery with its letter, built once for each notice and language."""
    notices = Notice.objects.prefetch_related("wordings", "attachments").in_bulk({d.notice_id for d in claimed})
    letters: dict[tuple[int, str], Letter] = {}
    for delivery in claimed:
        delivery.notice = notices[delivery.notice_id]
        key = delivery.notice_id, delivery.language
        if key not in letters:
            wording = delivery.notice.wording(delivery.language)
            letters = {key: Letter(delivery.notice, wording, delivery.notice.attachments.all())}
        yield delivery, letters[key]
