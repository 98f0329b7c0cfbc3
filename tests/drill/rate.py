"""How fast deliveries go, against one reused raw smtplib connection that sends finished bytes and keeps no books.

Both talk to the same server, a process of its own, in turns; of each the shortest time stands: the one least disturbed.
"""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .ground import Ground, contacts, give, set_up

ROUNDS = 7
RECIPIENTS = 1000
MANY = 100_000


def rate(_ground: Ground) -> None:
    """Print the rate of both and their ratio, from a process that reads the settings anew."""
    with serving() as port:
        environment = os.environ | {"EMAIL_URL": f"smtp://127.0.0.1:{port}"}
        subprocess.run([sys.executable, "-m", "tests.drill.rate", str(port)], env=environment, check=True)


@contextmanager
def serving() -> Iterator[int]:
    """The port of a mail server that takes everything and keeps nothing, a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.drill.rate", "serve"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.terminate()


def serve() -> None:
    from tests.support.mail_server import mail_server

    with mail_server() as server:
        print(server.port, flush=True)
        while True:
            time.sleep(1)
            server.taken.clear()
            server.attempts.clear()


def measure(port: int) -> None:
    set_up()
    from django.db import transaction
    from django.utils import timezone

    from sla_portal.notices.operations import deliver_chunk
    from sla_portal.notices.operations.delivering import with_messages

    with transaction.atomic():
        audience = contacts(MANY, "many")
        begun = time.perf_counter()
        given = give(audience).deliveries.count()
        print(f"rate: a notice given to {given} addresses in {time.perf_counter() - begun:.1f} s", flush=True)
        transaction.set_rollback(True)

    ours, raw = [], []
    for number in range(ROUNDS):
        notice = give(contacts(RECIPIENTS, f"rate{number}"))
        messages = [
            (delivery.email, letter.completed(delivery))
            for delivery, letter in with_messages(list(notice.deliveries.order_by("pk")))
        ]
        begun = time.perf_counter()
        with smtplib.SMTP("127.0.0.1", port) as smtp:
            for email, message in messages:
                smtp.sendmail("sla-portal@localhost", [email], message)
        raw.append(time.perf_counter() - begun)

        begun = time.perf_counter()
        while deliver_chunk(clock=timezone.now) is not None:
            pass
        ours.append(time.perf_counter() - begun)
        assert not notice.deliveries.exclude(status="sent").exists()
    print(
        f"rate: {RECIPIENTS / min(ours):.0f} deliveries/s; raw smtplib {RECIPIENTS / min(raw):.0f}/s; "
        f"{min(ours) / min(raw):.2f} × its time ({ROUNDS} rounds in turns, {RECIPIENTS} recipients each)"
    )


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        measure(int(sys.argv[1]))
