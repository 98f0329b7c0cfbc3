"""What changes from the record to a history file, list by list."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from .format import Row

as_text = json.JSONEncoder(sort_keys=True).encode


def replaced(before: Iterable[tuple[int, Any]], after: Iterable[Any]) -> tuple[list[tuple[int, Any]], list[Any]]:
    """Compare a list on record with the file's: the rows that it no longer has, and those that it has anew."""
    wanted = Counter(map(as_text, after))
    gone = []
    for pk, row in before:
        if wanted[as_text(row)]:
            wanted[as_text(row)] -= 1
        else:
            gone.append((pk, row))
    return gone, [json.loads(text) for text in wanted.elements()]


def replaced_notices(before: list[tuple[int, Row]], after: list[Row]) -> tuple[list[int], list[Row]]:
    """As `replaced`, second by second: which of one second is the newer is told by microseconds."""
    gone: list[int] = []
    added: list[Row] = []
    for sent_at in sorted({notice["sent_at"] for notice in [*after, *(notice for _pk, notice in before)]}):
        old = [(pk, notice) for pk, notice in before if notice["sent_at"] == sent_at]
        new = [notice for notice in after if notice["sent_at"] == sent_at]
        if [notice for _pk, notice in old] != new:
            gone += [pk for pk, _notice in old]
            for place, notice in enumerate(new):
                instants = {name: at and datetime.fromisoformat(at) for name, at in notice.items()}
                added.append(instants | {"sent_at": instants["sent_at"] + timedelta(microseconds=place)})
    return gone, added


def changes(before: Row | None, after: Row) -> dict[str, list[Any]]:
    """From what to what; of a list, the rows that left it and those that joined it."""
    found: dict[str, list[Any]] = {}
    for name, value in after.items():
        old = before[name] if before else None
        if isinstance(value, list):
            gone, added = replaced(enumerate(old or []), value)
            if gone or added:
                found[name] = [[row for _i, row in gone], added]
        elif old != value:
            found[name] = [old, value]
    return found


def without_status(exclusion: Row) -> str:
    """What an exclusion says beside its status and its reason, to find it again."""
    return as_text({name: value for name, value in exclusion.items() if name not in ("status", "reason")})
