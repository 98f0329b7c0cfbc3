"""Instants as text: ISO 8601 with an offset or Z, in whole seconds."""

import re
from datetime import UTC, datetime

INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?(Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
)
YEARS = range(1900, 9999)
"""The years that have service months (`ServiceMonth`)."""


def parse_instant(text: str) -> datetime:
    """Read `2026-09-10T01:02:03Z` or `…+08:00` as UTC; anything else raises ValueError with a sentence."""
    found = INSTANT.fullmatch(text)
    if not found:
        raise ValueError("Write an instant with its offset, such as 2026-09-10T01:02:03Z or 2026-09-10T09:02:03+08:00.")
    clock, fraction, offset = found.groups()
    if (fraction or "").strip("0"):
        raise ValueError(f"Times carry whole seconds; {text} has a fraction of one.")
    check_year(text)
    try:
        at = datetime.fromisoformat(clock + offset)
        # From Python 3.14 on, 24:00:00 is read as the midnight after it.
        if f"{at:%H}" != clock[11:13]:
            raise ValueError
        return at.astimezone(UTC)
    except ValueError:
        raise ValueError(f"There is no such instant as {text}.") from None


def check_year(text: str) -> None:
    """Raise ValueError with a sentence unless `text` begins with a year in which there are service months."""
    if int(text[:4]) not in YEARS:
        raise ValueError(f"The years from {YEARS[0]} to {YEARS[-1]} can be recorded, not {text[:4]}.")


def instant_text(at: datetime) -> str:
    """Write an aware instant in UTC, as `2026-09-10T01:02:03Z`; a fraction of a second is cut."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
