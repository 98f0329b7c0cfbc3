"""What makes a notice provable, and when a delivery is tried again."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

MOST_ATTEMPTS = 16
LONGEST_PAUSE = timedelta(hours=4)


def digest(content: dict[str, Any]) -> str:
    """SHA-256 (hex) of a notice's content as canonical JSON."""
    body = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(body.encode()).hexdigest()


def pause(attempts: int) -> timedelta | None:
    """How long to wait after so many attempts: a minute, doubled to four hours; None: give up, after about a day and a half."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return min(timedelta(minutes=2 ** (attempts - 1)), LONGEST_PAUSE)
