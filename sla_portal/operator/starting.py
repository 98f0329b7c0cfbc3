"""Refuse to start with another time zone or country than the closed months were counted by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import Error, connections

from .queries import basis_differs, closed_month_count


def refuse_other_basis() -> None:
    """End the process with a sentence where the settings differ from the record.

    A database that cannot be reached, or has no tables yet, is not a reason: closing a month asks again.
    """
    try:
        sentence = _sentence()
    except Error:
        return
    finally:
        # A server forks: its processes must not share a connection.
        connections.close_all()
    if sentence:
        raise SystemExit(sentence)


def check_basis(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Report the same to `manage.py migrate` and `manage.py check --database default`."""
    if not databases:
        return []
    try:
        sentence = _sentence()
    except Error:
        return []
    return [checks.Error(sentence, id="operator.E002")] if sentence else []


def _sentence() -> str:
    basis = basis_differs()
    if basis is None:
        return ""
    count = closed_month_count()
    months = f"{count} closed months" if count != 1 else "1 closed month"
    wrong = [
        f"{name} is {now}, but {was} is on record for {months}"
        for name, now, was in (
            ("SLA_TIME_ZONE", settings.SLA_TIME_ZONE, basis.time_zone),
            ("SLA_WORKDAY_COUNTRY", settings.SLA_WORKDAY_COUNTRY, basis.workday_country),
        )
        if now != was
    ]
    return (
        f'{"; ".join(wrong)}. Set it back, or accept the change with `manage.py acceptzone --by NAME --reason "…"` '
        "(docs/operations.md, Changing the SLA time zone)."
    )
