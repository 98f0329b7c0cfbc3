"""Steps of a migration: what the database itself refuses of the periods of one contract.

`add`: a period that begins before the one that it renews has ended, or is another customer's. Rows of an earlier build that
break it stay, and are written in every other respect; `overlapping_periods` lists them.

On SQLite a table that a migration copies (a constraint added, a column changed) loses its triggers, and a trigger that names it
stops the copy: a migration that does so to contracts begins with `RunPython(drop, add)` and ends with `RunPython(add, drop)`.
"""

from typing import Any

NAME = "a_contract_period_begins_after_the_one_it_renews"
TABLE = "agreements_contract"

LAST = "COALESCE({0}.terminated_on, {0}.extended_to, {0}.ends_on)"
BEGINS_EARLY = f"""EXISTS (SELECT 1 FROM {TABLE} earlier WHERE earlier.id = NEW.renews_id
  AND ({LAST.format("earlier")} >= NEW.starts_on OR earlier.customer_id <> NEW.customer_id))"""
ENDS_LATE = f"""EXISTS (SELECT 1 FROM {TABLE} later WHERE later.renews_id = NEW.id
  AND (later.starts_on <= {LAST.format("NEW")} OR later.customer_id <> NEW.customer_id))"""

# FOR SHARE: a period whose end is being moved is waited for, and the end of one that is being renewed is not moved.
LOCK = f"PERFORM 1 FROM {TABLE} WHERE id = NEW.renews_id FOR SHARE;"
BEGINNING = ("starts_on", "renews_id", "customer_id")
ENDING = ("ends_on", "extended_to", "terminated_on", "customer_id")
TRIGGERS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "signed": (BEGINS_EARLY, "INSERT", ()),
    "begun": (BEGINS_EARLY, "UPDATE", BEGINNING),
    "ended": (ENDS_LATE, "UPDATE", ENDING),
}


def _name(done: str) -> str:
    return f"{TABLE}_{done}_in_order"


def add(_apps: Any, editor: Any) -> None:
    postgresql = editor.connection.vendor == "postgresql"
    for done, (broken, verb, columns) in TRIGGERS.items():
        changed = " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)
        name, verb_of = _name(done), f"{verb} OF {', '.join(columns)}" if columns else verb
        if postgresql:
            editor.execute(
                f"""CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                  {LOCK if broken == BEGINS_EARLY else ""}
                  IF {broken} THEN
                    RAISE EXCEPTION '{NAME}' USING ERRCODE = 'integrity_constraint_violation';
                  END IF;
                  RETURN NEW;
                END $$""",
                params=None,
            )
            when = f"WHEN ({changed}) " if changed else ""
            editor.execute(
                f"CREATE TRIGGER {name} BEFORE {verb_of} ON {TABLE} FOR EACH ROW {when}EXECUTE FUNCTION {name}()"
            )
        else:
            when = f"({changed}) AND {broken}" if changed else broken
            editor.execute(
                f"CREATE TRIGGER {name} BEFORE {verb_of} ON {TABLE} WHEN {when} BEGIN SELECT RAISE(ABORT, '{NAME}'); END"
            )


def drop(_apps: Any, editor: Any) -> None:
    postgresql = editor.connection.vendor == "postgresql"
    for done in TRIGGERS:
        editor.execute(f"DROP TRIGGER {_name(done)}" + (f" ON {TABLE}" if postgresql else ""))
        if postgresql:
            editor.execute(f"DROP FUNCTION {_name(done)}()")
