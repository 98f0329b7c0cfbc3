"""A step of a migration: let the database itself refuse to change or delete the rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

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


def freeze(*tables: str, once: str = "", columns: Sequence[str] = (), part: str = "") -> migrations.RunPython:
    """Refuse UPDATE and DELETE on `tables` with the error `<table>_is_only_added_to`.

    `once` is a condition in SQL on the row as it stands (`OLD.status = 'ready'`): a row is frozen from then on. With
    `columns` only these cannot be changed; `part` names the triggers of a table's second such part.
    """
    when = f"WHEN ({once}) " if once else ""
    verbs = {"changed": "UPDATE OF " + ", ".join(columns) if columns else "UPDATE", "deleted": "DELETE"}

    def add(_apps: Any, editor: Any) -> None:
        vendor = editor.connection.vendor
        if vendor == "postgresql":
            editor.execute(FUNCTION, params=None)
        for table in tables:
            for done, verb in verbs.items():
                editor.execute(TRIGGERS[vendor].format(table=table, part=part, done=done, verb=verb, when=when))

    def drop(_apps: Any, editor: Any) -> None:
        for table in tables:
            for done in verbs:
                on = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
                editor.execute(f"DROP TRIGGER {table}{part}_is_never_{done}{on}")

    return migrations.RunPython(add, drop)
