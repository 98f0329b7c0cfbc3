"""The hash of a notice, the urgency and rate limit of its e-mails, and the retry back-off."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

MOST_ATTEMPTS = 16
LONGEST_PAUSE = timedelta(hours=4)
CREDIT_SECONDS = 2
"""Seconds for which unused allowance is kept: longer than clock skew between workers, shorter than a burst."""

TEST, INVITATION = "test", "invitation"
"""What an e-mail to staff is about; an invitation names the account after it."""

_URGENCY = {"code": 0, "audit": 1, "claim": 1, "maintenance": 2}


def urgency(kind: str) -> int:
    """Return the urgency of a kind, 0 first: somebody waits for a code, an amendment has thirty days."""
    return _URGENCY.get(kind, 3)


@dataclass(frozen=True)
class Allowance:
    """A rate limit: no interval of sixty seconds has more than `per_minute` e-mails.

    A token bucket stored as the time of the next e-mail. The unused allowance that may accumulate is
    subtracted from the rate.
    """

    per_minute: int
    free_at: datetime

    @property
    def pace(self) -> timedelta:
        """Time between two e-mails."""
        return timedelta(seconds=(60 + CREDIT_SECONDS) / self.per_minute)

    def at(self, now: datetime) -> int:
        """Return how many e-mails may be sent now."""
        credit = max(timedelta(seconds=CREDIT_SECONDS), self.pace)
        return max(0, (now - max(self.free_at, now - credit)) // self.pace)

    def after(self, mails: int, now: datetime) -> datetime:
        """Return when the next e-mail may be sent after `mails` were sent now."""
        credit = max(timedelta(seconds=CREDIT_SECONDS), self.pace)
        return max(self.free_at, now - credit) + mails * self.pace


def digest(content: dict[str, Any]) -> str:
    """Return SHA-256 (hex) of a notice's content as canonical JSON."""
    body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()


def pause(attempts: int) -> timedelta | None:
    """Return the back-off after `attempts`: one minute, doubled up to four hours; None: give up, after about 36 hours."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(timedelta(minutes=2 ** (attempts - 1)), LONGEST_PAUSE)
