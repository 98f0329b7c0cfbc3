"""Add codes and sessions of the customer account: contacts sign in with an identity that is none of the staff."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0007_rights_of_a_contact'),
    ]

    operations = [
        migrations.CreateModel(
            name='AccountSession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_hash', models.CharField(help_text='SHA-256 of the cookie.', max_length=64, unique=True)),
                ('email', models.EmailField(help_text='The address then: another on record ends the session.', max_length=254, verbose_name='e-mail')),
                ('started_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('contact', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='account_sessions', to='customers.contact')),
            ],
            options={
                'verbose_name': 'session in the customer account',
                'verbose_name_plural': 'sessions in the customer account',
                'default_permissions': (),
                'indexes': [models.Index(fields=['expires_at'], name='account_sessions_by_expiry')],
                'constraints': [models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('started_at'))), name='a_session_ends_after_it_starts')],
            },
        ),
        migrations.CreateModel(
            name='SignInCode',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('key_hash', models.CharField(help_text='SHA-256 of the key in the address of its page.', max_length=64, unique=True)),
                ('email', models.EmailField(help_text='As typed, on record or not.', max_length=254, verbose_name='e-mail')),
                ('asked_at', models.DateTimeField()),
                ('expires_at', models.DateTimeField()),
                ('looked_up_at', models.DateTimeField(help_text='When a task looked for the address, and mailed the code.', null=True)),
                ('code_hash', models.CharField(blank=True, max_length=64)),
                ('link_hash', models.CharField(blank=True, db_index=True, max_length=64)),
                ('wrong_codes', models.PositiveSmallIntegerField(default=0)),
                ('used_at', models.DateTimeField(null=True)),
                ('contact', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='customers.contact')),
            ],
            options={
                'verbose_name': 'code for the customer account',
                'verbose_name_plural': 'codes for the customer account',
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('looked_up_at__isnull', True)), fields=['id'], name='sign_ins_to_be_mailed'), models.Index(fields=['expires_at'], name='sign_ins_by_expiry')],
                'constraints': [models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('asked_at'))), name='a_sign_in_code_expires_after_it_is_asked_for'), models.CheckConstraint(condition=models.Q(('used_at__isnull', True), models.Q(('contact__isnull', False), ('used_at__lt', models.F('expires_at')), models.Q(('code_hash', ''), _negated=True)), _connector='OR'), name='a_sign_in_code_is_used_while_it_is_valid')],
            },
        ),
    ]
