"""Keep acceptances, cases of objections, withdrawals by two persons, and what became of contracts ended because of one."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('agreements', '0015_texts_as_printed_and_the_review_of_drafts'),
        ('customers', '0006_sites_of_an_installer'),
        ('notices', '0014_from_whom_mails_come'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Reinstatement',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('outcome', models.CharField(choices=[('reinstated', 'reinstated'), ('left', 'stays terminated')], max_length=10, verbose_name='outcome')),
                ('consent_by', models.CharField(blank=True, help_text='Who agreed on behalf of the customer.', max_length=200, verbose_name='consent given by')),
                ('consent', models.TextField(blank=True, help_text='When and how it was given.', max_length=2000, verbose_name='consent')),
                ('reason', models.TextField(blank=True, max_length=2000, verbose_name='reason')),
                ('decided_at', models.DateTimeField(verbose_name='decided at')),
            ],
            options={
                'verbose_name': 'reinstatement',
                'verbose_name_plural': 'reinstatements',
                'ordering': ['id'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Withdrawal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.TextField(max_length=2000, verbose_name='reason, in English')),
                ('reason_zh', models.TextField(max_length=2000, verbose_name='reason, in Chinese')),
                ('requested_at', models.DateTimeField(verbose_name='requested at')),
                ('requested_by_name', models.CharField(max_length=200, verbose_name='requested by')),
                ('one_person', models.BooleanField(default=False, help_text='The second person was switched off.', verbose_name='by one person')),
                ('status', models.CharField(choices=[('pending', 'pending approval'), ('confirmed', 'confirmed'), ('returned', 'sent back'), ('cancelled', 'cancelled')], default='pending', max_length=10, verbose_name='status')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided at')),
                ('decision_reason', models.TextField(blank=True, verbose_name='reason for the decision')),
            ],
            options={
                'verbose_name': 'request to withdraw a version',
                'verbose_name_plural': 'requests to withdraw a version',
                'ordering': ['-id'],
                'default_permissions': (),
            },
        ),
        migrations.RemoveConstraint(
            model_name='answer',
            name='a_customer_gives_an_answer_once',
        ),
        migrations.RemoveConstraint(
            model_name='answer',
            name='an_answer_is_an_objection_or_a_termination',
        ),
        migrations.RemoveConstraint(
            model_name='answer',
            name='a_termination_has_a_last_service_day',
        ),
        migrations.AddField(
            model_name='answer',
            name='before',
            field=models.JSONField(blank=True, default=dict, help_text='What a termination changed, by contract: its earlier end, and the renewals that were withdrawn.', verbose_name='contracts before'),
        ),
        migrations.AddField(
            model_name='answer',
            name='due_on',
            field=models.DateField(blank=True, null=True, verbose_name='reply due on'),
        ),
        migrations.AddField(
            model_name='answer',
            name='email',
            field=models.EmailField(blank=True, help_text='From which it was given. Empty: outside the portal, or by an earlier build.', max_length=254, verbose_name='address'),
        ),
        migrations.AddField(
            model_name='answer',
            name='owner',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='owner'),
        ),
        migrations.AddField(
            model_name='answer',
            name='replied_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='replied at'),
        ),
        migrations.AddField(
            model_name='answer',
            name='replied_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='replied by'),
        ),
        migrations.AddField(
            model_name='answer',
            name='reply',
            field=models.TextField(blank=True, max_length=5000, verbose_name='reply'),
        ),
        migrations.AddField(
            model_name='answer',
            name='reply_zh',
            field=models.TextField(blank=True, max_length=5000, verbose_name='reply (Chinese)'),
        ),
        migrations.AlterField(
            model_name='answer',
            name='kind',
            field=models.CharField(choices=[('acceptance', 'acceptance'), ('objection', 'objection'), ('termination', 'termination')], max_length=15, verbose_name='kind'),
        ),
        migrations.AddConstraint(
            model_name='answer',
            constraint=models.UniqueConstraint(condition=models.Q(('withdrawn_at__isnull', True), models.Q(('kind', 'acceptance'), _negated=True)), fields=('version', 'customer', 'kind'), name='a_customer_gives_an_answer_once'),
        ),
        migrations.AddConstraint(
            model_name='answer',
            constraint=models.UniqueConstraint(models.F('version'), models.F('customer'), django.db.models.functions.text.Lower('email'), django.db.models.functions.text.Lower('by_name'), condition=models.Q(('kind', 'acceptance'), ('withdrawn_at__isnull', True)), name='a_person_accepts_a_version_once'),
        ),
        migrations.AddConstraint(
            model_name='answer',
            constraint=models.CheckConstraint(condition=models.Q(('kind__in', ['acceptance', 'objection', 'termination'])), name='an_answer_accepts_objects_or_terminates'),
        ),
        migrations.AddConstraint(
            model_name='answer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('replied_at__isnull', True), ('reply', ''), ('reply_zh', '')), models.Q(models.Q(('kind', 'objection'), ('replied_at__isnull', False)), models.Q(('reply', ''), ('reply_zh', ''), _negated=True)), _connector='OR'), name='only_an_objection_is_replied_to_in_words'),
        ),
        migrations.AddConstraint(
            model_name='answer',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('kind', 'termination'), ('last_day__isnull', False)), models.Q(models.Q(('kind', 'termination'), _negated=True), ('last_day__isnull', True)), _connector='OR'), name='a_termination_has_a_last_service_day'),
        ),
        migrations.AddField(
            model_name='reinstatement',
            name='answer',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reinstatements', to='agreements.answer', verbose_name='response'),
        ),
        migrations.AddField(
            model_name='reinstatement',
            name='contract',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reinstatements', to='agreements.contract', verbose_name='contract'),
        ),
        migrations.AddField(
            model_name='reinstatement',
            name='decided_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='reinstatement',
            name='delivery',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='notices.delivery', verbose_name='e-mail whose link was used'),
        ),
        migrations.AddField(
            model_name='withdrawal',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='decided by'),
        ),
        migrations.AddField(
            model_name='withdrawal',
            name='requested_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='requested by'),
        ),
        migrations.AddField(
            model_name='withdrawal',
            name='version',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='withdrawals', to='agreements.agreementversion', verbose_name='version'),
        ),
        migrations.AddConstraint(
            model_name='reinstatement',
            constraint=models.UniqueConstraint(fields=('answer', 'contract'), name='an_ended_contract_is_decided_on_once'),
        ),
        migrations.AddConstraint(
            model_name='reinstatement',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(models.Q(('outcome', 'reinstated')), models.Q(('consent_by', ''), _negated=True), models.Q(models.Q(('consent', ''), _negated=True), ('delivery__isnull', False), _connector='OR')), models.Q(models.Q(('outcome', 'left')), models.Q(('reason', ''), _negated=True)), _connector='OR'), name='a_contract_is_reinstated_with_consent_or_left_with_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='withdrawal',
            constraint=models.UniqueConstraint(condition=models.Q(('status__in', ['pending', 'confirmed'])), fields=('version',), name='a_version_has_one_withdrawal_that_stands'),
        ),
        migrations.AddConstraint(
            model_name='withdrawal',
            constraint=models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'confirmed', 'returned', 'cancelled'])), name='a_withdrawal_has_a_known_status'),
        ),
        migrations.AddConstraint(
            model_name='withdrawal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), _negated=True), models.Q(('reason_zh', ''), _negated=True)), name='a_withdrawal_is_worded_in_every_language'),
        ),
        migrations.AddConstraint(
            model_name='withdrawal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decided_at__isnull', True), ('status', 'pending')), models.Q(models.Q(('status', 'pending'), _negated=True), ('decided_at__isnull', False)), _connector='OR'), name='a_withdrawal_is_pending_or_decided'),
        ),
        migrations.AddConstraint(
            model_name='withdrawal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'returned'), _negated=True), models.Q(('decision_reason', ''), _negated=True), _connector='OR'), name='a_withdrawal_is_sent_back_with_a_reason'),
        ),
        migrations.AddConstraint(
            model_name='withdrawal',
            constraint=models.CheckConstraint(condition=models.Q(('status', 'cancelled'), ('one_person', True), ('requested_by__isnull', True), ('decided_by__isnull', True), models.Q(('decided_by', models.F('requested_by')), _negated=True), _connector='OR'), name='a_withdrawal_is_decided_by_another_person'),
        ),
    ]
