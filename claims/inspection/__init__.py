"""Look into a stranger's file in a process of its own, and make a preview that is safe to show.

Nothing here knows Django: the process that reads the file loads no more than it needs, and may open nothing.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO

from .kinds import ENDINGS, LARGEST, kind_of_name
from .reasons import Reason, Unfit

__all__ = ["ENDINGS", "LARGEST", "Inspected", "Reason", "Unfit", "inspect"]

COMMAND = (sys.executable, "-B", "-s", "-m", "claims.inspection.child")
ROOT = Path(__file__).parents[2]
PREVIEWS = ("image/png", "image/jpeg", "text")
SECONDS = 30
"""How long one look may take on the clock; the child's own limits are in `child`."""
TURNS = BoundedSemaphore(2)
"""So many children at once, or a handful of large files takes all the memory of the machine."""


@dataclass(frozen=True)
class Inspected:
    """What a file turned out to be, and what of it can be shown."""

    kind: str
    """One of the values of `ENDINGS`."""
    preview: bytes
    preview_kind: str
    """One of `PREVIEWS`; `text` is UTF-8, to be shown as it stands."""
    pages: int | None
    """Of a PDF; its preview shows the first ten, one below the other."""


def inspect(file: IO[bytes], name: str) -> Inspected:
    """Find out what a file is by reading all of it; raise `Unfit` where it cannot be taken, or is not what `name` says.

    `file` is a real file: it is handed to another process.
    """
    if not (size := os.fstat(file.fileno()).st_size):
        raise Unfit(Reason.EMPTY)
    if size > LARGEST:
        raise Unfit(Reason.TOO_LARGE)
    named = kind_of_name(name)
    if not TURNS.acquire(timeout=SECONDS):
        raise Unfit(Reason.BUSY)
    try:
        # A file without a name takes the answer: nothing is left behind, and the child's limit of size bounds it.
        with tempfile.TemporaryFile() as answer:
            file.seek(0)
            _run(file, answer, named)
            answer.seek(0)
            return _read(answer.read(), named)
    finally:
        TURNS.release()


def _run(file: IO[bytes], answer: IO[bytes], named: str | None) -> None:
    child = subprocess.Popen(  # noqa: S603  what is run stands above; of the stranger comes no word of it
        [*COMMAND, named or ""],
        stdin=file,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        env={"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    try:
        child.wait(SECONDS)
    except subprocess.TimeoutExpired:
        raise Unfit(Reason.OVERRAN) from None
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    if child.returncode:
        raise Unfit(Reason.OVERRAN)


def _read(answer: bytes, named: str | None) -> Inspected:
    head, _line, preview = answer.partition(b"\n")
    try:
        found = json.loads(head)
        if "refused" in found:
            raise Unfit(Reason(found["refused"]))
        inspected = Inspected(found["kind"], preview, found["preview_kind"], found["pages"])
        if inspected.kind not in ENDINGS.values() or inspected.preview_kind not in PREVIEWS:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        # The child was made to say something else than it was written to say.
        raise Unfit(Reason.OVERRAN) from None
    if named is not None and inspected.kind != named:
        raise Unfit(Reason.FORGED)
    return inspected
