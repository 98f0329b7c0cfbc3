"""Read once what several parts of one answer need."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_read: ContextVar[dict[Any, Any] | None] = ContextVar("what was read", default=None)


@contextmanager
def remembering() -> Iterator[None]:
    """Let functions that are `remembered` read once in the block, which writes nothing; a block within it is part of it."""
    known = _read.get()
    token = _read.set({} if known is None else known)
    try:
        yield
    finally:
        _read.reset(token)


def remembered(read: Callable[P, T]) -> Callable[P, T]:
    """Return once within `remembering` what `read` returns for the same arguments; otherwise read each time.

    Nobody changes what it returns.
    """

    @wraps(read)
    def once(*args: P.args, **kwargs: P.kwargs) -> T:
        known = _read.get()
        if known is None:
            return read(*args, **kwargs)
        key = read, args, tuple(sorted(kwargs.items()))
        if key not in known:
            known[key] = read(*args, **kwargs)
        found: T = known[key]
        return found

    return once
