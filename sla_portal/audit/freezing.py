"""A step of a migration: let the database itself refuse to change or delete the rows of a table."""

from __future__ import annotations

from typing import Any

from django.db import migrations

FUNCTION = """
CREATE OR REPLACE FUNCTION row_is_only_added() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '%_is_only_added_to', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation'; END $$
"""
TRIGGERS = {
    "postgresql": (
        "CREATE TRIGGER {table}_is_never_{done} BEFORE {verb} ON {table} "
        "FOR EACH ROW {when}EXECUTE FUNCTION row_is_only_added()"
    ),
    "sqlite": (
        "CREATE TRIGGER {table}_is_never_{done} BEFORE {verb} ON {table} {when}"
        "BEGIN SELECT RAISE(ABORT, '{table}_is_only_added_to'); END"
    ),
}
REFUSED = {"changed": "UPDATE", "deleted": "DELETE"}


def freeze(*tables: str, once: str = "") -> migrations.RunPython:
    """Refuse UPDATE and DELETE on `tables` with the error `<table>_is_only_added_to`.

    `once` is a condition in SQL on the row as it stands (`OLD.status = 'ready'`): a row is frozen from then on.
    """
    when = f"WHEN ({once}) " if once else ""

    def add(_apps: Any, editor: Any) -> None:
        vendor = editor.connection.vendor
        if vendor == "postgresql":
            editor.execute(FUNCTION, params=None)
        for table in tables:
            for done, verb in REFUSED.items():
                editor.execute(TRIGGERS[vendor].format(table=table, done=done, verb=verb, when=when))

    def drop(_apps: Any, editor: Any) -> None:
        for table in tables:
            for done in REFUSED:
                on = f" ON {table}" if editor.connection.vendor == "postgresql" else ""
                editor.execute(f"DROP TRIGGER {table}_is_never_{done}{on}")

    return migrations.RunPython(add, drop)
