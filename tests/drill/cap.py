"""5.1 a hundred times: sixteen grants at once against one contract, with the lock, without it, and without the database's guard."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.everything import ROOT

from .ground import Ground

ROUNDS = 100
OF_THE_DRILL = ("DJANGO_SETTINGS_MODULE", "DATABASE_URL", "REDIS_URL", "VAR_DIR", "SECRET_KEY")
"""Tests have settings of their own."""


def cap(_ground: Ground) -> None:
    """Run `tests/claims/test_cap.py` on SQLite and on PostgreSQL; fail where it does."""
    tests = {name: value for name, value in os.environ.items() if name not in OF_THE_DRILL} | {
        "CAP_ROUNDS": str(ROUNDS)
    }
    databases = (("SQLite", {}), ("PostgreSQL", {"DATABASE_URL": os.environ["DATABASE_URL"]}))
    for title, database in databases:
        print(f"cap: {ROUNDS} rounds on {title}", flush=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/claims/test_cap.py"]
        subprocess.run(
            [*command, "--durations", "4", "-o", "faulthandler_timeout=3600"],
            env=tests | database,
            cwd=ROOT,
            check=True,
        )
