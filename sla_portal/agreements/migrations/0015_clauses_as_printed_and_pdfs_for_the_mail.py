"""Keep the texts of a clause as they were announced, the terms in place of their markers, and the PDFs for the e-mail.

Versions that an earlier build announced have none: their wordings hold no markers and print as they stand.
"""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("agreements", "0014_periods_of_a_contract_never_overlap")]

    operations = [
        # Without a default: SQLite adds the column without copying the table, which keeps its triggers.
        migrations.AddField(
            model_name="clause",
            name="printed",
            field=models.JSONField(
                blank=True,
                help_text="The texts as they were announced, their terms in place.",
                null=True,
                verbose_name="printed texts",
            ),
        ),
        migrations.CreateModel(
            name='MailedPdf',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('text', 'full text'), ('redline', 'redline')], max_length=10, verbose_name='kind')),
                ('language', models.CharField(choices=[('en', 'English'), ('zh-hans', 'Simplified Chinese')], max_length=10, verbose_name='language')),
                ('of_sha256', models.CharField(max_length=64, verbose_name='SHA-256 of text and terms')),
                ('content', models.BinaryField(verbose_name='content')),
                ('made_at', models.DateTimeField(verbose_name='made at')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mailed_pdfs', to='agreements.agreementversion', verbose_name='version')),
            ],
            options={
                'verbose_name': 'PDF for the e-mail',
                'verbose_name_plural': 'PDFs for the e-mail',
                'ordering': ['id'],
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('version', 'kind', 'language'), name='a_pdf_for_the_mail_is_made_once_in_a_language')],
            },
        ),
    ]
