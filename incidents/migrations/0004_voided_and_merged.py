"""Let an incident be voided, or merged into another that counts."""

import django.db.models.deletion
from django.db import migrations, models

COUNTS = "a_merged_incident_leads_to_one_that_counts"
BROKEN = """
EXISTS (SELECT 1 FROM incidents_incident WHERE id = NEW.merged_into_id AND voided_at IS NOT NULL)
OR NEW.voided_at IS NOT NULL AND EXISTS (SELECT 1 FROM incidents_incident WHERE merged_into_id = NEW.id)
"""
FUNCTION = f"""
CREATE FUNCTION {COUNTS}() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF {BROKEN} THEN
    RAISE EXCEPTION '{COUNTS}' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$
"""
TRIGGERS = {
    "postgresql": "CREATE TRIGGER {name} BEFORE {verb} ON incidents_incident FOR EACH ROW EXECUTE FUNCTION " + f"{COUNTS}()",
    "sqlite": (
        "CREATE TRIGGER {name} BEFORE {verb} ON incidents_incident "
        f"WHEN {BROKEN} BEGIN SELECT RAISE(ABORT, '{COUNTS}'); END"
    ),
}
VERBS = {"added": "INSERT", "changed": "UPDATE OF voided_at, merged_into_id"}


def add(_apps, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute(FUNCTION, params=None)
    for done, verb in VERBS.items():
        name = f"incidents_incident_{done}_leads_to_one_that_counts"
        editor.execute(TRIGGERS[editor.connection.vendor].format(name=name, verb=verb))


def drop(_apps, editor):
    postgresql = editor.connection.vendor == "postgresql"
    for done in VERBS:
        name = f"incidents_incident_{done}_leads_to_one_that_counts"
        editor.execute(f"DROP TRIGGER {name}" + (" ON incidents_incident" if postgresql else ""))
    if postgresql:
        editor.execute(f"DROP FUNCTION {COUNTS}()")


class Migration(migrations.Migration):
    dependencies = [("incidents", "0002_words_of_the_field")]

    operations = [
        migrations.AlterModelOptions(
            name="incident",
            options={
                "ordering": ["-detected_at", "-id"],
                "permissions": [
                    ("classify_incident", "Can say whether an incident was ours"),
                    ("void_incident", "Can void an incident or merge it into another"),
                ],
                "verbose_name": "incident",
                "verbose_name_plural": "incidents",
            },
        ),
        migrations.AddField(
            model_name="incident",
            name="voided_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the incident was voided, or merged into another. From then on it counts for nothing.",
                null=True,
                verbose_name="voided at",
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="The incident that this one is a duplicate of.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to="incidents.incident",
                verbose_name="merged into",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("merged_into__isnull", True), ("voided_at__isnull", False), _connector="OR"),
                name="a_merged_incident_counts_for_nothing",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into__isnull", True),
                    models.Q(("merged_into", models.F("id")), _negated=True),
                    _connector="OR",
                ),
                name="an_incident_is_merged_into_another",
            ),
        ),
        migrations.RunPython(add, drop),
    ]
