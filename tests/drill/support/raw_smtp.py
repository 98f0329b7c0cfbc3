"""The portal's deliveries against raw smtplib connections that send finished bytes and keep no books.

Both talk to the same server, a process of its own, in turns; of each the shortest time stands: the one least disturbed.
"""

from __future__ import annotations

import os
import smtplib
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.support.parts import Figure
from tests.support.servers import peak_megabytes

from .notices import contacts, give
from .worker import PROCESSES, Worker, a_worker

if TYPE_CHECKING:
    from sla_portal.notices.models import Notice

LONGEST_SECONDS = 600


@contextmanager
def a_server_that_takes_everything() -> Iterator[int]:
    """The port of a mail server that keeps nothing, a process of its own."""
    command = [sys.executable, "-m", "tests.drill.support.raw_smtp", "serve"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
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


def finished(deliveries: Iterable) -> list[tuple[str, bytes]]:
    """The address and the bytes of each."""
    from sla_portal.notices.operations.delivering import with_messages

    return [(delivery.email, letter.completed(delivery)) for delivery, letter in with_messages(list(deliveries))]


def send(port: int, messages: list[tuple[str, bytes]]) -> float:
    """Send them over one connection; how many seconds it takes."""
    begun = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for email, message in messages:
            smtp.sendmail("sla-portal@localhost", [email], message)
    return time.perf_counter() - begun


# The worker's processes against as many raw connections


def against_raw_smtp(rounds: int, recipients: int, warm_up: int) -> Iterator[Figure]:
    """The rate of both, and the memory that each of their processes takes; of each the best round stands."""
    with a_server_that_takes_everything() as port:
        os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        with a_worker() as worker:
            deliver(give(contacts(warm_up, "warm")))
            measured = [one_round(port, worker, recipients, f"round{number}") for number in range(rounds)]
    ours, raws, megabytes, raw_megabytes = zip(*measured, strict=True)
    yield Figure(f"{recipients} deliveries by {PROCESSES} processes", recipients / min(ours), "a second")
    yield Figure(f"{recipients} messages by {PROCESSES} raw connections", recipients / min(raws), "a second")
    yield Figure("deliveries", min(ours) / min(raws), "× the time of raw connections")
    yield Figure("heaviest worker process", max(megabytes), "MB")
    yield Figure("heaviest process with a raw connection", max(raw_megabytes), "MB")


def one_round(port: int, worker: Worker, recipients: int, name: str) -> tuple[float, float, float, float]:
    """Seconds of the worker and of raw smtplib, megabytes of the worker's heaviest process and of raw smtplib's."""
    notice = give(contacts(recipients, name))
    # First: a worker that still looks for more would begin while the raw connections are timed.
    seconds = deliver(notice)
    assert notice.deliveries.filter(status="sent").count() == recipients
    command = [sys.executable, "-m", "tests.drill.support.raw_smtp", str(port), str(notice.pk)]
    raw = [subprocess.Popen([*command, str(part)], stdout=subprocess.PIPE, text=True) for part in range(PROCESSES)]
    answers = [[float(number) for number in process.communicate()[0].split()] for process in raw]
    return seconds, max(one for one, _ in answers), worker.heaviest_megabytes(), max(one for _, one in answers)


def deliver(notice: Notice) -> float:
    """Let the worker deliver all of a notice; how many seconds it takes from the sweep on."""
    from sla_portal.notices.tasks import SWEPT_EVERY_SECONDS, deliver_due_notices

    begun = next_sweep = time.monotonic()
    while notice.deliveries.filter(status__in=["pending", "sending"]).exists():
        assert time.monotonic() - begun < LONGEST_SECONDS, "The worker does not come to an end."
        if time.monotonic() >= next_sweep:
            deliver_due_notices()
            next_sweep += SWEPT_EVERY_SECONDS
        time.sleep(0.05)
    return time.monotonic() - begun


def send_part(port: int, notice: int, part: int) -> None:
    """Send every so many-th mail of a notice over one connection, and say how long it took and how heavy it was."""
    import django

    django.setup()
    from sla_portal.notices.models import Delivery

    messages = finished(Delivery.objects.filter(notice=notice).order_by("pk")[part::PROCESSES])
    print(send(port, messages), peak_megabytes())


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        send_part(*map(int, sys.argv[1:]))
