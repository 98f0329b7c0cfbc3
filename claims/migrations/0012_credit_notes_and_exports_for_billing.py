import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from sla_portal.audit.freezing import freeze, never_emptied


class Migration(migrations.Migration):

    dependencies = [
        ('claims', '0011_vouchers_redeemed_in_parts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='compensation',
            options={'default_permissions': ('view',), 'ordering': ['id'], 'permissions': [('redeem_voucher', 'Can note that a voucher was redeemed'), ('reverse_compensation', 'Can reverse an entry of the ledger'), ('export_for_billing', 'Can mark how far the ledger was exported for billing')], 'verbose_name': 'compensation', 'verbose_name_plural': 'compensations'},
        ),
        migrations.CreateModel(
            name='BillingExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(unique=True, verbose_name='number')),
                ('exported_at', models.DateTimeField(verbose_name='exported at')),
                ('entries', models.PositiveIntegerField(verbose_name='entries')),
                ('exported_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='exported by')),
            ],
            options={
                'verbose_name': 'export for billing',
                'verbose_name_plural': 'exports for billing',
                'ordering': ['-number'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='BilledEntry',
            fields=[
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='billed', serialize=False, to='claims.entry', verbose_name='ledger entry')),
                ('export', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='billed', to='claims.billingexport', verbose_name='export for billing')),
            ],
            options={
                'verbose_name': 'exported entry',
                'verbose_name_plural': 'exported entries',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='CreditNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.CharField(max_length=20, unique=True, verbose_name='number')),
                ('statement', models.JSONField(help_text='What it says, as it was when it was issued.', verbose_name='statement')),
                ('issued_at', models.DateTimeField(verbose_name='issued at')),
                ('pdf', models.CharField(blank=True, help_text='Name of the stored PDF. Empty: not printed yet.', max_length=200)),
                ('sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256 of the file')),
                ('cancels', models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='cancelled_by', to='claims.creditnote', verbose_name='cancels')),
                ('entry', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='credit_note', to='claims.entry', verbose_name='ledger entry')),
            ],
            options={
                'verbose_name': 'credit note',
                'verbose_name_plural': 'credit notes',
                'ordering': ['id'],
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('sha256', '')), fields=['id'], name='credit_notes_to_print')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('pdf', ''), ('sha256', '')), models.Q(models.Q(('pdf', ''), _negated=True), models.Q(('sha256', ''), _negated=True)), _connector='OR'), name='a_printed_credit_note_has_a_file_with_a_hash')],
            },
        ),
        freeze("claims_creditnote", columns=("number", "entry_id", "cancels_id", "statement", "issued_at"), part="_issued"),
        freeze("claims_creditnote", once="OLD.sha256 <> ''", part="_printed"),
        freeze("claims_billingexport", "claims_billedentry"),
        never_emptied("claims_creditnote", "claims_billingexport", "claims_billedentry"),
    ]
