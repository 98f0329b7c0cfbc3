"""2 000 readers of the public website during an outage, and how the NOC's own pages fare meanwhile.

Each reader comes at a moment of its own, reads the front page in its language and on its clock, and looks again every
half minute as a browser does, with what it has; every tenth is a program that asks the API. The NOC's pages are asked one
after another by another process. Rounds without readers, with readers of another server (a bare one that answers the same
bytes, on the same machine) and with readers of the portal take turns, so that the machine's moods touch all alike and
what the readers themselves take of it is told apart.
The twin keeps nothing: every reader's page is read from the database and made anew.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psutil

from tests.everything import ROOT, free_port

if TYPE_CHECKING:
    from .ground import Ground

READERS = 2000
LOOKS_AGAIN_SECONDS = 30
ROUNDS = 3
QUIET_SECONDS, BUSY_SECONDS, WARM_SECONDS = 20, 35, 5
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

    async def read_again_and_again(self, until: float) -> None:
        await asyncio.sleep(random.uniform(0, LOOKS_AGAIN_SECONDS))
        while time.monotonic() < until:
            begun = time.monotonic()
            try:
                self.seen[await asyncio.wait_for(self.read(), 20)] += 1
            except (OSError, TimeoutError, ValueError, IndexError) as error:
                self.seen[type(error).__name__] += 1
            self.waits.append(time.monotonic() - begun)
            await asyncio.sleep(LOOKS_AGAIN_SECONDS)

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


async def read_for(port: int, seconds: float) -> None:
    seen: Counter[str] = Counter()
    waits: list[float] = []
    until = time.monotonic() + seconds
    tasks = [
        asyncio.create_task(Reader(number, port, seen, waits).read_again_and_again(until)) for number in range(READERS)
    ]
    await asyncio.sleep(seconds)
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


def readers(here: Ground) -> None:
    """Print the response time of the NOC's pages with readers as a ratio to that without."""
    cookie, pages = _outage_at_the_noc()
    _drill("readers", "sla_portal.wsgi", cookie, pages, ROUNDS)
    _drill("readers, twin that keeps nothing", "tests.drill.readers_twin", cookie, pages, 1)


def _drill(title: str, module: str, cookie: str, pages: list[str], rounds: int) -> None:
    quiet, elsewhere, busy = [], [], []
    crowd, work = Crowd(), 0.0
    with _web_server(module) as (port, server), _bare_server(port) as bare:
        _noc(port, cookie, pages, WARM_SECONDS)
        for _ in range(rounds):
            quiet += _noc(port, cookie, pages, QUIET_SECONDS)
            with Crowd().reading(bare):
                elsewhere += _noc(port, cookie, pages, BUSY_SECONDS - 2)
            begun = _work(server)
            with crowd.reading(port):
                busy += _noc(port, cookie, pages, BUSY_SECONDS - 2)
            work += _work(server) - begun
    looks, seconds = len(crowd.waits), rounds * (WARM_SECONDS + BUSY_SECONDS)
    answered = crowd.answers["200"] + crowd.answers["304"]
    print(
        f"{title}: {READERS} readers, {looks / seconds:.0f} looks a second, {answered} answered "
        f"({crowd.answers['304']} of them: nothing new), {crowd.answers.total() - answered} not; a reader waits "
        f"{_ms(crowd.waits, 0.5)} (one in twenty over {_ms(crowd.waits, 0.95)}). NOC's page: {_ms(quiet, 0.5)} without readers, "
        f"{_ms(elsewhere, 0.5)} with readers of another server, {_ms(busy, 0.5)} with readers of the portal "
        f"({len(quiet)}, {len(elsewhere)} and {len(busy)} pages); ratios {_ratio(busy, quiet, 0.5)} to none, "
        f"{_ratio(busy, elsewhere, 0.5)} to elsewhere; of the slowest in twenty {_ratio(busy, quiet, 0.95)} and "
        f"{_ratio(busy, elsewhere, 0.95)}. The server worked {100 * work / seconds:.0f} % of a processor for both",
        flush=True,
    )


class Crowd:
    """All readers, and what they say."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.waits: list[float] = []

    @contextmanager
    def reading(self, port: int) -> Iterator[None]:
        """Have them read while the block runs, which begins when they have begun."""
        command = [sys.executable, "-m", "tests.drill.readers", str(port), str(WARM_SECONDS + BUSY_SECONDS)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
            time.sleep(WARM_SECONDS)
            yield
            assert process.stdout is not None
            told = json.loads(process.stdout.read())
        self.answers.update(told["answers"])
        self.waits += told["waits"]


def _ratio(some: list[float], others: list[float], share: float) -> str:
    return f"{_quantile(some, share) / _quantile(others, share):.2f}"


def _quantile(seconds: list[float], share: float) -> float:
    return statistics.quantiles(seconds, n=100, method="inclusive")[round(share * 100) - 1]


def _ms(seconds: list[float], share: float) -> str:
    return f"{_quantile(seconds, share) * 1000:.0f} ms"


def _outage_at_the_noc() -> tuple[str, list[str]]:
    """The demo's thirteen months with an outage that goes on: a cookie of the NOC, and the pages that it looks at."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User
    from django.contrib.sessions.backends.db import SessionStore
    from django.core.management import call_command
    from django.urls import reverse

    from incidents.models import Incident

    call_command("demo", verbosity=0)
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
    while time.monotonic() < until:
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
    port, *seconds = sys.argv[1:]
    asyncio.run(read_for(int(port), float(seconds[0])) if seconds else answer_everyone(int(port)))
