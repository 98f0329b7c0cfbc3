"""Deliver some rows as a process of its own: `python -m tests.drill.hands careful|careless START ID…`, or for some
seconds whatever is due: `python -m tests.drill.hands again-and-again START SECONDS`.

START is the instant, in seconds since the epoch, at which all begin, so that they race.
"""

import sys
import time

import django


def careful(ids: list[int]) -> None:
    from django.utils import timezone

    from sla_portal.notices.operations import deliver_chunk

    deliver_chunk(ids=ids, clock=timezone.now)


def careless(ids: list[int]) -> None:
    """The twin: read what waits, send it, note it. No claim."""
    from django.utils import timezone

    from sla_portal.notices.mail.session import session
    from sla_portal.notices.models import Delivery
    from sla_portal.notices.operations.delivering import with_messages

    waiting = list(Delivery.objects.filter(pk__in=ids, status="pending"))
    with session() as line:
        for delivery, letter in with_messages(waiting):
            if line.offer(letter, delivery) is None:
                line.hand_over()
                Delivery.objects.filter(pk=delivery.pk).update(status="sent", sent_at=timezone.now())


def again_and_again(seconds: list[int]) -> None:
    from django.utils import timezone

    from sla_portal.notices.operations import deliver_chunk

    end = time.monotonic() + seconds[0]
    while time.monotonic() < end:
        deliver_chunk(clock=timezone.now)
        time.sleep(0.05)


if __name__ == "__main__":
    how, start, *rows = sys.argv[1:]
    django.setup()
    time.sleep(max(0, float(start) - time.time()))
    hands = {"careful": careful, "careless": careless, "again-and-again": again_and_again}
    hands[how]([int(row) for row in rows])
