"""Let a voucher be redeemed in parts, and its balance follow from its entries. What is on record stays as it is."""

from django.db import migrations, models

NAME = "a_voucher_is_redeemed_within_its_amount"
VALUE = "(SELECT value FROM claims_voucher WHERE id = NEW.voucher_id)"
BEFORE = f"""(SELECT COALESCE(before.balance, CASE WHEN before.step IN ('issued', 'returned') THEN {VALUE} ELSE 0 END)
  FROM claims_entry before WHERE before.id = NEW.follows_id)"""
# SQLite reckons in floating point; the smallest unit of any currency is 0.0001.
BROKEN = f"""NEW.balance < 0 OR NEW.balance > {VALUE} OR ABS({BEFORE} - NEW.redeemed - NEW.balance) > 0.00001"""


def add(_apps, editor):
    """Bind new entries; those of an earlier build have neither amount."""
    when = "NEW.step IN ('redeemed', 'returned') AND NEW.balance IS NOT NULL"
    if editor.connection.vendor == "postgresql":
        editor.execute(
            f"""CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
              IF {BROKEN} THEN RAISE EXCEPTION '{NAME}' USING ERRCODE = 'integrity_constraint_violation'; END IF;
              RETURN NEW;
            END $$""",
            params=None,
        )
        editor.execute(
            f"CREATE TRIGGER {NAME} BEFORE INSERT ON claims_entry FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {NAME}()"
        )
    else:
        editor.execute(
            f"CREATE TRIGGER {NAME} BEFORE INSERT ON claims_entry WHEN {when} AND ({BROKEN}) "
            f"BEGIN SELECT RAISE(ABORT, '{NAME}'); END"
        )


def drop(_apps, editor):
    postgresql = editor.connection.vendor == "postgresql"
    editor.execute(f"DROP TRIGGER {NAME}" + (" ON claims_entry" if postgresql else ""))
    if postgresql:
        editor.execute(f"DROP FUNCTION {NAME}()")


class Migration(migrations.Migration):
    dependencies = [("claims", "0010_divided_by_the_calendar_month")]
    operations = [
        # Nullable, so that SQLite adds the columns and does not copy the table, which would lose its triggers.
        migrations.AddField(
            model_name="entry",
            name="redeemed",
            field=models.DecimalField(
                decimal_places=4,
                help_text="Part of the voucher; negative where it is given back. Empty in earlier entries: all of it.",
                max_digits=14,
                null=True,
                verbose_name="redeemed",
            ),
        ),
        migrations.AddField(
            model_name="entry",
            name="balance",
            field=models.DecimalField(
                decimal_places=4,
                help_text="What can still be redeemed of the voucher after the entry.",
                max_digits=14,
                null=True,
                verbose_name="voucher balance",
            ),
        ),
        migrations.RunPython(add, drop),
    ]
