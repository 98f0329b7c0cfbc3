"""How fast one process delivers, against one reused raw smtplib connection that sends finished bytes and keeps no books."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.support.parts import Figure
from tests.support.servers import set_up

from .support.notices import contacts, give
from .support.raw_smtp import a_server_that_takes_everything, finished, send

NEEDS = ("postgresql", "redis")


@dataclass(frozen=True)
class Size:
    recipients: int
    rounds: int
    everyone: int
    """To whom a notice is given that nobody delivers."""


FULL = Size(1000, rounds=7, everyone=100_000)
SMALL = Size(50, rounds=1, everyone=500)


def run(size: Size) -> Iterator[Figure]:
    with a_server_that_takes_everything() as port:
        # Before the settings are read.
        os.environ["EMAIL_URL"] = f"smtp://127.0.0.1:{port}"
        set_up()
        yield given(size.everyone)
        measured = [one_round(port, size.recipients, f"rate{number}") for number in range(size.rounds)]
    ours, raw, unsent = zip(*measured, strict=True)
    yield Figure("deliveries", size.recipients / min(ours), "a second")
    yield Figure("messages over a raw connection", size.recipients / min(raw), "a second")
    yield Figure("deliveries", min(ours) / min(raw), "× the time of the raw connection")
    yield Figure("not sent", sum(unsent), most=0, required=True)


def given(everyone: int) -> Figure:
    from django.db import transaction

    with transaction.atomic():
        audience = contacts(everyone, "everyone")
        begun = time.perf_counter()
        addresses = give(audience).deliveries.count()
        transaction.set_rollback(True)
    return Figure(f"a notice given to {addresses} addresses", time.perf_counter() - begun, "s")


def one_round(port: int, recipients: int, name: str) -> tuple[float, float, int]:
    """Seconds of the portal and of the raw connection, and how many deliveries were not sent."""
    from django.utils import timezone

    from sla_portal.notices.operations import deliver_chunk

    notice = give(contacts(recipients, name))
    raw = send(port, finished(notice.deliveries.order_by("pk")))
    begun = time.perf_counter()
    while deliver_chunk(clock=timezone.now) is not None:
        pass
    return time.perf_counter() - begun, raw, notice.deliveries.exclude(status="sent").count()
