"""Failed sign-ins from outside, as fast as they go: they add nothing to the audit log and hold up nobody who writes to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from statistics import median
from threading import Event
from urllib.parse import urlsplit

from tests.support.parts import Figure
from tests.support.servers import set_up

NEEDS = ("postgresql",)
ACCOUNTS = 5
HOURS = 2
"""The drill may go on over the end of an hour."""
ATTACKERS = 2


@dataclass(frozen=True)
class Size:
    seconds: float
    """Of each of the rounds, which alternate."""
    rounds: int


FULL, SMALL = Size(6, 5), Size(0.5, 1)


@dataclass
class Writes:
    """What writes to the audit log met while something went on outside."""

    waits: list[float] = field(default_factory=list)
    """Milliseconds until each had the head of the log."""
    held_up: int = 0
    """Those that found it taken."""
    outside: int = 0
    """How often something was done outside meanwhile."""


def run(size: Size) -> Iterator[Figure]:
    set_up()
    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db.models import Sum
    from django.utils import timezone

    from sla_portal.audit.models import Entry
    from sla_portal.staff.models import FailedSignIns
    from sla_portal.staff.operations import record_sign_in, sum_up_failed_sign_ins

    names = [f"member-{n}" for n in range(ACCOUNTS)]
    # A slow hash would hold up those outside more than anything else does.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    users = [User.objects.create_user(name, is_staff=True) for name in names]
    record_sign_in(user=users[0], now=timezone.now())
    lock_outs = Entry.objects.filter(action="locked out")
    alone, attacked, control = Writes(), Writes(), Writes()
    added = 0
    attempt(names, 0)
    for _ in range(size.rounds):
        write(size.seconds, alone, None)
        before = Entry.objects.count() - lock_outs.count()
        write(size.seconds, attacked, lambda number: attempt(names, number + 1))
        added += Entry.objects.count() - lock_outs.count() - before
        write(size.seconds, control, recorded_attempt)
    counted = FailedSignIns.objects.aggregate(tried=Sum("failures"))["tried"]
    before = Entry.objects.count()
    sum_up_failed_sign_ins(now=timezone.now() + timedelta(hours=2))

    yield Figure("attempts", attacked.outside)
    yield Figure("attempts that were not counted", attacked.outside + 1 - counted, most=0, required=True)
    yield Figure("entries that they added to the audit log", added, most=0, required=True)
    yield Figure("entries of lock-outs", lock_outs.count(), most=HOURS * ACCOUNTS, required=True)
    summed = Entry.objects.count() - before
    yield Figure("entries by which they are summed up", summed, most=HOURS * ACCOUNTS, required=True)
    for name, writes in (("alone", alone), ("beside the attempts", attacked), ("if each were recorded", control)):
        yield Figure(f"writes {name}", len(writes.waits))
        yield Figure(f"writes {name}, median wait for the log", median(writes.waits), "ms")
    yield Figure("writes held up by attempts", attacked.held_up, most=HOURS * ACCOUNTS, required=True)
    yield Figure("writes held up if each were recorded", control.held_up, least=1, required=True)


def attempt(names: list[str], number: int) -> None:
    """Fail to sign in through its page, in turn with an account's name and with a new one."""
    from django.conf import settings
    from django.test import Client

    name = names[number % ACCOUNTS] if number % 2 else f"guess-{number}"
    outside = Client(headers={"host": urlsplit(settings.SITE_URL).netloc}, REMOTE_ADDR=f"192.0.2.{number % ACCOUNTS}")
    answered = outside.post("/admin/login/", {"username": name, "password": "a guess"})
    if answered.status_code not in (200, 429):
        raise ValueError(f"The page of sign-in answered {answered.status_code}.")


def recorded_attempt(_number: int) -> None:
    """The control: an entry for each attempt."""
    from django.contrib.auth.models import User
    from django.utils import timezone

    from sla_portal.staff.operations import record_sign_in

    record_sign_in(user=User.objects.earliest("pk"), now=timezone.now())


def write(seconds: float, writes: Writes, outside: Callable[[int], None] | None) -> None:
    """Take the head of the log again and again for some seconds, as whoever writes to it, while `outside` goes on."""
    from django.db import OperationalError, connections, transaction

    from sla_portal.audit.models import Chain
    from sla_portal.audit.operations import lock_chain

    stop, numbers = Event(), count(writes.outside)

    def attack() -> int:
        done = 0
        while outside and not stop.is_set():
            outside(next(numbers))
            done += 1
        connections.close_all()
        return done

    with ThreadPoolExecutor(ATTACKERS) as threads:
        attackers = [threads.submit(attack) for _ in range(ATTACKERS)]
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            asked = time.monotonic()
            try:
                with transaction.atomic():
                    list(Chain.objects.select_for_update(nowait=True))
            except OperationalError:
                writes.held_up += 1
            with transaction.atomic():
                lock_chain()
                writes.waits.append((time.monotonic() - asked) * 1000)
            time.sleep(0.005)
        stop.set()
    writes.outside += sum(one.result() for one in attackers)
