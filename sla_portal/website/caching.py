"""A cache of public facts that serves the stale value while one thread computes the new one (stale-while-revalidate).

2 000 readers cost the database what one does. Only where there is no value at all do readers wait for the first.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.core.cache import caches

T = TypeVar("T")

FRESH = timedelta(seconds=5)
CACHED = timedelta(hours=6)
LOCKS = 16
NEAR = 256


@dataclass(frozen=True)
class Cached(Generic[T]):
    """A value, when it was computed, and since when it has been what it is. `mark` is the same for equal values."""

    value: T
    mark: str
    computed_at: datetime
    changed_at: datetime


def cached(name: str, compute: Callable[[], T], now: datetime, fresh: timedelta = FRESH) -> Cached[T]:
    """Return the value called `name`, at most `fresh` old or just being computed by somebody else.

    None is returned and not cached, so that addresses of nothing do not fill the cache.
    """
    cache = caches["public"]
    key = sha256(name.encode()).hexdigest()
    here = cache.make_key(key)

    def find() -> tuple[Cached[T] | None, bool]:
        found: Cached[T] | None = cache.get(key)
        good = found is not None and now - found.computed_at < fresh
        if good:
            _remember(here, found)
        return found, good

    near: Cached[T] | None = _near.get(here)
    if near and now - near.computed_at < fresh:
        return near
    found, good = find()
    if found and good:
        return found
    with only_one(name, wait=found is None) as mine:
        if found and not mine:
            return found
        # Somebody may have been faster.
        found, good = find()
        if found and good:
            return found
        value = compute()
        mark = sha256(repr(value).encode()).hexdigest()
        changed_at = found.changed_at if found and found.mark == mark else now
        new = Cached(value, mark, now, changed_at)
        if value is None:
            cache.delete(key)
        else:
            cache.set(key, new, (CACHED + fresh).total_seconds())
            _remember(here, new)
        return new


_near: dict[str, Any] = {}
"""Fresh values that this process has seen, read without asking the cache."""


def _remember(key: str, value: Any) -> None:
    if len(_near) >= NEAR:
        _near.clear()
    _near[key] = value


@contextmanager
def only_one(name: str, *, wait: bool) -> Iterator[bool]:
    """Lock `name` on this machine, for one of all threads and processes; yield whether it is held, without waiting unless `wait`.

    A lock of the kernel on a file: it ends with the process that holds it.
    """
    number = int.from_bytes(sha256(name.encode()).digest()[:2]) % LOCKS
    with (settings.VAR_DIR / f"public-{number}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True
