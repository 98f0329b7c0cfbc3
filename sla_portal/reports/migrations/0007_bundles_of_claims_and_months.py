"""Let a bundle be of a claim or of a month, too; keep the PDFs of announced versions."""

import django.db.models.deletion
from django.db import migrations, models

from sla_portal.audit.freezing import freeze, never_emptied, thaw


class Migration(migrations.Migration):
    dependencies = [
        ("agreements", "0011_published_changes"),
        ("claims", "0007_tables_are_never_emptied"),
        ("reports", "0006_tables_are_never_emptied"),
    ]
    operations = [
        migrations.CreateModel(
            name='VersionPdf',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('text', 'text and terms'), ('redline', 'changes')], max_length=10, verbose_name='kind')),
                ('language', models.CharField(choices=[('en', 'English'), ('zh-hans', 'Simplified Chinese')], max_length=10, verbose_name='language')),
                ('content', models.BinaryField(verbose_name='content')),
                ('sha256', models.CharField(max_length=64, verbose_name='SHA-256 of the content')),
                ('printed_at', models.DateTimeField(verbose_name='printed at')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='pdfs', to='agreements.agreementversion', verbose_name='agreement version')),
            ],
            options={
                'verbose_name': 'PDF of an agreement version',
                'verbose_name_plural': 'PDFs of agreement versions',
                'ordering': ['id'],
                'default_permissions': (),
                'constraints': [
                    models.UniqueConstraint(fields=('version', 'kind', 'language'), name='a_version_is_printed_once_in_a_language'),
                    models.CheckConstraint(condition=models.Q(('kind__in', ['text', 'redline'])), name='a_version_is_printed_as_text_or_as_redline'),
                ],
            },
        ),
        freeze("reports_versionpdf"),
        never_emptied("reports_versionpdf"),
        # SQLite makes the table anew, and loses its triggers.
        thaw("reports_bundle", once="OLD.status = 'ready'"),
        migrations.AddField(
            model_name='bundle',
            name='claim',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='bundles', to='claims.claim', verbose_name='claim'),
        ),
        migrations.AddField(
            model_name='bundle',
            name='month',
            field=models.DateField(blank=True, help_text='First day of the month.', null=True, verbose_name='month'),
        ),
        migrations.AlterField(
            model_name='bundle',
            name='version',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='bundles', to='agreements.agreementversion', verbose_name='agreement version'),
        ),
        migrations.AddConstraint(
            model_name='bundle',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('claim__isnull', True), ('month__isnull', True), ('version__isnull', False)), models.Q(('claim__isnull', False), ('month__isnull', True), ('version__isnull', True)), models.Q(('claim__isnull', True), ('month__isnull', False), ('version__isnull', True)), _connector='OR'), name='a_bundle_is_of_a_version_a_claim_or_a_month'),
        ),
        freeze("reports_bundle", once="OLD.status = 'ready'"),
    ]
