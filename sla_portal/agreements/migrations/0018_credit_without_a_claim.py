"""Whether a breached month that nobody claimed may be credited, as a term of a version."""

from importlib import import_module

from django.db import migrations, models

from sla_portal.audit.freezing import freeze

IN_USE = import_module("sla_portal.agreements.migrations.0012_a_version_in_use_stands_still")
CHANGED = "NEW.credit_without_claim IS DISTINCT FROM OLD.credit_without_claim"
NAME = "no_credit_without_claim_in_use_is_changed"


def stand_still(_apps, editor):
    """Let the new term of a version in use stand still, as the others do."""
    if editor.connection.vendor == "postgresql":
        does = f"FOR EACH ROW WHEN ({CHANGED}) EXECUTE FUNCTION {IN_USE.ERROR}_version()"
    else:
        used = IN_USE.conditions("sqlite")["version"]
        does = f"WHEN ({CHANGED}) AND ({used}) BEGIN SELECT RAISE(ABORT, '{IN_USE.ERROR}'); END"
    editor.execute(f"CREATE TRIGGER {NAME} BEFORE UPDATE ON agreements_agreementversion {does}", params=None)


def move(_apps, editor):
    postgresql = editor.connection.vendor == "postgresql"
    editor.execute(f"DROP TRIGGER {NAME}" + (" ON agreements_agreementversion" if postgresql else ""))


class Migration(migrations.Migration):
    dependencies = [("agreements", "0017_four_decimals_and_the_smallest_voucher")]
    operations = [
        # Nullable, so that SQLite adds the column and does not copy the table, which would lose its triggers.
        migrations.AddField(
            model_name="agreementversion",
            name="credit_without_claim",
            field=models.BooleanField(
                blank=True,
                help_text="Clause 3: two people may credit a breached month that nobody claimed.",
                null=True,
                verbose_name="credit without a claim",
            ),
        ),
        freeze(
            "agreements_agreementversion",
            once="OLD.notice_id IS NOT NULL",
            columns=("credit_without_claim",),
            part="_credit_without_claim",
        ),
        migrations.RunPython(stand_still, move),
    ]
