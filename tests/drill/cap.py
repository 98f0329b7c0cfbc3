"""5.1 many times: sixteen grants at once against one contract, with the lock, without it, and without the database's guard."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.everything import ROOT
from tests.support.parts import Figure

NEEDS = ("postgresql",)


@dataclass(frozen=True)
class Size:
    rounds: int
    databases: tuple[str, ...] = ("SQLite", "PostgreSQL")


FULL = Size(100)
SMALL = Size(1, databases=("PostgreSQL",))
OF_PARTS = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "VAR_DIR", "SECRET_KEY")
"""Tests have settings of their own."""


def run(size: Size) -> Iterator[Figure]:
    """Run `tests/claims/test_cap.py` on SQLite and on PostgreSQL, which has the twin in it."""
    tests = {name: value for name, value in os.environ.items() if name not in OF_PARTS}
    tests["CAP_ROUNDS"] = str(size.rounds)
    databases = {"SQLite": {}, "PostgreSQL": {"DATABASE_URL": os.environ["DATABASE_URL"]}}
    for title in size.databases:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/claims/test_cap.py"]
        begun = time.monotonic()
        failed = subprocess.run(
            [*command, "--durations", "4", "-o", "faulthandler_timeout=3600"],
            env=tests | databases[title],
            cwd=ROOT,
            check=False,
        ).returncode
        yield Figure(f"{title}, {size.rounds} rounds", time.monotonic() - begun, "s")
        yield Figure(f"{title}: exit code of the tests, the twin's with them", failed, most=0, required=True)
