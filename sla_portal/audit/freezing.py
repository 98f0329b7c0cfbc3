"""A step of a migration: let the database itself refuse to change or delete the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION row_is_only_added() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%_is_only_added_to', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
TRIGGERS = {
    "postgresql": (
        "CREATE TRIGGER {table}{part}_is_never_{done} BEFORE {verb} ON {table} "
        "FOR EACH ROW {when}EXECUTE FUNCTION row_is_only_added()"
    ),
    "sqlite": (
        "CREATE TRIGGER {table}{part}_is_never_{done} BEFORE {verb} ON {table} {when}"
        "BEGIN SELECT RAISE(ABORT, '{table}_is_only_added_to'); END"
    ),
}


def freeze(
    *tables: str, once: str = "", changed: str = "", columns: Sequence[str] = (), part: str = ""
) -> migrations.RunPython:
    """Refuse UPDATE and DELETE on `tables` with the error `<table>_is_only_added_to`.

    `once` is a condition in SQL on the row as it stands (`OLD.status = 'ready'`): a row is frozen from then on. With
    `columns` only these cannot be changed, with `changed` only as that condition on both rows says
    (`NEW.email IS DISTINCT FROM OLD.email`); `part` names the triggers of a table's second such part.
    """
    verbs = {"changed": "UPDATE OF " + ", ".join(columns) if columns else "UPDATE", "deleted": "DELETE"}
    conditions = {"changed": " AND ".join(f"({one})" for one in (once, changed) if one), "deleted": once}

    def add(_apps: Any, editor: Any) -> None:
        vendor = editor.connection.vendor
        if vendor == "postgresql":
            editor.execute(FUNCTION, params=None)
        for table in tables:
            for done, verb in verbs.items():
                when = f"WHEN ({conditions[done]}) " if conditions[done] else ""
                editor.execute(TRIGGERS[vendor].format(table=table, part=part, done=done, verb=verb, when=when))

    def drop(_apps: Any, editor: Any) -> None:
        for table in tables:
            for done in verbs:
                on = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
                editor.execute(f"DROP TRIGGER {table}{part}_is_never_{done}{on}")

    return migrations.RunPython(add, drop)


def thaw(*tables: str, once: str = "") -> migrations.RunPython:
    """Take away what `freeze` with the same arguments added; a table that SQLite makes anew loses its triggers anyway."""
    frozen = freeze(*tables, once=once)
    return migrations.RunPython(cast("Any", frozen.reverse_code), frozen.code)


NEVER_EMPTIED = """
CREATE OR REPLACE FUNCTION table_is_never_emptied() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%_is_never_emptied', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$
"""


def never_emptied(*tables: str) -> migrations.RunPython:
    """Refuse TRUNCATE of `tables` with the error `<table>_is_never_emptied`; SQLite has no such statement."""

    def add(_apps: Any, editor: Any) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(NEVER_EMPTIED, params=None)
            for table in tables:
                editor.execute(
                    f"CREATE TRIGGER {table}_is_never_emptied BEFORE TRUNCATE ON {table} "
                    "EXECUTE FUNCTION table_is_never_emptied()"
                )

    def drop(_apps: Any, editor: Any) -> None:
        if editor.connection.vendor == "postgresql":
            for table in tables:
                editor.execute(f"DROP TRIGGER {table}_is_never_emptied ON {table}")

    return migrations.RunPython(add, drop)
