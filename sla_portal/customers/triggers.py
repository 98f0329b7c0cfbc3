"""Steps of a migration: the database refuses a site of a site.

A check constraint sees one row, and this rule is about two. On SQLite a table that a migration copies (a constraint added,
a column changed) loses its triggers: a migration that does so to customers begins with `RunPython(drop, add)` and ends with
`RunPython(add, drop)`.
"""

from typing import Any

NAME = "an_installer_has_no_installer"
TABLE = "customers_customer"
BROKEN = f"""NEW.installer_id IS NOT NULL AND (
  EXISTS (SELECT 1 FROM {TABLE} WHERE id = NEW.installer_id AND installer_id IS NOT NULL)
  OR EXISTS (SELECT 1 FROM {TABLE} WHERE installer_id = NEW.id)
)"""
# One after the other: of two that make each other a site, row locks would make both wait.
LOCK = f"PERFORM pg_advisory_xact_lock(hashtext('{NAME}'));"
FUNCTION = f"""CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  {LOCK}
  IF {BROKEN} THEN
    RAISE EXCEPTION '{NAME}' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$"""
VERBS = {"added": "INSERT", "moved": "UPDATE OF installer_id"}


def add(_apps: Any, editor: Any) -> None:
    postgresql = editor.connection.vendor == "postgresql"
    if postgresql:
        editor.execute(FUNCTION, params=None)
    for done, verb in VERBS.items():
        begin = f"CREATE TRIGGER {TABLE}_{done}_under_no_site BEFORE {verb} ON {TABLE}"
        editor.execute(
            f"{begin} FOR EACH ROW WHEN (NEW.installer_id IS NOT NULL) EXECUTE FUNCTION {NAME}()"
            if postgresql
            else f"{begin} WHEN {BROKEN} BEGIN SELECT RAISE(ABORT, '{NAME}'); END"
        )


def drop(_apps: Any, editor: Any) -> None:
    postgresql = editor.connection.vendor == "postgresql"
    for done in VERBS:
        editor.execute(f"DROP TRIGGER {TABLE}_{done}_under_no_site" + (f" ON {TABLE}" if postgresql else ""))
    if postgresql:
        editor.execute(f"DROP FUNCTION {NAME}()")
