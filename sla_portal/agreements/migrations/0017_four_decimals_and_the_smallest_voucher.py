"""Amounts with up to four decimals (ISO 4217), and the smallest voucher as a term of a version."""

from importlib import import_module

import django.core.validators
from django.db import migrations, models

from sla_portal.audit.freezing import freeze

IN_USE = import_module("sla_portal.agreements.migrations.0012_a_version_in_use_stands_still")
CHANGED = "NEW.smallest_voucher IS DISTINCT FROM OLD.smallest_voucher"
NAME = "no_smallest_voucher_in_use_is_changed"


def widen(_apps, editor):
    change_type(editor, "numeric(13, 4)")


def narrow(_apps, editor):
    change_type(editor, "numeric(12, 3)")


def change_type(editor, kind):
    # SQLite keeps any number of decimals, and copying the tables there would lose their triggers.
    if editor.connection.vendor == "postgresql":
        for table, column in (("contract", "monthly_charge"), ("charge", "monthly_charge"), ("payment", "amount")):
            editor.execute(f"ALTER TABLE agreements_{table} ALTER COLUMN {column} TYPE {kind}")


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
    dependencies = [("agreements", "0016_answers_withdrawals_and_reinstatements")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(widen, narrow)],
            state_operations=[
                migrations.AlterField(
                    model_name="contract",
                    name="monthly_charge",
                    field=models.DecimalField(
                        decimal_places=4,
                        help_text="The first; a later one holds from a service month on.",
                        max_digits=13,
                        verbose_name="monthly charge",
                    ),
                ),
                migrations.AlterField(
                    model_name="charge",
                    name="monthly_charge",
                    field=models.DecimalField(decimal_places=4, max_digits=13, verbose_name="monthly charge"),
                ),
                migrations.AlterField(
                    model_name="payment",
                    name="amount",
                    field=models.DecimalField(decimal_places=4, max_digits=13, verbose_name="amount"),
                ),
            ],
        ),
        # Nullable, so that SQLite adds the column and does not copy the table, which would lose its triggers.
        migrations.AddField(
            model_name="agreementversion",
            name="smallest_voucher",
            field=models.DecimalField(
                blank=True,
                decimal_places=4,
                help_text="Clause 3.2: a voucher of less becomes service extension. In the currency of the contract. 0: any amount.",
                max_digits=10,
                null=True,
                validators=[django.core.validators.MinValueValidator(0)],
                verbose_name="smallest voucher",
            ),
        ),
        freeze(
            "agreements_agreementversion",
            once="OLD.notice_id IS NOT NULL",
            columns=("smallest_voucher",),
            part="_smallest_voucher",
        ),
        migrations.RunPython(stand_still, move),
    ]
