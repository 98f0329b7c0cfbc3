"""Deliveries while workers are killed at random points (SIGKILL to all their processes)."""

from collections.abc import Iterator

from tests.support.mail_server import mail_server
from tests.support.parts import Figure
from tests.support.servers import set_up

from .support import deliveries

NEEDS = ("postgresql", "redis")
FULL, SMALL = deliveries.FULL, deliveries.SMALL


def run(size: deliveries.Size) -> Iterator[Figure]:
    set_up()
    with mail_server() as server:
        yield from deliveries.ours(server, "kills", size, kills=size.kills)
        yield from deliveries.twin(server, size, kills=size.twins_kills)
