"""Rehearsals before the opening, and what makes a database a staging copy; the database guards both."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from sla_portal.audit.freezing import freeze, never_emptied

OPENED = "EXISTS (SELECT 1 FROM audit_closedmonth)"
"""The portal is open to the public."""
NAME = "a_rehearsal_begins_before_the_opening"
POSTGRESQL = f"""
CREATE FUNCTION {NAME}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF {OPENED} THEN
    RAISE EXCEPTION '{NAME}' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER {NAME} BEFORE INSERT ON operator_rehearsal FOR EACH ROW EXECUTE FUNCTION {NAME}()
"""
SQLITE = (
    f"CREATE TRIGGER {NAME} BEFORE INSERT ON operator_rehearsal WHEN {OPENED} BEGIN SELECT RAISE(ABORT, '{NAME}'); END"
)


def guard(apps, editor):
    editor.execute(POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE, params=None)


def unguard(apps, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute(f"DROP TRIGGER {NAME} ON operator_rehearsal")
        editor.execute(f"DROP FUNCTION {NAME}()")
    else:
        editor.execute(f"DROP TRIGGER {NAME}")


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("audit", "0010_documents_of_a_rehearsal"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name='Rehearsal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('begun_at', models.DateTimeField(verbose_name='begun at')),
                ('begun_by_name', models.CharField(max_length=200, verbose_name='begun by')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended at')),
                ('ended_by_name', models.CharField(blank=True, max_length=200, verbose_name='ended by')),
                ('begun_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='begun by')),
            ],
            options={
                'verbose_name': 'rehearsal',
                'verbose_name_plural': 'rehearsals',
                'ordering': ['-id'],
                'permissions': [('begin_rehearsal', 'Can begin a rehearsal before the portal is opened')],
                'default_permissions': (),
                'constraints': [
                    models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', True), ('ended_by_name', '')), models.Q(('ended_at__gte', models.F('begun_at')), models.Q(('ended_by_name', ''), _negated=True)), _connector='OR'), name='a_rehearsal_is_ended_by_someone_after_it_began'),
                    models.UniqueConstraint(condition=models.Q(('ended_at__isnull', True)), fields=('ended_by_name',), name='one_rehearsal_runs_at_a_time'),
                ],
            },
        ),
        migrations.CreateModel(
            name='StagingCopy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('made_at', models.DateTimeField(verbose_name='made at')),
                ('masked', models.BooleanField(verbose_name='names and addresses masked')),
            ],
            options={
                'verbose_name': 'staging copy',
                'verbose_name_plural': 'staging copies',
                'ordering': ['-id'],
                'default_permissions': (),
            },
        ),
        migrations.RunPython(guard, unguard),
        freeze("operator_rehearsal", once="OLD.ended_at IS NOT NULL"),
        freeze("operator_stagingcopy"),
        never_emptied("operator_rehearsal", "operator_stagingcopy"),
    ]
