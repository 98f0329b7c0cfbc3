"""Servers of a bench's or drill's own on loopback, and the portal on them."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.everything import TEMPLATE, TEMPLATE_FILE, free_port, installed, own_database, postgresql_server


class Redis:
    """A Redis that forgets everything when it is killed."""

    def start(self) -> None:
        self.port = getattr(self, "port", None) or free_port()
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--save", "", "--appendonly", "no"]
        self.process = subprocess.Popen(
            ["redis-server", *options], stdout=subprocess.DEVNULL, cwd=os.environ["VAR_DIR"]
        )
        wait_until(lambda: socket.socket().connect_ex(("127.0.0.1", self.port)) == 0)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


redis = Redis()
"""A part has a process of its own, and this is its Redis."""


@contextmanager
def provided(needs: Collection[str]) -> Iterator[None]:
    """Run what a part needs while the block runs; the environment leads to it."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="sla-portal-part-"))
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "sla_portal.settings",
            "ENV_FILE": os.devnull,
            "VAR_DIR": folder,
            "SECRET_KEY": "the key of benches and drills, which guards nothing",
            "LOG_LEVEL": "INFO",
        }
        if "redis" in needs:
            installed("redis")
            redis.start()
            stack.callback(redis.kill)
            os.environ["REDIS_URL"] = f"redis://127.0.0.1:{redis.port}/0"
        if "postgresql" in needs:
            server = stack.enter_context(postgresql_server())
            os.environ["DATABASE_URL"] = stack.enter_context(own_database(server))
        else:
            lay_ready(Path(folder))
        yield


def lay_ready(folder: Path) -> None:
    """Put the tables into a portal's private folder, where `make test` made them; to migrate them is then a moment."""
    if tables := os.environ.get(TEMPLATE_FILE):
        shutil.copy(tables, folder / "portal.sqlite3")


def set_up() -> None:
    """Start Django on these servers, quietly, with the tables made."""
    import logging

    import django
    from django.core.management import call_command

    django.setup()
    logging.disable(logging.ERROR)
    if TEMPLATE not in os.environ:
        call_command("migrate", verbosity=0)
    open_to_the_public()


def open_to_the_public() -> None:
    """Most tests read the website of an open portal; the fixture `closed_portal` undoes it."""
    from django.apps import apps
    from django.utils import timezone

    apps.get_model("operator", "Opening").objects.get_or_create(pk=1, defaults={"opened_at": timezone.now()})


def wait_until(true, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Not so after {seconds} s.")
        time.sleep(0.02)


def peak_megabytes() -> float:
    """The most memory that this process has held at once.

    Not `ru_maxrss`: on Linux a program begins with the peak of the process that started it.
    """
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024
