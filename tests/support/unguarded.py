"""The database without its guards, as somebody has it who may do anything there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection


@contextmanager
def unguarded(through: Any = connection) -> Iterator[None]:
    """Run the block without triggers: for what tampers with the database, and for tests that empty tables.

    SQLite's triggers are dropped and made again; PostgreSQL's do not fire for a session that plays a replica.
    """
    with through.cursor() as cursor:
        if through.vendor == "postgresql":
            cursor.execute("SET session_replication_role = replica")
            yield
            cursor.execute("SET session_replication_role = origin")
            return
        cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
        triggers = cursor.fetchall()
        for name, _sql in triggers:
            cursor.execute(f"DROP TRIGGER {name}")
        yield
        for _name, sql in triggers:
            cursor.execute(sql)
