"""Steps of a migration: what the database itself refuses of incidents and their outages.

`add`: an outage that goes on when its incident is resolved (2.2). `add_merging`: an incident merged into one that is voided
or merged itself.

A check constraint sees one table, and this rule is about two. On SQLite a table that a migration copies (a constraint
added, a column changed) loses its triggers, and a trigger that names it stops the copy: a migration that does so to
incidents or outages begins with `RunPython(drop, add)` and ends with `RunPython(add, drop)`, and likewise for `add_merging`.
"""

from typing import Any

NAME = "an_outage_has_ended_when_its_incident_is_resolved"

LATE = "(outage.ended_at IS NULL OR outage.ended_at > incident.resolved_at)"
BINDS = "NOT incident.recorded_as_is AND incident.resolved_at IS NOT NULL"
ON_OUTAGES = f"""SELECT 1 FROM incidents_incident incident WHERE incident.id = NEW.incident_id AND {BINDS}
  AND {LATE.replace("outage.", "NEW.")}"""
ON_INCIDENTS = f"""SELECT 1 FROM incidents_outage outage WHERE outage.incident_id = NEW.id
  AND {BINDS.replace("incident.", "NEW.")} AND {LATE.replace("incident.", "NEW.")}"""

TABLES = {"incidents_outage": ON_OUTAGES, "incidents_incident": ON_INCIDENTS}
TRIGGERS = {
    "added": ("incidents_outage", "INSERT"),
    "moved": ("incidents_outage", "UPDATE OF ended_at, incident_id"),
    "resolved": ("incidents_incident", "UPDATE OF resolved_at, recorded_as_is"),
}
# FOR SHARE: an incident that is being resolved is waited for, and one whose outage is being written is not resolved.
LOCK = {"incidents_outage": "PERFORM 1 FROM incidents_incident WHERE id = NEW.incident_id FOR SHARE;"}


def add(_apps: Any, editor: Any) -> None:
    postgresql = editor.connection.vendor == "postgresql"
    if postgresql:
        for table, broken in TABLES.items():
            editor.execute(
                f"""CREATE FUNCTION {table}_in_order() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                  {LOCK.get(table, "")}
                  IF EXISTS ({broken}) THEN
                    RAISE EXCEPTION '{NAME}' USING ERRCODE = 'integrity_constraint_violation';
                  END IF;
                  RETURN NEW;
                END $$""",
                params=None,
            )
    for done, (table, verb) in TRIGGERS.items():
        begin = f"CREATE TRIGGER {table}_{done}_in_order BEFORE {verb} ON {table}"
        editor.execute(
            f"{begin} FOR EACH ROW EXECUTE FUNCTION {table}_in_order()"
            if postgresql
            else f"{begin} WHEN EXISTS ({TABLES[table]}) BEGIN SELECT RAISE(ABORT, '{NAME}'); END"
        )


def drop(_apps: Any, editor: Any) -> None:
    postgresql = editor.connection.vendor == "postgresql"
    for done, (table, _verb) in TRIGGERS.items():
        editor.execute(f"DROP TRIGGER {table}_{done}_in_order" + (f" ON {table}" if postgresql else ""))
    if postgresql:
        for table in TABLES:
            editor.execute(f"DROP FUNCTION {table}_in_order()")


COUNTS = "a_merged_incident_leads_to_one_that_counts"
BROKEN = """
EXISTS (SELECT 1 FROM incidents_incident WHERE id = NEW.merged_into_id AND voided_at IS NOT NULL)
OR NEW.voided_at IS NOT NULL AND EXISTS (SELECT 1 FROM incidents_incident WHERE merged_into_id = NEW.id)
"""
MERGING_FUNCTION = f"""
CREATE FUNCTION {COUNTS}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF {BROKEN} THEN
    RAISE EXCEPTION '{COUNTS}' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$
"""
MERGING = {
    "postgresql": "CREATE TRIGGER {name} BEFORE {verb} ON incidents_incident FOR EACH ROW EXECUTE FUNCTION "
    f"{COUNTS}()",
    "sqlite": (
        "CREATE TRIGGER {name} BEFORE {verb} ON incidents_incident "
        f"WHEN {BROKEN} BEGIN SELECT RAISE(ABORT, '{COUNTS}'); END"
    ),
}
MERGING_VERBS = {"added": "INSERT", "changed": "UPDATE OF voided_at, merged_into_id"}


def add_merging(_apps: Any, editor: Any) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(MERGING_FUNCTION, params=None)
    for done, verb in MERGING_VERBS.items():
        name = f"incidents_incident_{done}_leads_to_one_that_counts"
        editor.execute(MERGING[editor.connection.vendor].format(name=name, verb=verb))


def drop_merging(_apps: Any, editor: Any) -> None:
    postgresql = editor.connection.vendor == "postgresql"
    for done in MERGING_VERBS:
        name = f"incidents_incident_{done}_leads_to_one_that_counts"
        editor.execute(f"DROP TRIGGER {name}" + (" ON incidents_incident" if postgresql else ""))
    if postgresql:
        editor.execute(f"DROP FUNCTION {COUNTS}()")
