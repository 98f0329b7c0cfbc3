"""Whether the website reports the service yet."""

from __future__ import annotations

from datetime import datetime, timedelta

from sla_portal.operator.queries import is_opened

from ..caching import cached

FRESH = timedelta(minutes=1)


def opened(now: datetime) -> bool:
    """Whether the portal is open to the public. It stays so, and only that is cached."""
    return cached("opened", lambda: is_opened() or None, now, FRESH).value is not None
