"""2 000 readers of the public website during an outage, and how the NOC's own pages fare meanwhile.

Each reader comes at a moment of its own, reads the front page in its language and on its clock, and looks again every
half minute as a browser does, with what it has; every tenth is a program that asks the API. The NOC's pages are asked one
after another by another process. Rounds without readers, with readers of another server (a bare one that answers the same
bytes, on the same machine) and with readers of the portal take turns, so that the machine's moods touch all alike and
what the readers themselves take of it is seen apart.
The twin has no cache: every reader's page is read from the database and made anew.
"""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

import psutil

from tests.everything import ROOT, free_port
from tests.support.parts import Figure
from tests.support.servers import set_up

NEEDS = ("postgresql", "redis", "pdf")


@dataclass(frozen=True)
class Size:
    readers: int
    looks_again_seconds: float
    rounds: int
    quiet_seconds: float
    busy_seconds: float
    warm_seconds: float
    demo: bool
    """Whether the demo's thirteen months are on record, or the outage alone."""


FULL = Size(2000, looks_again_seconds=30, rounds=3, quiet_seconds=20, busy_seconds=33, warm_seconds=5, demo=True)
SMALL = Size(20, looks_again_seconds=1, rounds=1, quiet_seconds=1, busy_seconds=1, warm_seconds=1, demo=False)
AWAY_SECONDS = 2
"""How long readers go on when the NOC's last page was asked for."""
LANGUAGES = ("en", "zh-hans")
ZONES = ("", "Europe/Berlin", "America/New_York", "Asia/Singapore", "UTC")


# The readers: a process of its own


class Reader:
    """One reader, with the page that it has."""

    def __init__(self, number: int, port: int, seen: Counter[str], waits: list[float]) -> None:
        self.port, self.seen, self.waits = port, seen, waits
        self.path = "/api/v2/summary.json" if number % 10 == 0 else "/"
        zone = ZONES[number % len(ZONES)]
        self.headers = f"Accept-Language: {LANGUAGES[number % 2]}\r\nAccept-Encoding: gzip\r\n"
        self.headers += f"Cookie: time_zone={zone}\r\n" if zone else ""
        self.etag = ""
        self.reads = False

    async def read_again_and_again(self, until: float, every_seconds: float) -> None:
        await asyncio.sleep(random.uniform(0, every_seconds))
        while time.monotonic() < until:
            begun = time.monotonic()
            self.reads = True
            try:
                self.seen[await asyncio.wait_for(self.read(), 20)] += 1
            except (OSError, TimeoutError, ValueError, IndexError) as error:
                self.seen[type(error).__name__] += 1
            self.waits.append(time.monotonic() - begun)
            self.reads = False
            await asyncio.sleep(every_seconds)

    async def read(self) -> str:
        known = f"If-None-Match: {self.etag}\r\n" if self.etag else ""
        stream, out = await asyncio.open_connection("127.0.0.1", self.port)
        out.write(
            f"GET {self.path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{self.headers}{known}\r\n".encode()
        )
        answer = (await stream.read()).decode("latin-1")
        out.close()
        head = answer.partition("\r\n\r\n")[0].splitlines()
        self.etag = next((line.partition(": ")[2] for line in head if line.lower().startswith("etag:")), self.etag)
        return head[0].split()[1]


async def read_for(port: int, seconds: float, readers: int, every_seconds: float) -> None:
    seen: Counter[str] = Counter()
    waits: list[float] = []
    until = time.monotonic() + seconds
    crowd = [Reader(number, port, seen, waits) for number in range(readers)]
    tasks = {asyncio.create_task(one.read_again_and_again(until, every_seconds)): one for one in crowd}
    await asyncio.sleep(seconds)
    # Who waits for an answer goes on waiting: else the slowest answers would not count.
    while reading := [task for task, one in tasks.items() if one.reads and not task.done()]:
        await asyncio.wait(reading, timeout=0.1)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    print(json.dumps({"answers": seen, "waits": waits}))


