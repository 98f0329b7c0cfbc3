"""The whole portal of `make run` under writes, while unreadable messages come and its processes are killed once each.

The twin is a worker on kombu's own transport, which the first such message ends.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import BytesHeaderParser
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import psutil

from tests.everything import ROOT, free_port
from tests.support.messages import a_message, unreadable, without
from tests.support.parts import Figure
from tests.support.servers import lay_ready

NEEDS = ()

START_SECONDS = 240
SETTLE_SECONDS = 300
"""A delivery that was handed over when its worker was killed is among the unknown after three minutes and a sweep."""
CHUNK, PROCESSES = 100, 2
KILLED = {"web": "sla_portal.wsgi", "worker": "worker", "beat": "beat"}
"""A word of the command line of each."""
ADDRESSES = "survival-"


@dataclass(frozen=True)
class Size:
    seconds: int
    to_the_end: bool = True
    """Until what a killed worker held is among the unknown, minutes later."""


FULL = Size(300)
SMALL = Size(20, to_the_end=False)


def run(size: Size) -> Iterator[Figure]:
    with TemporaryDirectory(prefix="sla-portal-survival-") as name:
        yield from live_through(Path(name) / "portal", size)
        yield Figure("the twin on the stock transport ended after", twin(Path(name) / "twin"), "s")


class Portal:
    """`deploy/run.py` in a private folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port, self.log = folder, free_port(), folder / "log"
        self.variables = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(folder)}

    @contextmanager
    def running(self) -> Iterator[None]:
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "deploy/run.py"], cwd=ROOT, env=self.variables | {"PORT": str(self.port)},
                stdout=log, stderr=log,
            )  # fmt: skip
        try:
            self.wait_until(self.is_well, START_SECONDS)
            yield
        finally:
            self.process.send_signal(signal.SIGINT)
            code = self.process.wait(timeout=60)
        assert code == 0, self.log.read_text()
        assert self.family() == [], self.family()

    def wait_until(self, true, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not true():
            assert self.process.poll() is None, f"The portal ended:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"Not so after {seconds} s:\n{self.log.read_text()}"
            time.sleep(0.05)

    def is_well(self) -> bool:
        try:
            connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()

    def family(self) -> list[list[str]]:
        """The processes that know this private folder."""
        everyone = psutil.process_iter(["environ", "cmdline"])
        return [
            one.info["cmdline"] for one in everyone if (one.info["environ"] or {}).get("VAR_DIR") == str(self.folder)
        ]

    def pid(self, name: str) -> int | None:
        for one in psutil.process_iter(["ppid", "cmdline"]):
            if one.info["ppid"] == self.process.pid and KILLED[name] in (one.info["cmdline"] or []):
                return one.pid
        return None

    def kill(self, name: str) -> float:
        """End one of its processes as a power cut would; how many seconds it takes until it runs again."""
        pid = self.pid(name)
        assert pid, f"There is no {name}:\n{self.log.read_text()}"
        os.kill(pid, signal.SIGKILL)
        begun = time.monotonic()
        self.wait_until(lambda: self.pid(name) not in {None, pid}, 60)
        return time.monotonic() - begun


def live_through(folder: Path, size: Size) -> Iterator[Figure]:
    """Let a portal run; fail unless it comes through and its books balance."""
    folder.mkdir()
    lay_ready(folder)
    portal = Portal(folder)
    with portal.running(), Answers(portal) as answers:
        with subprocess.Popen(
            [sys.executable, "-m", "tests.drill.survival"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env=portal.variables | {"DJANGO_SETTINGS_MODULE": "sla_portal.settings"}, text=True,
        ) as writer:  # fmt: skip
            begun = time.monotonic()
            back_after, put_in = trouble(portal, begun, size.seconds)
            written, _ = writer.communicate()
        assert writer.returncode == 0, "A write failed."
        wrote = json.loads(written)
        held = ("pending", "sending") if size.to_the_end else ("pending",)
        portal.wait_until(lambda: not sum(statuses(folder)[status] for status in held), SETTLE_SECONDS)
        portal.wait_until(lambda: not list((folder / "broker" / "queue").glob("put-in-*")), 30)
        lasted = time.monotonic() - begun
        answers.wait_for_one()
    log = portal.log.read_text()
    put_aside = log.count("Put aside what cannot be read as a message")
    assert [log.count(f"{name} ended with signal 9; started again in 1 s") for name in KILLED] == [1, 1, 1], log
    yield Figure("unreadable messages", put_in, least=size.seconds, required=True)
    yield Figure("not put aside, or put aside twice", abs(put_in - put_aside), most=0, required=True)
    for name, seconds in back_after.items():
        yield Figure(f"{name} started again after", seconds, "s")
    yield Figure("longest time without an answer", answers.longest, "s")
    yield Figure("slowest write (20 deliveries)", wrote["slowest"], "s")
    yield Figure("until all was delivered", lasted, "s")
    yield from books(folder, wrote["deliveries"])


def trouble(portal: Portal, begun: float, seconds: float) -> tuple[dict[str, float], int]:
    """Lay down an unreadable message every half second, and kill each process once; how fast each was back, how many."""
    contents = [*unreadable(a_message()).values(), without(a_message("sla_portal.health.note_beat"), "headers", "id")]
    kills = {begun + seconds * (number + 1) / 4: name for number, name in enumerate(KILLED)}
    back_after, put_in = {}, 0
    while time.monotonic() < begun + seconds:
        content = contents[put_in % len(contents)]
        (portal.folder / "broker" / "queue" / f"put-in-{put_in:05}.sla-portal.msg").write_bytes(content)
        put_in += 1
        if kills and min(kills) < time.monotonic():
            name = kills.pop(min(kills))
            back_after[name] = portal.kill(name)
        time.sleep(0.5)
    return back_after, put_in


class Answers:
    """Whether the portal answers, asked five times a second in a thread of its own; `longest` is the longest silence."""

    def __init__(self, portal: Portal) -> None:
        self.portal, self.ended = portal, threading.Event()
        self.longest, self.last = 0.0, time.monotonic()
        self.thread = threading.Thread(target=self.ask)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.ended.set()
        self.thread.join()

    def ask(self) -> None:
        while not self.ended.wait(0.2):
            if self.portal.is_well():
                now = time.monotonic()
                self.longest, self.last = max(self.longest, now - self.last), now

    def wait_for_one(self) -> None:
        now = time.monotonic()
        self.portal.wait_until(lambda: self.last > now, 60)


# The books


def statuses(folder: Path) -> Counter[str]:
    """How many of the drill's deliveries stand in each status."""
    return Counter(status for _email, status in deliveries(folder))


def deliveries(folder: Path) -> list[tuple[str, str]]:
    database = sqlite3.connect(f"file:{folder}/portal.sqlite3?mode=ro", uri=True, timeout=20)
    try:
        wanted = "SELECT email, status FROM notices_delivery WHERE email LIKE ?"
        return database.execute(wanted, [f"{ADDRESSES}%"]).fetchall()
    finally:
        database.close()


def books(folder: Path, given: int) -> Iterator[Figure]:
    """Each recipient has a row and, where it was sent, one mail; what a killed worker held is bounded."""
    parser = BytesHeaderParser()
    mails = Counter(str(parser.parsebytes(file.read_bytes())["To"]) for file in (folder / "mail").glob("*.eml"))
    copies = Counter({next(part for part in to.split() if "@" in part).strip("<>"): n for to, n in mails.items()})
    rows = deliveries(folder)
    counted = statuses(folder)
    assert given and counted.keys() <= {"sent", "unknown", "sending"}, counted
    lost = given - len(rows) + sum(status == "sent" and not copies[email] for email, status in rows)
    yield Figure("deliveries", given)
    yield Figure("lost", lost, most=0, required=True)
    yield Figure("sent twice", sum(copies[email] > 1 for email, _status in rows), most=0, required=True)
    yield Figure("unknown", counted["unknown"], most=PROCESSES, required=True)
    yield Figure("held by a killed worker", counted["sending"], most=PROCESSES * CHUNK, required=True)


# The twin


def twin(folder: Path) -> float:
    """How many seconds a worker on the stock transport lives with an empty message."""
    folder.mkdir()
    variables = {"PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(folder)}
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "tests.drill.support.survival_twin",
        "worker",
        "--without-gossip",
        "--without-mingle",
    ]
    with (folder / "log").open("w+") as log:
        worker = subprocess.Popen([*command, "--concurrency", "1"], cwd=ROOT, env=variables, stdout=log, stderr=log)
        try:
            while " ready." not in (folder / "log").read_text():
                assert worker.poll() is None, (folder / "log").read_text()
                time.sleep(0.1)
            (folder / "broker" / "queue" / "0_empty.sla-portal.msg").write_bytes(b"")
            begun = time.monotonic()
            assert worker.wait(timeout=60) != 0
            return time.monotonic() - begun
        finally:
            worker.kill()
            worker.wait()


# The writer: a process of its own, beside the portal


def write() -> None:
    """Give notices with twenty deliveries each until standard input ends; say how many deliveries, and the slowest write."""
    import django

    django.setup()
    from django.db import transaction

    from sla_portal.notices.tasks import deliver_soon

    from .support.notices import contacts, give

    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    written, slowest = 0, 0.0
    while not ended.wait(0.2):
        begun = time.monotonic()
        with transaction.atomic():
            give(contacts(20, f"{ADDRESSES}{written}"))
            deliver_soon()
        written += 20
        slowest = max(slowest, time.monotonic() - begun)
    print(json.dumps({"deliveries": written, "slowest": slowest}))


if __name__ == "__main__":
    write()
