"""Keep title and preamble of a version, and let nothing change of one by which a month was closed or that was amended.

A wording that is missing in a language can still be loaded; what earlier builds changed stays as it is.
"""

import django.db.models.deletion
from django.db import migrations, models

from sla_portal.audit.freezing import never_emptied

TERMS = (
    "version", "effective_on", "published_at", "availability_target", "unavailability_reading", "maintenance_notice_hours",
    "recommended_notice_hours", "measurement_period", "claim_opens_after_working_day", "claim_closes_after_months",
    "compensated_minutes_per_minute", "compensation_cap_percent", "voucher_valid_months", "amendment_notice_days",
)  # fmt: skip
MONTH_END = {"postgresql": "(closed.month + interval '1 month')", "sqlite": "date(closed.month, '+1 month')"}
IN_USE = """
{row}.published_at IS NOT NULL AND {row}.withdrawn_at IS NULL AND {row}.notice_id IS NULL AND (
  EXISTS (SELECT 1 FROM agreements_agreementversion told WHERE told.notice_id IS NOT NULL)
  OR EXISTS (
    SELECT 1 FROM audit_closedmonth closed WHERE {end} > {row}.effective_on AND NOT EXISTS (
      SELECT 1 FROM agreements_agreementversion later
      WHERE later.published_at IS NOT NULL AND later.withdrawn_at IS NULL
        AND later.effective_on > {row}.effective_on AND later.effective_on <= closed.month
    )
  )
)
"""
OF_TEXT = "EXISTS (SELECT 1 FROM agreements_agreementversion used WHERE used.id = OLD.agreement_version_id AND {used})"
ANNOUNCED = (
    "EXISTS (SELECT 1 FROM agreements_agreementversion WHERE id = NEW.agreement_version_id AND notice_id IS NOT NULL)"
)


def differs(*columns):
    return " OR ".join(f"NEW.{column} IS DISTINCT FROM OLD.{column}" for column in columns)


def reworded(*pairs):
    """Another text, where there was one: with its heading, a wording is first loaded into an empty one."""
    return " OR ".join(f"(OLD.{text} <> '' AND ({differs(*columns, text)}))" for text, *columns in pairs)


CLAUSE = reworded(("wording", "heading"), ("wording_zh", "heading_zh"))
PREAMBLE = reworded(("title",), ("text",), ("title_zh",), ("text_zh",))
TRIGGERS = (
    ("version_in_use_is_changed", "UPDATE", "agreements_agreementversion", differs(*TERMS), "version"),
    ("version_in_use_is_removed", "DELETE", "agreements_agreementversion", "", "version"),
    ("clause_in_use_is_changed", "UPDATE", "agreements_clause", f"{CLAUSE} OR {differs('number', 'agreement_version_id')}", "text"),
    ("clause_in_use_is_removed", "DELETE", "agreements_clause", "", "text"),
    ("preamble_in_use_is_changed", "UPDATE", "agreements_preamble", f"{PREAMBLE} OR {differs('agreement_version_id')}", "text"),
    ("preamble_in_use_is_removed", "DELETE", "agreements_preamble", "", "text"),
    ("preamble_is_slipped_in", "INSERT", "agreements_preamble", "", "announced"),
)
"""Name, verb, table, condition on both rows, and what must hold for the trigger to refuse."""
ERROR = "a_version_in_use_stands_still"


def conditions(vendor):
    end = MONTH_END[vendor]
    return {
        "version": IN_USE.format(row="OLD", end=end),
        "text": OF_TEXT.format(used=IN_USE.format(row="used", end=end)),
        "announced": ANNOUNCED,
    }


def add(_apps, editor):
    vendor = editor.connection.vendor
    holds = conditions(vendor)
    if vendor == "postgresql":
        for name, condition in holds.items():
            editor.execute(
                f"CREATE FUNCTION {ERROR}_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF {condition} THEN RAISE EXCEPTION '{ERROR}' USING ERRCODE = 'integrity_constraint_violation'; END IF; "
                "IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$",
                params=None,
            )
    for name, verb, table, changed, condition in TRIGGERS:
        if vendor == "postgresql":
            when = f"WHEN ({changed}) " if changed else ""
            does = f"FOR EACH ROW {when}EXECUTE FUNCTION {ERROR}_{condition}()"
        else:
            when = " AND ".join(f"({one})" for one in (changed, holds[condition]) if one)
            does = f"WHEN {when} BEGIN SELECT RAISE(ABORT, '{ERROR}'); END"
        editor.execute(f"CREATE TRIGGER no_{name} BEFORE {verb} ON {table} {does}", params=None)


def drop(_apps, editor):
    postgresql = editor.connection.vendor == "postgresql"
    for name, _verb, table, _changed, _condition in TRIGGERS:
        editor.execute(f"DROP TRIGGER no_{name}" + (f" ON {table}" if postgresql else ""))
    if postgresql:
        for name in conditions("postgresql"):
            editor.execute(f"DROP FUNCTION {ERROR}_{name}()")


class Migration(migrations.Migration):
    dependencies = [("agreements", "0011_published_changes"), ("audit", "0004_closed_months")]
    operations = [
        migrations.CreateModel(
            name='Preamble',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('title', models.CharField(blank=True, max_length=300, verbose_name='title')),
                ('title_zh', models.CharField(blank=True, max_length=300, verbose_name='title (Chinese)')),
                ('text', models.TextField(blank=True, max_length=20000, verbose_name='preamble')),
                ('text_zh', models.TextField(blank=True, max_length=20000, verbose_name='preamble (Chinese)')),
                ('agreement_version', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='preamble', to='agreements.agreementversion', verbose_name='version')),
            ],
            options={
                'verbose_name': 'preamble',
                'verbose_name_plural': 'preambles',
                'default_permissions': (),
            },
        ),
        migrations.AlterModelOptions(
            name='agreementversion',
            options={'ordering': [models.OrderBy(models.F('effective_on'), descending=True, nulls_first=True), '-id'], 'permissions': [('draft_version', 'Can draft an amendment and ask for its publication'), ('publish_version', 'Can publish an amendment that another person drafted, and withdraw one'), ('set_first_version', 'Can set the first version until a month is closed by it')], 'verbose_name': 'agreement version', 'verbose_name_plural': 'agreement versions'},
        ),
        migrations.RunPython(add, drop),
        never_emptied("agreements_preamble"),
    ]
