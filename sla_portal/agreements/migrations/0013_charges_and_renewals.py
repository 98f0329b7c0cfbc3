"""Charges that hold from a service month on, and which period renews which; until now only the days of a contract said so."""

import django.db.models.deletion
from django.db import migrations, models

from sla_portal.agreements.rules import Period, renewals_by_days
from sla_portal.audit.freezing import freeze, never_emptied


def link_renewals(apps, _editor):
    contracts = apps.get_model("agreements", "Contract").objects
    periods = [
        Period(row.pk, row.customer_id, row.starts_on, row.ends_on, row.terminated_on or row.extended_to or row.ends_on)
        for row in contracts.order_by("pk")
    ]
    for earlier, later in renewals_by_days(periods):
        contracts.filter(pk=later).update(renews_id=earlier)


class Migration(migrations.Migration):

    dependencies = [
        ('agreements', '0012_a_version_in_use_stands_still'),
    ]

    operations = [
        migrations.AddField(
            model_name='contract',
            name='renews',
            field=models.OneToOneField(blank=True, help_text='The contract period before this one.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='renewed_by', to='agreements.contract', verbose_name='renews'),
        ),
        migrations.AlterField(
            model_name='contract',
            name='monthly_charge',
            field=models.DecimalField(decimal_places=3, help_text='The first; a later one holds from a service month on.', max_digits=12, verbose_name='monthly charge'),
        ),
        migrations.CreateModel(
            name='Charge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('from_month', models.DateField(help_text='The first day of the month.', verbose_name='from service month')),
                ('revision', models.PositiveSmallIntegerField(default=1, verbose_name='revision')),
                ('monthly_charge', models.DecimalField(decimal_places=3, max_digits=12, verbose_name='monthly charge')),
                ('reason', models.TextField(blank=True, verbose_name='reason')),
                ('recorded_at', models.DateTimeField(verbose_name='recorded at')),
                ('contract', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='charges', to='agreements.contract', verbose_name='contract')),
            ],
            options={
                'verbose_name': 'charge',
                'verbose_name_plural': 'charges',
                'ordering': ['from_month', 'revision'],
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('contract', 'from_month', 'revision'), name='a_charge_has_each_revision_once'), models.CheckConstraint(condition=models.Q(('monthly_charge__gte', 0)), name='a_charge_is_not_negative'), models.CheckConstraint(condition=models.Q(('revision', 1), models.Q(('reason', ''), _negated=True), _connector='OR'), name='a_corrected_charge_states_its_reason')],
            },
        ),
        freeze("agreements_charge"),
        never_emptied("agreements_charge"),
        migrations.RunPython(link_renewals, migrations.RunPython.noop),
    ]
