"""Deliveries while workers are killed and the mail server puts off, refuses and hangs up."""

from collections.abc import Iterator
from dataclasses import replace

from tests.support.mail_server import mail_server
from tests.support.parts import Figure
from tests.support.servers import set_up

from .support import deliveries

NEEDS = ("postgresql", "redis")
FULL, SMALL = deliveries.FULL, replace(deliveries.SMALL, kills=0)


def run(size: deliveries.Size) -> Iterator[Figure]:
    set_up()
    with mail_server() as server:
        server.plan = deliveries.Hostile()
        yield from deliveries.ours(server, "faults", size, kills=size.kills)
        yield from deliveries.twin(server, size)