async def answer_everyone(port: int) -> None:
    """Answer every request on `port` with what comes from standard input."""
    body = sys.stdin.buffer.read()
    said = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body

    async def answer(stream: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        await stream.readuntil(b"\r\n\r\n")
        out.write(said)
        await out.drain()
        out.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    await server.serve_forever()


# The drill


def run(size: Size) -> Iterator[Figure]:
    """The response time of the NOC's pages with readers as a ratio to that without, as it is and for the twin."""
    set_up()
    cookie, pages = _outage_at_the_noc(demo=size.demo)
    yield from _portal(
        "", "sla_portal.wsgi", cookie, pages, size, unanswered={"most": 0, "required": True}, ratio={"most": 1.2}
    )
    twin, module = "twin without a cache: ", "tests.drill.support.readers_twin"
    yield from _portal(twin, module, cookie, pages, replace(size, rounds=1), unanswered={}, ratio={"least": 2})


def _portal(
    title: str, module: str, cookie: str, pages: list[str], size: Size, *, unanswered: dict, ratio: dict
) -> Iterator[Figure]:
    quiet, elsewhere, busy = [], [], []
    crowd, work = Crowd(size), 0.0
    with _web_server(module) as (port, server), _bare_server(port) as bare:
        _noc(port, cookie, pages, size.warm_seconds)
        for _ in range(size.rounds):
            quiet += _noc(port, cookie, pages, size.quiet_seconds)
            with Crowd(size).reading(bare):
                elsewhere += _noc(port, cookie, pages, size.busy_seconds)
            begun = _work(server)
            with crowd.reading(port):
                busy += _noc(port, cookie, pages, size.busy_seconds)
            work += _work(server) - begun
    looks, seconds = len(crowd.waits), size.rounds * crowd.seconds
    answered = crowd.answers["200"] + crowd.answers["304"]
    yield Figure(f"{title}{size.readers} readers look", looks / seconds, "times a second")
    yield Figure(f"{title}answered", answered)
    yield Figure(f"{title}answered: nothing new", crowd.answers["304"])
    yield Figure(f"{title}not answered", crowd.answers.total() - answered, **unanswered)
    for share, words in ((0.5, "median"), (0.95, "slowest in twenty")):
        yield Figure(f"{title}a reader waits, {words}", _quantile(crowd.waits, share) * 1000, "ms")
        for pages_seconds, who in ((quiet, "nobody"), (elsewhere, "another server"), (busy, "the portal")):
            page = f"{title}NOC's page while readers ask {who}, {words}"
            yield Figure(page, _quantile(pages_seconds, share) * 1000, "ms")
        aims = ratio if words == "median" else {}
        yield Figure(page, _quantile(busy, share) / _quantile(quiet, share), "× to nobody")
        yield Figure(page, _quantile(busy, share) / _quantile(elsewhere, share), "× to another server", **aims)
    yield Figure(f"{title}the server works for NOC and readers", 100 * work / seconds, "% of a processor")


class Crowd:
    """All readers, and what they say."""

    def __init__(self, size: Size) -> None:
        self.size, self.seconds = size, size.warm_seconds + size.busy_seconds + AWAY_SECONDS
        self.answers: Counter[str] = Counter()
        self.waits: list[float] = []

    @contextmanager
    def reading(self, port: int) -> Iterator[None]:
        """Have them read while the block runs, which begins when they have begun."""
        arguments = [port, self.seconds, self.size.readers, self.size.looks_again_seconds]
        command = [sys.executable, "-m", "tests.drill.readers", *map(str, arguments)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
            time.sleep(self.size.warm_seconds)
            yield
            assert process.stdout is not None
            seen = json.loads(process.stdout.read())
        self.answers.update(seen["answers"])
        self.waits += seen["waits"]


def _quantile(seconds: list[float], share: float) -> float:
    return sorted(seconds)[int(share * (len(seconds) - 1))]


def _outage_at_the_noc(*, demo: bool) -> tuple[str, list[str]]:
    """An outage that goes on: a cookie of the NOC, and the pages that it looks at."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.urls import reverse

    from incidents.models import Incident
    from tests.support.builders import a_region, an_outage
    from tests.support.desk import a_member

    if demo:
        call_command("demo", verbosity=0, stdout=io.StringIO())
    else:
        a_member("NOC")
        an_outage(a_region(), "2026-11-20 01:00", None)
    noc = User.objects.get(username="noc")
    session = SessionStore()
    session[SESSION_KEY] = str(noc.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = noc.get_session_auth_hash()
    session.create()
    going_on = Incident.objects.filter(resolved_at__isnull=True).first()
    assert going_on is not None
    pages = [reverse("admin:index"), reverse("admin:incident_page", args=[going_on.pk])]
    return f"{settings.SESSION_COOKIE_NAME}={session.session_key}", pages


@contextmanager
def _web_server(module: str) -> Iterator[tuple[int, psutil.Process]]:
    """The portal's web server as it is run: its port, and its process."""
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", f"{module}:application"]
    environment = os.environ | {"PORT": str(port), "SITE_URL": "http://localhost", "LOG_LEVEL": "ERROR"}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                _get(port, "/robots.txt", "")
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise
                time.sleep(0.1)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _bare_server(portal: int) -> Iterator[int]:
    """A server of a few lines that answers everyone with the portal's front page."""
    connection = http.client.HTTPConnection("127.0.0.1", portal, timeout=60)
    connection.request("GET", "/", headers={"Host": "localhost", "Accept-Encoding": "gzip"})
    body = connection.getresponse().read()
    port = free_port()
    command = [sys.executable, "-m", "tests.drill.readers", str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdin is not None
        process.stdin.write(body)
        process.stdin.close()
        try:
            yield port
        finally:
            process.terminate()


def _work(server: psutil.Process) -> float:
    """Seconds that a processor has worked for the server."""
    spent = [one.cpu_times() for one in (server, *server.children(recursive=True))]
    return sum(times.user + times.system for times in spent)


def _noc(port: int, cookie: str, pages: list[str], seconds: float) -> list[float]:
    """How long each of the NOC's pages took, one after another."""
    taken: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until or not taken:
        begun = time.monotonic()
        _get(port, pages[len(taken) % len(pages)], cookie)
        taken.append(time.monotonic() - begun)
        time.sleep(0.1)
    return taken


def _get(port: int, path: str, cookie: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Host": "localhost", "Cookie": cookie})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    if answer.status != 200:
        raise ValueError(f"{path} answers {answer.status}.")


if __name__ == "__main__":
    port, *arguments = sys.argv[1:]
    if arguments:
        seconds, readers, every_seconds = arguments
        asyncio.run(read_for(int(port), float(seconds), int(readers), float(every_seconds)))
    else:
        asyncio.run(answer_everyone(int(port)))
