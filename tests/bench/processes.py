"""The time of `manage.py check`, and the memory of web, worker and beat, against another checkout.

`REFERENCE=../earlier python -m tests.bench processes`; that checkout has an environment of its own. Both take turns, each
on a SQLite database of its own, and of what each took the median stands. A web process has shown some pages; a worker waits
for its first task. Without a reference the figures stand alone.
"""

import os
import re
import resource
import signal
import statistics
import subprocess
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import psutil

from tests.everything import ROOT, free_port
from tests.support.parts import Figure
from tests.support.servers import lay_ready

NEEDS = ()


@dataclass(frozen=True)
class Size:
    rounds: int


FULL, SMALL = Size(5), Size(1)
AIM_CHECK, AIM_MEMORY = 0.7, 0.8
PAGES = ("/", "/agreement/", "/maintenance/", "/api/v2/summary.json", "/admin/login/", "/healthz")
OPEN = """
from django.apps import apps
from django.utils import timezone

if apps.is_installed("sla_portal.operator"):
    apps.get_model("operator", "Opening").objects.create(pk=1, opened_at=timezone.now())
"""
"""A build without an opening is open."""
MEMORY = ("rss", "pss", "uss")


class Checkout:
    """A checkout with a private folder and the tables in it."""

    def __init__(self, path: Path, folder: Path) -> None:
        self.path, self.port = path, free_port()
        self.environment = {
            "PATH": os.environ["PATH"], "ENV_FILE": os.devnull, "VAR_DIR": str(folder), "PORT": str(self.port),
        }  # fmt: skip
        self.log = folder / "log"
        folder.mkdir()
        if path == ROOT:
            lay_ready(folder)
        self.run("manage.py", "migrate", "--verbosity", "0")
        self.run("manage.py", "shell", "-c", OPEN)

    def run(self, *command: str) -> None:
        program = self.path / ".venv/bin/python"
        subprocess.run([program, *command], env=self.environment, cwd=self.path, stdout=subprocess.DEVNULL, check=True)

    @contextmanager
    def running(self, *command: str) -> Iterator[psutil.Process]:
        """A process and its children while the block runs."""
        with self.log.open("wb") as log:
            process = psutil.Popen(
                [self.path / ".venv/bin/python", *command], env=self.environment, cwd=self.path, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
            try:
                yield process
            finally:
                with suppress(psutil.NoSuchProcess, psutil.TimeoutExpired):
                    process.terminate()
                    process.wait(30)
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def check(self) -> float:
        """Processor seconds of one check."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.run("manage.py", "check")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def web(self) -> dict[str, float]:
        with self.running("-m", "gunicorn", "sla_portal.wsgi") as master:
            until(lambda: self.answers("/healthz"))
            for page in PAGES * 6:
                assert self.answers(page), page
            return mean(*map(weight, master.children()))

    def worker(self) -> dict[str, float]:
        options = ["--concurrency", "2", "--without-gossip", "--without-mingle"]
        with self.running("-m", "celery", "-A", "sla_portal", "worker", *options) as main:
            until(lambda: b" ready." in self.log.read_bytes())
            # All its processes together, for they share what they loaded before they parted.
            return weight(main, *main.children())

    def beat(self) -> dict[str, float]:
        with self.running("-m", "celery", "-A", "sla_portal", "beat", "--pidfile=") as beat:
            until(lambda: b"beat: Starting" in self.log.read_bytes())
            return weight(beat)

    def answers(self, page: str) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{page}", timeout=60) as answer:
                return bool(answer.read())
        except HTTPError as unwell:
            unwell.close()
            return page == "/healthz"  # no beat was seen
        except (URLError, ConnectionError):
            return False


def weight(process: psutil.Process, *its_children: psutil.Process) -> dict[str, float]:
    """Megabytes of a process and its children; `uss` is what the end of all of them would free."""
    taken = [one.memory_full_info() for one in (process, *its_children)]
    found = {kind: sum(getattr(one, kind) for one in taken) / 1e6 for kind in MEMORY}
    if its_children:
        found["uss"] = sum(map(anonymous, (process, *its_children)))
    return found


def anonymous(process: psutil.Process) -> float:
    """Megabytes that no file holds, shared ones in equal parts: relatives alone share them."""
    rollup = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
    return int(re.search(r"Pss_Anon: +(\d+) kB", rollup)[1]) * 1024 / 1e6


def mean(*weights: dict[str, float]) -> dict[str, float]:
    return {kind: statistics.mean(one[kind] for one in weights) for kind in MEMORY}


def until(true) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert time.monotonic() < deadline, "The process does not start."
        time.sleep(0.2)


def measured(reference: str, rounds: int) -> dict[str, dict[str, list[float]]]:
    """What each checkout took in each round: figure → checkout → values."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="sla-portal-processes-") as folder:
        checkouts = {"ours": Checkout(ROOT, Path(folder, "ours"))}
        if reference:
            checkouts["reference"] = Checkout(Path(reference).resolve(), Path(folder, "reference"))
        for _ in range(rounds):
            for name, checkout in checkouts.items():
                found["check"][name].append(checkout.check())
                for process in ("web", "worker", "beat"):
                    for kind, megabytes in getattr(checkout, process)().items():
                        found[f"{process} {kind}"][name].append(megabytes)
    return found


def run(size: Size) -> Iterator[Figure]:
    for figure, taken in measured(os.environ.get("REFERENCE", ""), size.rounds).items():
        unit, aim = ("s", AIM_CHECK) if figure == "check" else ("MB", AIM_MEMORY)
        middle = {name: statistics.median(values) for name, values in taken.items()}
        if "reference" in middle:
            yield Figure(figure, middle["ours"] / middle["reference"], "× the reference", most=aim)
        yield Figure(figure, middle["ours"], unit)
