"""Lift the guards of tables for a moment: what empties a rehearsal and masks a staging copy, and nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

OWNED = "SELECT bool_and(pg_has_role(current_user, relowner, 'USAGE')) FROM pg_class WHERE oid = ANY(%s::regclass[])"


def may_lift_guards(connection: Any, tables: Collection[str]) -> bool:
    """Whether the role of this connection owns `tables`; the role of the running portal does not."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute(OWNED, [list(tables)])
        return bool(cursor.fetchone()[0])


@contextmanager
def unguarded(connection: Any, tables: Collection[str]) -> Iterator[Any]:
    """Let rows of `tables` be changed and deleted in the block, by a cursor, in the caller's transaction.

    The triggers stand again at its end; where it fails, the transaction ends, and nothing was lifted. Foreign keys are
    checked at the end of the block, so that rows may be deleted in any order.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("Guards are lifted in a transaction, which puts them back if it fails.")
    lifted = _of_postgresql if connection.vendor == "postgresql" else _of_sqlite
    with connection.cursor() as cursor, lifted(cursor, sorted(tables)):
        yield cursor


@contextmanager
def _of_postgresql(cursor: Any, tables: Collection[str]) -> Iterator[None]:
    # What waits to be checked would hold up ALTER TABLE.
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    yield
    cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    for table in tables:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


@contextmanager
def _of_sqlite(cursor: Any, tables: Collection[str]) -> Iterator[None]:
    places = ", ".join("%s" for _table in tables)
    cursor.execute(f"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name IN ({places})", tables)
    triggers = cursor.fetchall()
    for name, _sql in triggers:
        cursor.execute(f"DROP TRIGGER {name}")
    yield
    for _name, sql in triggers:
        cursor.execute(sql)
