"""Let those be told whom an announcement left out, and no clause be put into a version of which customers were told."""

from django.db import migrations, models

TOLD = "SELECT 1 FROM agreements_agreementversion WHERE id = NEW.agreement_version_id AND notice_id IS NOT NULL"
FUNCTION = f"""
CREATE FUNCTION a_told_version_has_its_clauses() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN
  IF EXISTS ({TOLD}) THEN
    RAISE EXCEPTION 'a_told_version_has_its_clauses' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$
"""
TRIGGERS = {
    "postgresql": (
        "CREATE TRIGGER agreements_clause_is_not_{done} BEFORE {verb} ON agreements_clause "
        "FOR EACH ROW EXECUTE FUNCTION a_told_version_has_its_clauses()"
    ),
    "sqlite": (
        "CREATE TRIGGER agreements_clause_is_not_{done} BEFORE {verb} ON agreements_clause "
        f"WHEN EXISTS ({TOLD}) BEGIN SELECT RAISE(ABORT, 'a_told_version_has_its_clauses'); END"
    ),
}
VERBS = {"slipped_in": "INSERT", "moved_in": "UPDATE OF agreement_version_id"}


def add(_apps, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute(FUNCTION, params=None)
    for done, verb in VERBS.items():
        editor.execute(TRIGGERS[editor.connection.vendor].format(done=done, verb=verb))


def drop(_apps, editor):
    postgresql = editor.connection.vendor == "postgresql"
    for done in VERBS:
        editor.execute(f"DROP TRIGGER agreements_clause_is_not_{done}" + (" ON agreements_clause" if postgresql else ""))
    if postgresql:
        editor.execute("DROP FUNCTION a_told_version_has_its_clauses()")


class Migration(migrations.Migration):
    dependencies = [("agreements", "0007_hours_of_a_year_at_most")]

    operations = [
        migrations.RemoveConstraint(
            model_name="furthernotice",
            name="a_further_notice_reminds_or_tells_at_signing",
        ),
        migrations.AddConstraint(
            model_name="furthernotice",
            constraint=models.CheckConstraint(
                condition=models.Q(("days_before__isnull", True), ("contract__isnull", True), _connector="OR"),
                name="a_reminder_is_not_told_at_signing",
            ),
        ),
        migrations.RunPython(add, drop),
    ]
