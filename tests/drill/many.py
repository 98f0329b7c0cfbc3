"""Everyone: the rate against raw smtplib, then all of it through kills, faults and a schedule that runs twice."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.support.mail_server import mail_server
from tests.support.parts import Figure
from tests.support.servers import set_up

from .support import deliveries, raw_smtp

NEEDS = ("postgresql", "redis")


@dataclass(frozen=True)
class Size:
    recipients: int
    deliveries: deliveries.Size
    warm_up: int
    rounds: int = 3

    @property
    def recipients_a_round(self) -> int:
        """Of the rate: a tenth of all, in rounds."""
        return self.recipients // 10 // self.rounds


FULL = Size(100_000, replace(deliveries.FULL, kills=20), warm_up=200)
SMALL = Size(100, replace(deliveries.SMALL, kills=0), warm_up=10, rounds=1)


def run(size: Size) -> Iterator[Figure]:
    set_up()
    yield from raw_smtp.against_raw_smtp(size.rounds, size.recipients_a_round, size.warm_up)
    everyone = replace(size.deliveries, recipients=size.recipients)
    with mail_server() as server:
        server.plan, server.keeps = deliveries.Hostile(), False
        yield from deliveries.ours(server, "many", everyone, kills=everyone.kills)
