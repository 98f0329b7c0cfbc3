"""Whether the website reports the service yet."""

from __future__ import annotations

from sla_portal.operator.queries import is_opened

_seen_open = False


def opened() -> bool:
    """Whether the portal is open to the public. It stays so: a process that has seen it open does not ask again."""
    global _seen_open  # noqa: PLW0603
    _seen_open = _seen_open or is_opened()
    return _seen_open
