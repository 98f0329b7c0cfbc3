"""Forbid this process to start another, while it may start threads.

`RLIMIT_NPROC` counts threads as processes, and the decoder of HEIC pictures (libde265 1.1.3, in libheif 1.23.6) always
starts one. The kernel's filter of system calls (seccomp) tells them apart, and holds for root as well.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from dataclasses import dataclass

NO_NEW_PRIVILEGES, SET_FILTER, FILTER_MODE = 38, 22, 2
"""Of `prctl(2)`."""
LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
"""Operations of the filter."""
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
"""Where the filter finds them: bytes in `struct seccomp_data`."""
ALLOWED, REFUSED, UNKNOWN = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
CLONE_THREAD = 0x00010000
CLONE3 = 435
"""Its arguments lie where a filter cannot look; where it is unknown, threads are started by `clone`."""
OTHER_INTERFACE = 0x40000000
"""Numbers from here on are those of x32 on x86-64."""

Line = tuple[int, int, int, int]
"""Operation, lines to skip where it is true and where not, value."""


@dataclass(frozen=True)
class Calls:
    architecture: int
    start: tuple[int, ...]
    """Those that start a process or a program."""
    clone: int


CALLS = {
    "x86_64": Calls(0xC000003E, start=(57, 58, 59, 322), clone=56),
    "aarch64": Calls(0xC00000B7, start=(221, 281), clone=220),
}


def forbid_processes() -> bool:
    """Let every later attempt to start a process fail; return False where the system has no such filter."""
    if (calls := CALLS.get(os.uname().machine)) is None:
        return False
    lines = b"".join(struct.pack("HBBI", *line) for line in _filter(calls))
    code = ctypes.create_string_buffer(lines, len(lines))
    program = ctypes.create_string_buffer(struct.pack("HP", len(lines) // 8, ctypes.addressof(code)))
    prctl, zero = ctypes.CDLL(None).prctl, ctypes.c_ulong(0)
    return (
        prctl(NO_NEW_PRIVILEGES, ctypes.c_ulong(1), zero, zero, zero) == 0
        and prctl(SET_FILTER, ctypes.c_ulong(FILTER_MODE), program, zero, zero) == 0
    )


def _filter(calls: Calls) -> list[Line]:
    return [
        (LOAD, 0, 0, ARCHITECTURE),
        *_unless(EQUAL, calls.architecture, REFUSED),
        (LOAD, 0, 0, NUMBER),
        *_where(AT_LEAST, OTHER_INTERFACE, REFUSED),
        *(line for number in calls.start for line in _where(EQUAL, number, REFUSED)),
        *_where(EQUAL, CLONE3, UNKNOWN),
        *_unless(EQUAL, calls.clone, ALLOWED),
        (LOAD, 0, 0, FIRST_ARGUMENT),
        *_unless(ANY_BIT, CLONE_THREAD, REFUSED),
        (RETURN, 0, 0, ALLOWED),
    ]


def _where(operation: int, value: int, answer: int) -> tuple[Line, Line]:
    return (operation, 0, 1, value), (RETURN, 0, 0, answer)


def _unless(operation: int, value: int, answer: int) -> tuple[Line, Line]:
    return (operation, 1, 0, value), (RETURN, 0, 0, answer)
