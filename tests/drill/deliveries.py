"""Deliveries while workers are killed, mail servers fail and Redis forgets."""

from __future__ import annotations

import os
import random
import time
import zlib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.mail_server import Fault, MailServer, mail_server

from .ground import PROCESSES, Ground, contacts, give
from .plain import plain

if TYPE_CHECKING:
    from sla_portal.notices.models import Notice

RECIPIENTS = 5000
MANY = 100_000
KILLS = 40
LONGEST_SECONDS = 900
ROUND_SECONDS = 5
TWINS_RECIPIENTS = 1500
TWINS_KILLS = 12
TWINS_QUIET_SECONDS = 15


def kills(ground: Ground) -> None:
    """Workers are killed at random points."""
    with mail_server() as server:
        ours(ground, server, "kills", kills=KILLS)
        twin(ground, server, kills=TWINS_KILLS)


def faults(ground: Ground) -> None:
    """The same, with a mail server that puts off, refuses and hangs up."""
    with mail_server() as server:
        server.plan = Hostile()
        ours(ground, server, "faults", kills=KILLS)
        twin(ground, server, kills=0)


def many(ground: Ground, recipients: int = MANY) -> None:
    """Everyone: the rate against plain limits, then all of it through kills, faults and a schedule that runs twice."""
    plain(ground, max(1000, recipients // 10))
    with mail_server() as server:
        server.plan, server.keeps = Hostile(), False
        ours(ground, server, "many", kills=KILLS // 2, recipients=recipients)


def flush(ground: Ground) -> None:
    """Redis is killed midway and comes back empty."""
    with mail_server() as server:
        ours(ground, server, "flush", kills=0, flushed=True)
        twin(ground, server, kills=0, flushed=True)


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

    sent: int
    failed: int
    unknown: int
    lost: int
    twice: int

    @classmethod
    def of(cls, notice: Notice, server: MailServer) -> Books:
        copies = Counter(taken.recipient for taken in server.taken)
        rows = list(notice.deliveries.values_list("email", "status"))
        statuses = Counter(status for _email, status in rows)
        # Said to be sent but never taken; or neither sent nor failed nor before a person's eyes.
        lost = [email for email, status in rows if copies[email] == 0 and status not in {"failed", "unknown"}]
        assert not any(copies[email] for email, status in rows if status == "failed")
        return cls(
            sent=statuses["sent"],
            failed=statuses["failed"],
            unknown=statuses["unknown"],
            lost=len(lost),
            twice=sum(number > 1 for number in copies.values()),
        )


def ours(
    ground: Ground, server: MailServer, name: str, *, kills: int, flushed: bool = False, recipients: int = RECIPIENTS
) -> None:
    """Give a notice and let the portal deliver it through the trouble; then balance the books."""
    os.environ["EMAIL_URL"] = server.url
    audience = contacts(recipients, name)
    begun = time.monotonic()
    notice = give(audience)
    given = time.monotonic() - begun
    killed, heaviest = 0, 0.0
    with ground.worker() as worker:
        goal, next_round = next_goal(server, recipients, kills), 0.0
        while under_way(notice):
            assert time.monotonic() - begun < LONGEST_SECONDS + recipients / 50, "The drill does not end."
            if time.monotonic() >= next_round:
                schedule(notice)
                heaviest = max(heaviest, worker.heaviest_megabytes())
                next_round = time.monotonic() + ROUND_SECONDS
            if flushed and len(server.taken) > recipients * 0.4:
                flushed = forget(ground)
            if killed < kills and reaches(server, goal, seconds=1):
                time.sleep(random.random() / 50)
                worker.kill()
                killed += 1
                wait_for_leases()
                worker.start()
                goal, next_round = next_goal(server, recipients, kills - killed), 0.0
            elif not worker.runs():
                worker.start()
            elif killed == kills:
                time.sleep(0.5)
    books = Books.of(notice, server)
    unanswered = sum(server.faults[fault] for fault in (Fault.CUT_AFTER_TAKEN, Fault.CUT_AFTER_LOST))
    most_unknown = max(killed, 1) * PROCESSES + unanswered
    print(
        f"{name}: {recipients} deliveries put down in {given:.1f} s, {killed} kills, {time.monotonic() - begun:.0f} s: "
        f"{books.lost} lost, {books.twice} sent twice, {books.unknown} unknown (at most {most_unknown}), "
        f"{books.failed} refused for good; heaviest worker process {heaviest:.0f} MB",
        flush=True,
    )
    assert (books.lost, books.twice, killed) == (0, 0, kills)
    assert books.sent + books.failed + books.unknown == recipients
    assert books.unknown <= most_unknown
    server.forget(server.plan)


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


def forget(ground: Ground) -> bool:
    ground.redis.kill()
    ground.redis.start()
    return False


def twin(ground: Ground, server: MailServer, *, kills: int, flushed: bool = False) -> None:
    """The same trouble for the twin, which must lose or double some, or the drill proves nothing."""
    from .twin import app, tell

    addresses = [f"twin-{number}@example.com" for number in range(TWINS_RECIPIENTS)]
    app.control.purge()
    for address in addresses:
        tell.delay(address)
    quiet_since, last, killed = time.monotonic(), 0, 0
    with ground.worker("tests.drill.twin") as worker:
        goal = next_goal(server, TWINS_RECIPIENTS, kills)
        while time.monotonic() - quiet_since < TWINS_QUIET_SECONDS:
            if len(server.taken) != last:
                quiet_since, last = time.monotonic(), len(server.taken)
            if flushed and last > TWINS_RECIPIENTS * 0.4:
                flushed = forget(ground)
            if killed < kills and reaches(server, goal, seconds=0.5):
                worker.kill()
                killed += 1
                worker.start()
                goal = next_goal(server, TWINS_RECIPIENTS, kills - killed)
                quiet_since = time.monotonic()
            elif not worker.runs():
                worker.start()
            elif killed == kills:
                time.sleep(0.1)
    copies = Counter(taken.recipient for taken in server.taken)
    lost = sum(copies[address] == 0 for address in addresses if not Hostile.refuses(address))
    twice = sum(number > 1 for number in copies.values())
    print(f"  its twin: {TWINS_RECIPIENTS} deliveries, {killed} kills: {lost} lost, {twice} sent twice", flush=True)
    assert lost or twice, "The twin balances its books: this drill proves nothing."
    server.forget(server.plan)
