"""The chain: each entry's hash covers what it says and the hash before it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

GENESIS = "0" * 64

canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def link(previous: str, content: dict[str, Any]) -> str:
    """SHA-256 (hex) of an entry: the hash before it and its content as canonical JSON."""
    return hashlib.sha256(f"{previous}\n{canonical(content)}".encode()).hexdigest()
