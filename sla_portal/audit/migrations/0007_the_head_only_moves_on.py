"""Count the entries, take an existing log's first checkpoint, and let the database guard head, checkpoints and checks."""

from django.db import migrations, models
from django.utils import timezone

from sla_portal.audit.freezing import freeze, never_emptied

GENESIS = "0" * 64
NEWEST = "SELECT 1 FROM audit_entry WHERE id = NEW.last_number AND hash = NEW.last_hash"
NEXT = "SELECT 1 FROM audit_entry WHERE id = OLD.last_number + 1 AND previous_hash = OLD.last_hash"
BEGINS = f"(NEW.last_number = 0 AND NEW.entries = 0 AND NEW.last_hash = '{GENESIS}') OR EXISTS ({NEWEST})"
STANDS = (
    "NEW.id = OLD.id AND NEW.last_number = OLD.last_number "
    "AND NEW.entries = OLD.entries AND NEW.last_hash = OLD.last_hash"
)
MOVES_ON = (
    f"NEW.id = OLD.id AND EXISTS ({NEXT}) AND EXISTS ({NEWEST}) "
    "AND NEW.entries - OLD.entries = NEW.last_number - OLD.last_number"
)
REFUSED = "the_head_only_moves_on_to_the_newest_entry"
REFUSE = f"BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
SQLITE = {
    "audit_chain_begins": f"BEFORE INSERT ON audit_chain WHEN NOT ({BEGINS}) {REFUSE}",
    "audit_chain_moves_on": f"BEFORE UPDATE ON audit_chain WHEN NOT ({STANDS}) AND NOT ({MOVES_ON}) {REFUSE}",
    "audit_chain_is_never_deleted": f"BEFORE DELETE ON audit_chain {REFUSE}",
}
POSTGRESQL = f"""
CREATE FUNCTION audit_chain_moves_on() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'INSERT' THEN
        IF {BEGINS} THEN RETURN NEW; END IF;
    ELSIF TG_OP = 'UPDATE' THEN
        IF ({STANDS}) OR ({MOVES_ON}) THEN RETURN NEW; END IF;
    END IF;
    RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_chain_moves_on BEFORE INSERT OR UPDATE OR DELETE ON audit_chain
    FOR EACH ROW EXECUTE FUNCTION audit_chain_moves_on()
"""


def count(apps, schema_editor):
    entries = apps.get_model("audit", "Entry").objects
    known = entries.count()
    if not known:
        return
    last = entries.order_by("-id").first()
    apps.get_model("audit", "Chain").objects.update(entries=known, last_number=last.pk)
    apps.get_model("audit", "Checkpoint").objects.create(
        number=1, made_at=timezone.now(), occasion="upgrade", about=f"audit.entry {last.pk}",
        entries=known, entry=last.pk, hash=last.hash,
    )  # fmt: skip


def guard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL)
    else:
        for name, trigger in SQLITE.items():
            schema_editor.execute(f"CREATE TRIGGER {name} {trigger}")


def unguard(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP TRIGGER audit_chain_moves_on ON audit_chain")
        schema_editor.execute("DROP FUNCTION audit_chain_moves_on()")
    else:
        for name in SQLITE:
            schema_editor.execute(f"DROP TRIGGER {name}")


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_checkpoints_and_checks")]
    operations = [
        migrations.RunPython(count, migrations.RunPython.noop),
        migrations.RunPython(guard, unguard),
        freeze("audit_checkpoint", "audit_check"),
        never_emptied("audit_entry", "audit_chain", "audit_checkpoint", "audit_check"),
    ]
