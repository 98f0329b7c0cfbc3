"""Inspect an untrusted file in a sandboxed child process, and create a preview that is safe to show.

Independent of Django: the child process loads only what it needs and cannot open files.
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

from .kinds import ENDINGS, LARGEST, SIDE, kind_of_name
from .reasons import Reason, Remark, Unfit

__all__ = ["ENDINGS", "LARGEST", "Inspected", "Reason", "Remark", "Unfit", "inspect"]

COMMAND = (sys.executable, "-B", "-s", "-m", "claims.inspection.child")
ROOT = Path(__file__).parents[2]
PREVIEWS = ("image/png", "image/jpeg", "text")
SECONDS = 30
"""Timeout of one inspection; the limits of the child are in `child`."""
TURNS = BoundedSemaphore(2)
"""Limit of concurrent children, to bound memory."""


@dataclass(frozen=True)
class Inspected:
    """Type and preview of an inspected file."""

    kind: str
    """One of the values of `ENDINGS`."""
    preview: bytes
    preview_kind: str
    """One of `PREVIEWS`; `text` is UTF-8, shown as plain text."""
    pages: int | None
    """Pages of a PDF; the preview shows the first ten, one below the other."""
    remarks: tuple[Remark, ...] = ()


def inspect(file: IO[bytes], name: str, *, ours: bool = False, side: int = SIDE) -> Inspected:
    """Determine the type of a file by reading all of it; raise `Unfit` if it is not accepted or does not match `name`.

    `file` needs a file descriptor: it is passed to another process. `ours` is a PDF that the portal issued: it carries
    its figures as an attached file. `side`: pixels of the longer side of a picture's preview.
    """
    if not (size := os.fstat(file.fileno()).st_size):
        raise Unfit(Reason.EMPTY)
    if size > LARGEST:
        raise Unfit(Reason.TOO_LARGE)
    named = kind_of_name(name)
    if not TURNS.acquire(timeout=SECONDS):
        raise Unfit(Reason.BUSY)
    try:
        # The answer goes to an unnamed temporary file: nothing is left behind, and the child's file size limit bounds it.
        with tempfile.TemporaryFile() as answer:
            file.seek(0)
            _run(file, answer, named or "", "ours" if ours else "", str(side))
            answer.seek(0)
            return _read(answer.read(), named)
    finally:
        TURNS.release()


def _run(file: IO[bytes], answer: IO[bytes], *arguments: str) -> None:
    child = subprocess.Popen(  # noqa: S603  a constant command; no part of it comes from the upload
        [*COMMAND, *arguments],
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
        remarks = tuple(Remark(remark) for remark in found["remarks"])
        inspected = Inspected(found["kind"], preview, found["preview_kind"], found["pages"], remarks)
        if inspected.kind not in ENDINGS.values() or inspected.preview_kind not in PREVIEWS:
            raise ValueError
    except (ValueError, KeyError, TypeError):
        # The answer is malformed: the child may be compromised.
        raise Unfit(Reason.OVERRAN) from None
    if named is not None and inspected.kind != named:
        raise Unfit(Reason.FORGED)
    return inspected
