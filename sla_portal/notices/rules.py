"""What makes a notice provable, and when a delivery is tried again."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

MOST_ATTEMPTS = 16
LONGEST_PAUSE = timedelta(hours=4)
CREDIT_SECONDS = 2
"""How long an unused allowance is kept: longer than a worker's clock is late, shorter than anyone would call a burst."""

_URGENCY = {"code": 0, "claim": 1, "maintenance": 2}


def urgency(kind: str) -> int:
    """Which mail goes first, 0 before all: somebody waits for a code; an amendment has thirty days."""
    return _URGENCY.get(kind, 3)


@dataclass(frozen=True)
class Allowance:
    """A limit of mails a minute, held whenever one looks: no sixty seconds bring more than `per_minute`.

    It is a token bucket kept as one instant, the one at which the next mail may go. What may pile up comes on top of
    what a minute brings, so a minute brings that much less.
    """

    per_minute: int
    free_at: datetime

    @property
    def pace(self) -> timedelta:
        """How long one mail takes up."""
        return timedelta(seconds=(60 + CREDIT_SECONDS) / self.per_minute)

    def at(self, now: datetime) -> int:
        """How many mails may go now."""
        credit = max(timedelta(seconds=CREDIT_SECONDS), self.pace)
        return max(0, (now - max(self.free_at, now - credit)) // self.pace)

    def after(self, mails: int, now: datetime) -> datetime:
        """When the next mail may go, after so many went now."""
        credit = max(timedelta(seconds=CREDIT_SECONDS), self.pace)
        return max(self.free_at, now - credit) + mails * self.pace


def digest(content: dict[str, Any]) -> str:
    """SHA-256 (hex) of a notice's content as canonical JSON."""
    body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()


def pause(attempts: int) -> timedelta | None:
    """How long to wait after so many attempts: a minute, doubled to four hours; None: give up, after about a day and a half."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(timedelta(minutes=2 ** (attempts - 1)), LONGEST_PAUSE)
