"""The worker's processes against as many raw smtplib connections that send finished bytes and keep no books."""

from __future__ import annotations

import os
import resource
import smtplib
import subprocess
import sys
import time

from .ground import PROCESSES, Ground, contacts, give
from .rate import serving


def plain(ground: Ground, recipients: int) -> None:
    """Print the rate of both, undisturbed, and the memory that each of their processes takes."""
    with serving() as port:
        os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        notice = give(contacts(recipients, "plain"))
        myself = [sys.executable, "-m", "tests.drill.plain", str(port), str(notice.pk)]
        raw = [subprocess.Popen([*myself, str(part)], stdout=subprocess.PIPE, text=True) for part in range(PROCESSES)]
        told = [process.communicate()[0].split() for process in raw]
        raw_rate = recipients / max(float(seconds) for seconds, _megabytes in told)
        raw_megabytes = max(float(megabytes) for _seconds, megabytes in told)

        with ground.worker() as worker:
            heaviest = worker.heaviest_megabytes()
            begun = time.monotonic()
            ours_rate, heaviest = deliver(notice, worker, recipients, begun, heaviest)
    print(
        f"many: {ours_rate:.0f} deliveries/s by {PROCESSES} processes; raw smtplib {raw_rate:.0f}/s by as many connections: "
        f"{raw_rate / ours_rate:.2f} × its time ({recipients} recipients); "
        f"heaviest process {heaviest:.0f} MB, raw smtplib's {raw_megabytes:.0f} MB",
        flush=True,
    )


def deliver(notice, worker, recipients: int, begun: float, heaviest: float) -> tuple[float, float]:
    """Let the worker deliver all of a notice: deliveries a second, and the megabytes of its heaviest process."""
    from sla_portal.notices.tasks import deliver_due_notices

    next_round = 0.0
    while notice.deliveries.filter(status__in=["pending", "sending"]).exists():
        if time.monotonic() >= next_round:
            deliver_due_notices()
            heaviest = max(heaviest, worker.heaviest_megabytes())
            next_round = time.monotonic() + 10
        time.sleep(0.1)
    seconds = time.monotonic() - begun
    assert notice.deliveries.filter(status="sent").count() == recipients
    return recipients / seconds, heaviest


def raw(port: int, notice: int, part: int) -> None:
    """Send every so many-th mail of a notice over one connection, and say how long it took and how heavy it was."""
    import django

    django.setup()
    from sla_portal.notices.models import Delivery
    from sla_portal.notices.operations.delivering import with_letters

    rows = list(Delivery.objects.filter(notice=notice).order_by("pk"))[part::PROCESSES]
    finished = [(delivery.email, letter.completed(delivery)) for delivery, letter in with_letters(rows)]
    begun = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as smtp:
        for email, message in finished:
            smtp.sendmail("sla-portal@localhost", [email], message)
    seconds = time.perf_counter() - begun
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    raw(*map(int, sys.argv[1:]))
