"""A Celery worker to be killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests.everything import ROOT
from tests.support.servers import wait_until

PROCESSES = 2


class Worker:
    """A Celery worker of two processes: the portal's, or the twin's."""

    def __init__(self, app: str) -> None:
        self.app, self.log = app, Path(os.environ["VAR_DIR"]) / f"{app}.log"

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


@contextmanager
def a_worker(app: str = "sla_portal") -> Iterator[Worker]:
    """Run it while the block runs; what is left of it then is killed."""
    worker = Worker(app)
    try:
        worker.start()
        yield worker
    finally:
        if worker.runs():
            worker.kill()
