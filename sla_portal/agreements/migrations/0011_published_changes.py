"""Keep what an announced version changes as it is shown. Versions announced before follow by `freeze_earlier_changes`."""

import django.db.models.deletion
from django.db import migrations, models

from sla_portal.audit.freezing import freeze, never_emptied


class Migration(migrations.Migration):
    dependencies = [("agreements", "0010_tables_are_never_emptied")]
    operations = [
        migrations.CreateModel(
            name='PublishedChanges',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(choices=[('en', 'English'), ('zh-hans', 'Simplified Chinese')], max_length=10, verbose_name='language')),
                ('content', models.JSONField(verbose_name='changes')),
                ('frozen_at', models.DateTimeField(verbose_name='frozen at')),
                ('before', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='agreements.agreementversion', verbose_name='based on version')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='published_changes', to='agreements.agreementversion', verbose_name='version')),
            ],
            options={
                'verbose_name': 'published changes',
                'verbose_name_plural': 'published changes',
                'ordering': ['id'],
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('version', 'language'), name='the_changes_of_a_version_are_frozen_once_in_a_language')],
            },
        ),
        freeze("agreements_publishedchanges"),
        never_emptied("agreements_publishedchanges"),
    ]
