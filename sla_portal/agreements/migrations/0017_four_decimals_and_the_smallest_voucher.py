from django.db import migrations, models


def widen(_apps, editor):
    change_type(editor, "numeric(13, 4)")


def narrow(_apps, editor):
    change_type(editor, "numeric(12, 3)")


def change_type(editor, kind):
    # SQLite keeps any number of decimals, and copying the tables there would lose their triggers.
    if editor.connection.vendor == "postgresql":
        for table, column in (("contract", "monthly_charge"), ("charge", "monthly_charge"), ("payment", "amount")):
            editor.execute(f"ALTER TABLE agreements_{table} ALTER COLUMN {column} TYPE {kind}")


class Migration(migrations.Migration):
    dependencies = [("agreements", "0014_periods_of_a_contract_never_overlap")]
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
    ]
