"""Let the database itself refuse to change or delete an entry of the trail."""

from django.db import migrations

SQLITE = [
    """CREATE TRIGGER audit_entry_is_never_{name} BEFORE {verb} ON audit_entry
       BEGIN SELECT RAISE(ABORT, 'audit_entry_is_only_added_to'); END"""
]
POSTGRESQL = [
    """CREATE OR REPLACE FUNCTION audit_entry_is_only_added_to() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN RAISE EXCEPTION 'audit_entry_is_only_added_to'
          USING ERRCODE = 'integrity_constraint_violation'; END $$""",
    """CREATE TRIGGER audit_entry_is_never_{name} BEFORE {verb} ON audit_entry
       FOR EACH ROW EXECUTE FUNCTION audit_entry_is_only_added_to()""",
]


def add_triggers(apps, schema_editor):
    statements = POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE
    for name, verb in (("changed", "UPDATE"), ("deleted", "DELETE")):
        for statement in statements:
            schema_editor.execute(statement.format(name=name, verb=verb))


def drop_triggers(apps, schema_editor):
    table = " ON audit_entry" if schema_editor.connection.vendor == "postgresql" else ""
    for name in ("changed", "deleted"):
        schema_editor.execute(f"DROP TRIGGER audit_entry_is_never_{name}{table}")


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [migrations.RunPython(add_triggers, drop_triggers)]
