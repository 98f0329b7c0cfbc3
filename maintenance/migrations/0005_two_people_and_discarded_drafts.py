"""Let two people announce more than 24 hours, and drafts be discarded.

The trigger binds notices that are sent from now on; those of an earlier build, and those of history files, stay as they are.
A later migration that alters the table of notices or of requests calls `drop` first and `add` afterwards: on SQLite such a
migration makes the table anew, which loses the triggers on it and fails on those that name it.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

RULE = "a_notice_of_more_than_24_hours_was_requested"
REQUESTED = (
    "SELECT 1 FROM maintenance_announcementrequest AS request WHERE request.window_id = NEW.window_id "
    "AND request.status = 'pending' AND request.starts_at = NEW.starts_at AND request.ends_at = NEW.ends_at"
)
TRIGGERS = {
    "postgresql": [
        f"CREATE FUNCTION {RULE}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN IF NEW.ends_at - NEW.starts_at > interval '24 hours' AND NOT EXISTS ({REQUESTED}) THEN "
        f"RAISE EXCEPTION '{RULE}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
        f"CREATE TRIGGER {RULE} BEFORE INSERT ON maintenance_maintenancenotice "
        f"FOR EACH ROW WHEN (NEW.notice_id IS NOT NULL) EXECUTE FUNCTION {RULE}()",
    ],
    "sqlite": [
        f"CREATE TRIGGER {RULE} BEFORE INSERT ON maintenance_maintenancenotice WHEN NEW.notice_id IS NOT NULL "
        f"AND strftime('%s', NEW.ends_at) - strftime('%s', NEW.starts_at) > 86400 AND NOT EXISTS ({REQUESTED}) "
        f"BEGIN SELECT RAISE(ABORT, '{RULE}'); END",
    ],
}


def add(_apps, editor):
    for statement in TRIGGERS[editor.connection.vendor]:
        editor.execute(statement, params=None)


def drop(_apps, editor):
    if editor.connection.vendor == "postgresql":
        editor.execute(f"DROP TRIGGER {RULE} ON maintenance_maintenancenotice")
        editor.execute(f"DROP FUNCTION {RULE}()")
    else:
        editor.execute(f"DROP TRIGGER {RULE}")


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0004_words_of_the_field'),
        ('maintenance', '0004_not_carried_out'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='AnnouncementRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('starts_at', models.DateTimeField(verbose_name='from')),
                ('ends_at', models.DateTimeField(verbose_name='until')),
                ('reason', models.TextField(blank=True, verbose_name='reason for customers')),
                ('why', models.TextField(verbose_name='reason for more than 24 hours')),
                ('requested_by_name', models.CharField(max_length=200, verbose_name='name of who requested it')),
                ('requested_at', models.DateTimeField(verbose_name='requested at')),
                ('status', models.CharField(choices=[('pending', 'pending confirmation'), ('confirmed', 'confirmed'), ('returned', 'sent back'), ('withdrawn', 'withdrawn'), ('superseded', 'superseded by another change of the window')], default='pending', max_length=10, verbose_name='status')),
                ('decided_by_name', models.CharField(blank=True, max_length=200, verbose_name='name of who decided it')),
                ('decided_at', models.DateTimeField(blank=True, null=True, verbose_name='decided at')),
                ('decision_reason', models.TextField(blank=True, verbose_name='reason for the decision')),
            ],
            options={
                'verbose_name': 'request for an announcement',
                'verbose_name_plural': 'requests for announcements',
                'ordering': ['requested_at', 'id'],
                'default_permissions': (),
            },
        ),
        migrations.AlterModelOptions(
            name='maintenancewindow',
            options={'ordering': ['-starts_at', '-id'], 'permissions': [('announce_maintenancewindow', 'Can announce a maintenance window'), ('confirm_maintenancewindow', 'Can confirm the announcement of a maintenance window longer than 24 hours')], 'verbose_name': 'maintenance window', 'verbose_name_plural': 'maintenance windows'},
        ),
        migrations.AddField(
            model_name='maintenancewindow',
            name='discarded_at',
            field=models.DateTimeField(blank=True, help_text='A draft that will not be announced.', null=True, verbose_name='discarded at'),
        ),
        migrations.AddConstraint(
            model_name='maintenancewindow',
            constraint=models.CheckConstraint(condition=models.Q(('discarded_at__isnull', True), models.Q(('cancelled_at__isnull', True), ('completed_at__isnull', True), ('not_carried_out_at__isnull', True), ('started_at__isnull', True)), _connector='OR'), name='a_discarded_window_was_a_draft'),
        ),
        migrations.AddField(
            model_name='announcementrequest',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='announcementrequest',
            name='requested_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='requested by'),
        ),
        migrations.AddField(
            model_name='announcementrequest',
            name='sent',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='request', to='maintenance.maintenancenotice', verbose_name='notice sent'),
        ),
        migrations.AddField(
            model_name='announcementrequest',
            name='window',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='requests', to='maintenance.maintenancewindow', verbose_name='window'),
        ),
        migrations.AddConstraint(
            model_name='announcementrequest',
            constraint=models.UniqueConstraint(condition=models.Q(('status', 'pending')), fields=('window',), name='a_window_has_one_pending_request'),
        ),
        migrations.AddConstraint(
            model_name='announcementrequest',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'confirmed', 'returned', 'withdrawn', 'superseded'])), name='a_requested_announcement_has_a_known_status'),
        ),
        migrations.AddConstraint(
            model_name='announcementrequest',
            constraint=models.CheckConstraint(condition=models.Q(('ends_at__gt', models.F('starts_at'))), name='a_requested_window_ends_after_it_starts'),
        ),
        migrations.AddConstraint(
            model_name='announcementrequest',
            constraint=models.CheckConstraint(condition=models.Q(('why', ''), _negated=True), name='a_request_says_why_more_than_24_hours'),
        ),
        migrations.AddConstraint(
            model_name='announcementrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('sent__isnull', True), ('status', 'pending')), models.Q(('decided_at__isnull', False), ('sent__isnull', False), ('status', 'confirmed')), models.Q(models.Q(('status__in', ['pending', 'confirmed']), _negated=True), ('decided_at__isnull', False), ('sent__isnull', True)), _connector='OR'), name='a_confirmed_request_and_no_other_sends_its_notice'),
        ),
        migrations.AddConstraint(
            model_name='announcementrequest',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ['confirmed', 'returned']), _negated=True), ('requested_by__isnull', True), ('decided_by__isnull', True), models.Q(('decided_by', models.F('requested_by')), _negated=True), _connector='OR'), name='a_long_window_is_confirmed_by_another_person'),
        ),
        migrations.RunPython(add, drop),
    ]
