"""Deliveries while workers are killed, mail servers fail and Redis forgets."""

from __future__ import annotations

import os
import random
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.mail_server import Fault, MailServer
from tests.support.parts import Figure
from tests.support.servers import redis

from .notices import contacts, give
from .worker import PROCESSES, a_worker

if TYPE_CHECKING:
    from sla_portal.notices.models import Notice

FORGOTTEN_AFTER = 0.4
"""The share of deliveries after which Redis is killed."""


@dataclass(frozen=True)
class Size:
    recipients: int
    kills: int
    round_seconds: float
    """How often the schedule runs, which looks every thirty seconds in operation."""
    patience_seconds: float
    """How long nothing may move while all that is left waits for the end of a lease: then the worker is killed once more."""
    twins_recipients: int
    twins_kills: int
    twins_quiet_seconds: float
    """The twin is done when nothing arrived for so long."""

    @property
    def longest_seconds(self) -> float:
        return 900 + self.recipients / 50


FULL = Size(
    5000, kills=40, round_seconds=5, patience_seconds=300,
    twins_recipients=1500, twins_kills=12, twins_quiet_seconds=15,
)  # fmt: skip
SMALL = Size(
    200, kills=1, round_seconds=0.5, patience_seconds=2,
    twins_recipients=200, twins_kills=1, twins_quiet_seconds=2.5,
)  # fmt: skip


class Hostile:
    """The plan of a mail server: 10 % 451, 2 % of addresses 550, 5 % dropped connections."""

    shares = (
        (0.05, Fault.LATER),
        (0.05, Fault.LATER_AFTER_THE_DOT),
        (0.015, Fault.CUT_BEFORE),
        (0.015, Fault.CUT_WITHIN),
        (0.01, Fault.CUT_AFTER_TAKEN),
        (0.01, Fault.CUT_AFTER_LOST),
    )

    def __init__(self) -> None:
        self.chance = random.Random(1)

    @staticmethod
    def refuses(address: str) -> bool:
        return zlib.crc32(address.encode()) % 50 == 0

    def __call__(self, address: str, _attempt: int) -> Fault | None:
        if self.refuses(address):
            return Fault.NEVER
        drawn = self.chance.random()
        for share, fault in self.shares:
            if drawn < share:
                return fault
            drawn -= share
        return None


@dataclass(frozen=True)
class Books:
    """What the rows say against what the mail server took."""

    lost: int
    """Said to be sent and never taken; or neither sent nor failed nor shown to a person."""
    twice: int
    unknown: int
    failed: int
    failed_but_taken: int

    @classmethod
    def of(cls, notice: Notice, server: MailServer) -> Books:
        copies = Counter(taken.recipient for taken in server.taken)
        rows = list(notice.deliveries.values_list("email", "status"))
        failed = [email for email, status in rows if status == "failed"]
        return cls(
            lost=sum(copies[email] == 0 and status not in {"failed", "unknown"} for email, status in rows),
            twice=sum(number > 1 for number in copies.values()),
            unknown=sum(status == "unknown" for _email, status in rows),
            failed=len(failed),
            failed_but_taken=sum(copies[email] > 0 for email in failed),
        )


def ours(server: MailServer, name: str, size: Size, *, kills: int = 0, flushed: bool = False) -> Iterator[Figure]:
    """Give a notice and let the portal deliver it through the trouble; then balance the books."""
    os.environ["EMAIL_URL"] = server.url
    recipients = size.recipients
    audience = contacts(recipients, name)
    begun = time.monotonic()
    notice = give(audience)
    yield Figure(f"{recipients} deliveries put down", time.monotonic() - begun, "s")
    killed, heaviest, flushes = 0, 0.0, int(flushed)
    with a_worker() as worker:
        goal, next_round, stands_still = next_goal(server, recipients, kills), 0.0, StandsStill(notice, server)
        while under_way(notice):
            assert time.monotonic() - begun < size.longest_seconds, "The drill does not end."
            if time.monotonic() >= next_round:
                schedule(notice)
                heaviest = max(heaviest, worker.heaviest_megabytes())
                next_round = time.monotonic() + size.round_seconds
            if flushed and len(server.taken) > recipients * FORGOTTEN_AFTER:
                flushed = forget()
            if (killed < kills and reaches(server, goal, seconds=1)) or stands_still.for_(size.patience_seconds):
                time.sleep(random.random() / 50)
                worker.kill()
                killed += 1
                wait_for_leases()
                worker.start()
                # Where the worker stood still it may have been killed more often than was asked for.
                goal, next_round = next_goal(server, recipients, max(0, kills - killed)), 0.0
            elif not worker.runs():
                worker.start()
            elif killed >= kills:
                time.sleep(min(0.5, size.round_seconds))
    yield Figure("until the last was delivered", time.monotonic() - begun, "s")
    yield Figure("heaviest worker process", heaviest, "MB")
    unanswered = sum(server.faults[fault] for fault in (Fault.CUT_AFTER_TAKEN, Fault.CUT_AFTER_LOST))
    books = Books.of(notice, server)
    yield Figure("workers killed", killed, least=kills, required=True)
    yield Figure("lost", books.lost, most=0, required=True)
    yield Figure("sent twice", books.twice, most=0, required=True)
    yield Figure("unknown", books.unknown, most=(killed + flushes) * PROCESSES + unanswered, required=True)
    yield Figure("refused for good", books.failed)
    yield Figure("refused for good, but taken", books.failed_but_taken, most=0, required=True)
    server.forget(server.plan)


