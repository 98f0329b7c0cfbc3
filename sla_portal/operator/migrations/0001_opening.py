"""The opening to the public. An installation with a record counts as opened: its public website has reported all along."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.utils import timezone

from sla_portal.audit.freezing import freeze, never_emptied


def count_as_opened(apps, _editor):
    def rows(app, model):
        return apps.get_model(app, model).objects

    reported = (
        rows("availability", "MonthClosing"),
        rows("notices", "Notice").filter(public=True),
        rows("incidents", "Incident"),
        rows("customers", "Customer"),
    )
    if any(found.exists() for found in reported):
        rows("operator", "Opening").create(pk=1, opened_at=timezone.now())


class Migration(migrations.Migration):
    initial = True
    dependencies = [
        ("audit", "0009_documents_and_seals"),
        ("availability", "0009_what_a_closing_states"),
        ("customers", "0004_words_of_the_field"),
        ("incidents", "0005_how_incidents_are_worked"),
        ("notices", "0010_copies_of_pages_and_hashes_of_mails"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]
    operations = [
        migrations.CreateModel(
            name='Opening',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reported_from', models.DateField(blank=True, help_text='The website names this day until the portal is opened.', null=True, verbose_name='reported from')),
                ('opened_at', models.DateTimeField(blank=True, null=True, verbose_name='opened at')),
                ('opened_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='opened by')),
            ],
            options={
                'verbose_name': 'opening to the public',
                'verbose_name_plural': 'opening to the public',
                'permissions': [('open_portal', 'Can open the portal to the public')],
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='a_portal_is_opened_once'), models.CheckConstraint(condition=models.Q(('opened_at__isnull', False), ('opened_by__isnull', True), _connector='OR'), name='who_opened_a_portal_did_so_at_a_time')],
            },
        ),
        freeze("operator_opening", once="OLD.opened_at IS NOT NULL"),
        never_emptied("operator_opening"),
        migrations.RunPython(count_as_opened, migrations.RunPython.noop),
    ]
