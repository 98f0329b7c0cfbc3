"""Rehearsals before the opening, and what makes a database a staging copy; the database guards both."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from sla_portal.audit.freezing import freeze, never_emptied

OPENED = "EXISTS (SELECT 1 FROM operator_opening WHERE opened_at IS NOT NULL)"
REHEARSED = "NEW.opened_at IS NOT NULL AND EXISTS (SELECT 1 FROM operator_rehearsal WHERE ended_at IS NULL)"
BEFORE, AFTER = "a_rehearsal_begins_before_the_opening", "a_portal_is_opened_after_the_rehearsal"
GUARDS = [
    (BEFORE, "INSERT", "operator_rehearsal", OPENED, BEFORE),
    (AFTER, "INSERT", "operator_opening", REHEARSED, AFTER),
    (f"{AFTER}_2", "UPDATE", "operator_opening", REHEARSED, AFTER),
]
POSTGRESQL = """
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF {broken} THEN
    RAISE EXCEPTION '{said}' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()
"""
SQLITE = "CREATE TRIGGER {name} BEFORE {verb} ON {table} WHEN {broken} BEGIN SELECT RAISE(ABORT, '{said}'); END"


def guard(apps, editor):
    statement = POSTGRESQL if editor.connection.vendor == "postgresql" else SQLITE
    for name, verb, table, broken, said in GUARDS:
        editor.execute(statement.format(name=name, verb=verb, table=table, broken=broken, said=said), params=None)


def unguard(apps, editor):
    for name, _verb, table, _broken, _said in GUARDS:
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP TRIGGER {name} ON {table}")
            editor.execute(f"DROP FUNCTION {name}()")
        else:
            editor.execute(f"DROP TRIGGER {name}")


class Migration(migrations.Migration):
    dependencies = [
        ("audit", "0010_documents_of_a_rehearsal"),
        ("operator", "0001_opening"),
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