@dataclass
class StandsStill:
    """Whether all that is left of a notice is in some worker's lease, and the mail server takes nothing."""

    notice: Notice
    server: MailServer
    taken: int = 0
    since: float = 0

    def for_(self, seconds: float) -> bool:
        if self.taken != len(self.server.taken) or self.notice.deliveries.filter(status="pending").exists():
            self.taken, self.since = len(self.server.taken), time.monotonic()
        return time.monotonic() - self.since > seconds


def schedule(notice: Notice) -> None:
    """What beat does, more often; and nobody waits for the next attempt."""
    from django.utils import timezone
    from kombu.exceptions import OperationalError

    from sla_portal.notices.tasks import deliver_due_notices

    now = timezone.now()
    notice.deliveries.filter(status="pending", next_attempt_at__gt=now).update(next_attempt_at=now)
    # Twice, as where beat was started twice. Where Redis is away, the next round finds the same.
    with suppress(OperationalError):
        deliver_due_notices()
        deliver_due_notices()


def wait_for_leases() -> None:
    """No worker lives: let the sweep see the time at which all leases are over, instead of waiting for it."""
    from django.utils import timezone

    from sla_portal.notices.operations import release_lapsed
    from sla_portal.notices.operations.delivering import HANDED_OVER_LEASE

    release_lapsed(now=timezone.now() + HANDED_OVER_LEASE * 2)


def under_way(notice: Notice) -> bool:
    return notice.deliveries.filter(status__in=["pending", "sending"]).exists()


def next_goal(server: MailServer, recipients: int, kills_left: int) -> int:
    """How many messages the server will have taken when the worker is killed next: at random, but soon enough for all."""
    taken = len(server.taken)
    return taken + random.randint(1, max(1, 3 * (recipients - taken) // (2 * (kills_left + 2))))


def reaches(server: MailServer, goal: int, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while len(server.taken) < goal and time.monotonic() < deadline:
        time.sleep(0.001)
    return len(server.taken) >= goal


def forget() -> bool:
    redis.kill()
    redis.start()
    return False


def twin(server: MailServer, size: Size, *, kills: int = 0, flushed: bool = False) -> Iterator[Figure]:
    """The same trouble for the twin, which must lose or double some, or the drill proves nothing."""
    from .twin import app, send

    recipients = size.twins_recipients
    addresses = [f"twin-{number}@example.com" for number in range(recipients)]
    app.control.purge()
    for address in addresses:
        send.delay(address)
    with a_worker("tests.drill.support.twin") as worker:
        quiet_since, last, killed = time.monotonic(), 0, 0
        goal = next_goal(server, recipients, kills)
        while time.monotonic() - quiet_since < size.twins_quiet_seconds:
            if len(server.taken) != last:
                quiet_since, last = time.monotonic(), len(server.taken)
            if flushed and last > recipients * FORGOTTEN_AFTER:
                flushed = forget()
            if killed < kills and reaches(server, goal, seconds=0.5):
                worker.kill()
                killed += 1
                worker.start()
                goal = next_goal(server, recipients, kills - killed)
                quiet_since = time.monotonic()
            elif not worker.runs():
                worker.start()
            elif killed == kills:
                time.sleep(0.1)
    copies = Counter(taken.recipient for taken in server.taken)
    lost = sum(copies[address] == 0 for address in addresses if not Hostile.refuses(address))
    twice = sum(number > 1 for number in copies.values())
    yield Figure("its twin: deliveries", recipients)
    # One that hardly began would lose all of them, which proves nothing either.
    yield Figure("its twin: taken", len(copies), least=recipients * FORGOTTEN_AFTER, required=True)
    yield Figure("its twin: workers killed", killed, least=kills, required=True)
    yield Figure("its twin: lost", lost)
    yield Figure("its twin: sent twice", twice)
    yield Figure("its twin: lost or sent twice", lost + twice, least=1, required=True)
    server.forget(server.plan)
