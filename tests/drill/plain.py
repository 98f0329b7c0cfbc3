"""The worker's processes against as many raw smtplib connections that send finished bytes and keep no books."""

from __future__ import annotations

import os
import resource
import smtplib
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from .ground import PROCESSES, Ground, Worker, contacts, give
from .rate import serving

if TYPE_CHECKING:
    from sla_portal.notices.models import Notice

ROUNDS = 3
WARM_UP = 200
LONGEST_SECONDS = 600


def plain(ground: Ground, recipients: int) -> None:
    """Print the rate of both, in turns, and the memory that each of their processes takes; of each the best round stands."""
    each = recipients // ROUNDS
    with serving() as port:
        os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        with ground.worker() as worker:
            deliver(give(contacts(WARM_UP, "warm")))
            rounds = [one_round(port, worker, each, f"plain{number}") for number in range(ROUNDS)]
    ours, raws, megabytes, raw_megabytes = zip(*rounds, strict=True)
    print(
        f"many: {each / min(ours):.0f} deliveries/s by {PROCESSES} processes; raw smtplib {each / min(raws):.0f}/s by as many "
        f"connections: {min(ours) / min(raws):.2f} × its time ({ROUNDS} rounds in turns, {each} recipients each); "
        f"heaviest process {max(megabytes):.0f} MB, raw smtplib's {max(raw_megabytes):.0f} MB",
        flush=True,
    )


def one_round(port: int, worker: Worker, recipients: int, name: str) -> tuple[float, float, float, float]:
    """Seconds of the worker and of raw smtplib, megabytes of the worker's heaviest process and of raw smtplib's."""
    notice = give(contacts(recipients, name))
    # First: a worker that still looks for more would begin while the raw connections are timed.
    seconds = deliver(notice)
    assert notice.deliveries.filter(status="sent").count() == recipients
    myself = [sys.executable, "-m", "tests.drill.plain", str(port), str(notice.pk)]
    raw = [subprocess.Popen([*myself, str(part)], stdout=subprocess.PIPE, text=True) for part in range(PROCESSES)]
    told = [[float(word) for word in process.communicate()[0].split()] for process in raw]
    return seconds, max(one for one, _ in told), worker.heaviest_megabytes(), max(one for _, one in told)


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


def raw(port: int, notice: int, part: int) -> None:
    """Send every so many-th mail of a notice over one connection, and say how long it took and how heavy it was."""
    import django

    django.setup()
    from sla_portal.notices.models import Delivery
    from sla_portal.notices.operations.delivering import with_messages

    rows = list(Delivery.objects.filter(notice=notice).order_by("pk"))[part::PROCESSES]
    finished = [(delivery.email, letter.completed(delivery)) for delivery, letter in with_messages(rows)]
    begun = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for email, message in finished:
            smtp.sendmail("sla-portal@localhost", [email], message)
    seconds = time.perf_counter() - begun
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    raw(*map(int, sys.argv[1:]))
