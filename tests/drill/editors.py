"""Two editors in a thousand random orders over an incident, a window, exclusions and a month: nobody undoes what was not shown."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass

from tests.everything import ROOT
from tests.support.parts import Figure

from .cap import OF_PARTS

NEEDS = ("postgresql",)


@dataclass(frozen=True)
class Size:
    examples: int
    databases: tuple[str, ...] = ("SQLite", "PostgreSQL")


FULL = Size(1000)
SMALL = Size(1, databases=("PostgreSQL",))


def run(size: Size) -> Iterator[Figure]:
    """Run `tests/staff/test_two_editors.py` on SQLite and on PostgreSQL, which has the twin in it."""
    tests = {name: value for name, value in os.environ.items() if name not in OF_PARTS}
    tests["EDITORS_EXAMPLES"] = str(size.examples)
    databases = {"SQLite": {}, "PostgreSQL": {"DATABASE_URL": os.environ["DATABASE_URL"]}}
    for title in size.databases:
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/staff/test_two_editors.py"]
        begun = time.monotonic()
        failed = subprocess.run(
            [*command, "-o", "faulthandler_timeout=36000"], env=tests | databases[title], cwd=ROOT, check=False
        ).returncode
        yield Figure(f"{title}, {size.examples} orders", time.monotonic() - begun, "s")
        yield Figure(f"{title}: exit code of the tests, the twin's with them", failed, most=0, required=True)
