"""Actors: staff and the portal itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """What the page showed from which someone acts: the record as of audit log entry `number`."""

    number: int
    shown: set[int] = field(default_factory=set)
    """Later entries that were shown when a form was refused."""
    page: str = ""
    own: set[str] = field(default_factory=set)
    """Hashes of the entries that the same request added."""
    news: list[Any] = field(default_factory=list)
    """Entries since the page was made, about records to which something was only added."""
    changed: Any = None
    """The refusal, if the record has changed since the page was made."""

    def __str__(self) -> str:
        """The version as a form carries it: `4711,4715 /admin/…`."""
        return f"{','.join(map(str, (self.number, *sorted(self.shown))))} {self.page}"


@dataclass(frozen=True)
class Actor:
    """A member of staff, or the portal itself: a task, a command."""

    name: str
    user: Any = None
    seen: Seen | None = field(default=None, compare=False)
    """None: acts without a page, as the schedule, a command or a signal does."""

    @classmethod
    def staff(cls, user: Any, seen: Seen | None = None) -> Actor:
        return cls(name=user.get_full_name() or user.get_username(), user=user, seen=seen)

    @classmethod
    def system(cls, name: str) -> Actor:
        """Return the portal itself, named by its command or task, with all permissions."""
        return cls(name=name)

    def may(self, permission: str) -> bool:
        """Whether the actor has `permission`, for example `incidents.add_incident`."""
        return self.user is None or self.user.has_perm(permission)
