"""Scan files for viruses with clamd, if configured."""

from __future__ import annotations

import logging
import socket
import time
from typing import IO

from django.conf import settings

log = logging.getLogger(__name__)

SECONDS = 30
"""Timeout of a whole scan."""
CHUNK = 64 * 1024
LONGEST_ANSWER = 4096


class VirusFound(Exception):
    """The scanner found a virus; `str()` is its name."""


def scan(file: IO[bytes]) -> bool:
    """Return whether the file was scanned and is clean; raise `VirusFound` if it is not.

    On any error it returns False: a scanner outage must not prevent claims.
    """
    if not settings.CLAMD_ADDRESS:
        return False
    try:
        answer = _ask(settings.CLAMD_ADDRESS, file)
    except OSError as error:
        log.warning("clamd at %s could not be asked: %s", settings.CLAMD_ADDRESS, error)
        return False
    if answer.endswith(" FOUND"):
        raise VirusFound(answer.removeprefix("stream: ").removesuffix(" FOUND"))
    if answer != "stream: OK":
        log.warning("clamd at %s did not scan: %s", settings.CLAMD_ADDRESS, answer)
        return False
    return True


def _ask(address: str, file: IO[bytes]) -> str:
    """Send the file in length-prefixed chunks and read the one-line answer (INSTREAM)."""
    deadline = time.monotonic() + SECONDS
    file.seek(0)
    with _connected(address) as clamd:
        _send(clamd, b"zINSTREAM\0", deadline)
        while piece := file.read(CHUNK):
            _send(clamd, len(piece).to_bytes(4, "big") + piece, deadline)
        _send(clamd, bytes(4), deadline)
        answer = b""
        while not answer.endswith(b"\0"):
            clamd.settimeout(_left(deadline))
            heard = clamd.recv(LONGEST_ANSWER)
            answer += heard
            if not heard or len(answer) > LONGEST_ANSWER:
                raise OSError("the connection was closed early, or the answer is too long")
    return answer.rstrip(b"\0").decode("utf-8", "replace").strip()


def _connected(address: str) -> socket.socket:
    if not address.startswith("/"):
        host, _colon, port = address.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=SECONDS)
    clamd = socket.socket(socket.AF_UNIX)
    try:
        clamd.settimeout(SECONDS)
        clamd.connect(address)
    except OSError:
        clamd.close()
        raise
    return clamd


def _send(clamd: socket.socket, data: bytes, deadline: float) -> None:
    clamd.settimeout(_left(deadline))
    clamd.sendall(data)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("it took too long")
    return left
