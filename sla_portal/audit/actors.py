"""Actors: staff and the portal itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Actor:
    """A member of staff, or the portal itself: a task, a command."""

    name: str
    user: Any = None

    @classmethod
    def staff(cls, user: Any) -> Actor:
        return cls(name=user.get_full_name() or user.get_username(), user=user)

    @classmethod
    def system(cls, name: str) -> Actor:
        """Return the portal itself, named by its command or task, with all permissions."""
        return cls(name=name)

    def may(self, permission: str) -> bool:
        """Whether the actor has `permission`, for example `incidents.add_incident`."""
        return self.user is None or self.user.has_perm(permission)
