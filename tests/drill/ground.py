"""The ground of a drill: PostgreSQL, Redis, a private folder, and the portal's worker on them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from tests.everything import ROOT, free_port, installed, postgresql_server

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from sla_portal.customers.models import Contact
    from sla_portal.notices.models import Notice

PROCESSES = 2


class Redis:
    """A Redis that keeps nothing when it is killed."""

    def __init__(self, folder: Path) -> None:
        installed("redis")
        self.folder, self.port = folder, free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder), "--save", ""]
        self.process = subprocess.Popen(["redis-server", *options], stdout=subprocess.DEVNULL)
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


class Worker:
    """A Celery worker of two processes: the portal's, or the twin's."""

    def __init__(self, app: str, log: Path) -> None:
        self.app, self.log = app, log

    def start(self) -> None:
        begun = self.log.stat().st_size if self.log.exists() else 0
        command = [sys.executable, "-m", "celery", "-A", self.app, "worker", "--concurrency", str(PROCESSES)]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "--without-gossip", "--without-mingle", "--loglevel", "INFO"],
                stdout=output, stderr=output, cwd=ROOT, start_new_session=True,
            )  # fmt: skip
        wait_until(lambda: b" ready." in self.log.read_bytes()[begun:] or not self.runs())

    def runs(self) -> bool:
        return self.process.poll() is None

    def heaviest_megabytes(self) -> float:
        """What the heaviest of its processes takes now (RSS)."""
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(self.process.pid)
            return max(one.memory_info().rss for one in [family, *family.children(recursive=True)]) / 2**20
        return 0

    def kill(self) -> None:
        """End it and its processes at once, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass
class Ground:
    folder: Path
    redis: Redis

    @contextmanager
    def worker(self, app: str = "sla_portal") -> Iterator[Worker]:
        running = Worker(app, self.folder / f"{app}.log")
        running.start()
        try:
            yield running
        finally:
            if running.runs():
                running.kill()


@contextmanager
def ground() -> Iterator[Ground]:
    """Servers of our own on loopback, taken away at the end; the environment leads to them, and the tables are made."""
    with postgresql_server() as database, tempfile.TemporaryDirectory(prefix="sla-portal-drill-") as folder:
        redis = Redis(Path(folder))
        redis.start()
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "sla_portal.settings",
            "ENV_FILE": os.devnull,
            "DATABASE_URL": database,
            "REDIS_URL": redis.url,
            "VAR_DIR": folder,
            "SECRET_KEY": "the key of drills, which guards nothing",
            "LOG_LEVEL": "INFO",
        }
        try:
            yield Ground(Path(folder), redis)
        finally:
            redis.kill()


def wait_until(true, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not so after {seconds} s.")
        time.sleep(0.02)


def set_up() -> None:
    """Django, quiet, with the tables made."""
    import logging

    import django
    from django.core.management import call_command

    django.setup()
    logging.disable(logging.ERROR)
    call_command("migrate", verbosity=0)


def contacts(number: int, name: str) -> QuerySet[Contact]:
    """So many contacts of two customers, one for each language."""
    from sla_portal.customers.models import Contact, Customer, Region

    region = Region.objects.get_or_create(code="eu", defaults={"name": "Europe"})[0]
    customers = [
        Customer.objects.create(code=f"{name}-{language}", name=name, region=region, language=language)
        for language in ("en", "zh-hans")
    ]
    Contact.objects.bulk_create(
        (
            Contact(customer=customers[n % 2], email=f"{name}-{n}@example.com", name=f"Person {n}")
            for n in range(number)
        ),
        batch_size=5000,
    )
    return Contact.objects.filter(customer__in=customers)


def give(audience: QuerySet[Contact]) -> Notice:
    """A notice of some length in both languages."""
    from django.utils import timezone

    from sla_portal.audit.actors import Actor
    from sla_portal.notices.operations import give_notice
    from sla_portal.notices.wording import Words

    return give_notice(
        actor=Actor.system("drill"), kind="maintenance", about="MW-1", public=True, now=timezone.now(), audience=audience,
        wordings=[Words("en", "Maintenance", "We work. " * 60), Words("zh-hans", "维护通知", "我们将进行维护。" * 60)],
    )  # fmt: skip
