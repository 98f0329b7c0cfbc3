"""Keep copies of public pages, and the SHA-256 of each e-mail as it was handed over."""

import django.db.models.deletion
from django.db import migrations, models

from sla_portal.audit.freezing import freeze, never_emptied


class Migration(migrations.Migration):
    dependencies = [("notices", "0009_what_was_sent_to_whom_stays")]
    operations = [
        migrations.AddField(
            model_name='delivery',
            name='mail_sha256',
            field=models.CharField(blank=True, help_text='As handed over. Empty: by an earlier build, or built by a mail provider.', max_length=64, null=True, verbose_name='SHA-256 of the e-mail'),
        ),
        migrations.CreateModel(
            name='PageCopy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('url', models.URLField(max_length=500, verbose_name='address')),
                ('fetched_at', models.DateTimeField(verbose_name='fetched at')),
                ('content_type', models.CharField(max_length=100, verbose_name='type')),
                ('body', models.BinaryField(verbose_name='content')),
                ('sha256', models.CharField(max_length=64, verbose_name='SHA-256 of the content')),
                ('notice', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='page_copies', to='notices.notice', verbose_name='notice')),
            ],
            options={
                'verbose_name': 'copy of a public page',
                'verbose_name_plural': 'copies of public pages',
                'ordering': ['id'],
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('notice', 'url'), name='a_page_of_a_notice_is_kept_once')],
            },
        ),
        freeze(
            "notices_delivery",
            changed="OLD.status = 'sent' AND NEW.mail_sha256 IS DISTINCT FROM OLD.mail_sha256",
            columns=("mail_sha256",),
            part="_mailed",
        ),
        freeze("notices_pagecopy"),
        never_emptied("notices_pagecopy"),
    ]
