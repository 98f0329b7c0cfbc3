"""Everyone: the rate against raw smtplib, then all of it through kills, faults and a schedule that runs twice."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tests.mail_server import mail_server
from tests.support.parts import Figure
from tests.support.servers import set_up

from .support import deliveries, raw_smtp

NEEDS = ("postgresql", "redis")


@dataclass(frozen=True)
class Size:
    recipients: int
    kills: int
    round_seconds: float
    warm_up: int
    rounds: int = 3

    @property
    def recipients_a_round(self) -> int:
        """Of the rate: a tenth of all, in rounds."""
        return self.recipients // 10 // self.rounds


FULL = Size(100_000, kills=20, round_seconds=5, warm_up=200)
SMALL = Size(300, kills=1, round_seconds=0.5, warm_up=20, rounds=1)


def run(size: Size) -> Iterator[Figure]:
    set_up()
    yield from raw_smtp.against_raw_smtp(size.rounds, size.recipients_a_round, size.warm_up)
    of_deliveries = replace(deliveries.FULL, recipients=size.recipients, round_seconds=size.round_seconds)
    with mail_server() as server:
        server.plan, server.keeps = deliveries.Hostile(), False
        yield from deliveries.ours(server, "many", of_deliveries, kills=size.kills)
