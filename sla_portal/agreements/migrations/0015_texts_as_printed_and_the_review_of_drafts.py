"""Keep the texts of a clause as they were announced, the terms in place of their markers, the PDFs for the e-mail, and the review of drafts.

Versions that an earlier build announced have none: their wordings hold no markers and print as they stand.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("agreements", "0014_periods_of_a_contract_never_overlap"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

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
        migrations.CreateModel(
            name='ClauseComment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('clause', models.CharField(blank=True, help_text='Empty: the draft as a whole.', max_length=10, verbose_name='clause')),
                ('text', models.TextField(max_length=2000, verbose_name='comment')),
                ('written_at', models.DateTimeField(verbose_name='written at')),
                ('resolved_at', models.DateTimeField(blank=True, null=True, verbose_name='resolved at')),
                ('resolved_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='resolved by')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='agreements.agreementversion', verbose_name='version')),
                ('written_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='written by')),
            ],
            options={
                'verbose_name': 'comment on a clause',
                'verbose_name_plural': 'comments on clauses',
                'ordering': ['id'],
                'default_permissions': (),
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('resolved_at__isnull', True), ('resolved_by__isnull', True)), models.Q(('resolved_at__isnull', False), ('resolved_by__isnull', False)), _connector='OR'), name='a_comment_is_resolved_by_somebody')],
            },
        ),
        migrations.CreateModel(
            name='Reviewer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('place', models.PositiveSmallIntegerField(verbose_name='order')),
                ('due_on', models.DateField(blank=True, null=True, verbose_name='due on')),
                ('approved_at', models.DateTimeField(blank=True, null=True, verbose_name='approved at')),
                ('approved_sha256', models.CharField(blank=True, max_length=64, verbose_name='SHA-256 of what was approved')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='reviewer')),
                ('version', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='reviewers', to='agreements.agreementversion', verbose_name='version')),
            ],
            options={
                'verbose_name': 'reviewer',
                'verbose_name_plural': 'reviewers',
                'ordering': ['place'],
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('version', 'place'), name='a_place_in_a_review_has_one_reviewer'), models.UniqueConstraint(fields=('version', 'user'), name='a_person_reviews_a_draft_once'), models.CheckConstraint(condition=models.Q(models.Q(('approved_at__isnull', True), ('approved_sha256', '')), models.Q(('approved_at__isnull', False), models.Q(('approved_sha256', ''), _negated=True)), _connector='OR'), name='an_approval_says_of_which_text')],
            },
        ),
    ]
