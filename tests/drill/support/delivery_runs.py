"""Delivery runs as processes of their own, which race for rows: `python -m tests.drill.support.delivery_runs HOW START …`.

`claiming START ID…` and `unclaimed START ID…` deliver some rows; `repeated START SECONDS` whatever is due. START is the
instant, in seconds since the epoch, at which all begin.
"""

import sys
import time

import django


def claiming(ids: list[int]) -> None:
    from django.utils import timezone

    from sla_portal.notices.operations import deliver_chunk

    deliver_chunk(ids=ids, clock=timezone.now)


def unclaimed(ids: list[int]) -> None:
    """The twin: read what waits, send it, note it. No claim."""
    from django.utils import timezone

    from sla_portal.notices.mail.session import session
    from sla_portal.notices.models import Delivery
    from sla_portal.notices.operations.delivering import with_messages

    waiting = list(Delivery.objects.filter(pk__in=ids, status="pending"))
    with session() as open_session:
        for delivery, letter in with_messages(waiting):
            if open_session.offer(letter, delivery) is None:
                open_session.hand_over()
                Delivery.objects.filter(pk=delivery.pk, sent_at=None).update(status="sent", sent_at=timezone.now())


def repeated(seconds: list[int]) -> None:
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
    runs = {"claiming": claiming, "unclaimed": unclaimed, "repeated": repeated}
    runs[how]([int(row) for row in rows])
