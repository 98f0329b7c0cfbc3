"""Dates that customers are told, who works on a claim, and internal notes.

The answer clock of claims received before starts at the upgrade, or at the opening that was announced for them.
"""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from sla_portal.audit.freezing import freeze, never_emptied
from sla_portal.kernel.working_days import WorkingDays

OPEN = ("held", "submitted", "waiting", "recommended")


def fill(apps, editor):
    Claim, Recommendation = apps.get_model("claims", "Claim"), apps.get_model("claims", "Recommendation")
    decided = (
        apps.get_model("claims", "Decision")
        .objects.filter(recommendation__claim=OuterRef("pk"), agreed=True)
        .order_by("id")
        .values("decided_at")[:1]
    )
    contract = apps.get_model("agreements", "Contract").objects.filter(pk=OuterRef("contract"))
    Claim.objects.update(region=Subquery(contract.values("customer__region")[:1]))
    Claim.objects.update(first_answered_at=Coalesce(F("asked_at"), Subquery(decided)))
    newest = Recommendation.objects.filter(claim=OuterRef("pk")).order_by("-id").values("recommended_by")[:1]
    Claim.objects.filter(status="recommended").update(recommended_by=Subquery(newest))
    own_days = apps.get_model("claims", "OwnDay").objects.values_list("day", "working")
    working_days = WorkingDays(settings.SLA_WORKDAY_COUNTRY, own=dict(own_days))
    now = timezone.now()
    claims = Claim.objects.filter(status__in=OPEN)
    for opens_at in claims.order_by().values_list("told_opens_at", flat=True).distinct():
        since = (max(opens_at, now) if opens_at else now).astimezone(settings.SLA_ZONE).date()
        answer = working_days.after(since, settings.CLAIM_FIRST_ANSWER_WORKING_DAYS)
        decision = working_days.after(since, settings.CLAIM_DECISION_WORKING_DAYS)
        of_day = claims.filter(told_opens_at=opens_at) if opens_at else claims.filter(told_opens_at__isnull=True)
        of_day.filter(first_answered_at__isnull=True).update(
            answer_due_on=answer, decision_due_on=decision, due_on=answer
        )
        of_day.filter(first_answered_at__isnull=False).update(decision_due_on=decision, due_on=decision)
    if editor.connection.vendor == "postgresql":
        # Otherwise the indexes of this migration wait for the checks of what was written, and are refused.
        editor.execute("SET CONSTRAINTS ALL IMMEDIATE")


class Migration(migrations.Migration):

    dependencies = [
        ('claims', '0012_credit_notes_and_exports_for_billing'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Mention',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('read_at', models.DateTimeField(blank=True, null=True, verbose_name='read at')),
            ],
            options={
                'verbose_name': 'mention',
                'verbose_name_plural': 'mentions',
                'ordering': ['id'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Note',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField(verbose_name='internal note')),
                ('at', models.DateTimeField(verbose_name='at')),
            ],
            options={
                'verbose_name': 'internal note',
                'verbose_name_plural': 'internal notes',
                'ordering': ['id'],
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='Viewer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('seen_at', models.DateTimeField(db_index=True, verbose_name='viewed at')),
            ],
            options={
                'verbose_name': 'viewer of a claim',
                'verbose_name_plural': 'viewers of claims',
                'default_permissions': (),
            },
        ),
        migrations.AlterModelOptions(
            name='claim',
            options={'default_permissions': ('view',), 'ordering': ['month', 'received_at', 'id'], 'permissions': [('enter_claim', 'Can enter a claim for a customer'), ('review_claim', 'Can review a claim and recommend what becomes of it'), ('note_claim', 'Can leave an internal note on a claim'), ('decide_claim', 'Can decide what another person recommended')], 'verbose_name': 'claim', 'verbose_name_plural': 'claims'},
        ),
        migrations.AddField(
            model_name='claim',
            name='region',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Of the customer when the claim was received; lists are filtered by it.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='customers.region', verbose_name='region'),
        ),
        migrations.AddField(
            model_name='claim',
            name='answer_due_on',
            field=models.DateField(blank=True, help_text='As told to the customer; in the SLA time zone.', null=True, verbose_name='first answer by'),
        ),
        migrations.AddField(
            model_name='claim',
            name='assigned_to',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='assigned to'),
        ),
        migrations.AddField(
            model_name='claim',
            name='decision_due_on',
            field=models.DateField(blank=True, help_text='As told to the customer; in the SLA time zone.', null=True, verbose_name='decision by'),
        ),
        migrations.AddField(
            model_name='claim',
            name='due_on',
            field=models.DateField(blank=True, help_text='The next of the two dates. Empty: nothing is due any more.', null=True, verbose_name='due on'),
        ),
        migrations.AddField(
            model_name='claim',
            name='first_answered_at',
            field=models.DateTimeField(blank=True, help_text='The first question to the customer, or the decision.', null=True, verbose_name='first answered at'),
        ),
        migrations.AddField(
            model_name='claim',
            name='recommended_by',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Of the recommendation that is pending approval.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='recommended by'),
        ),
        migrations.AddField(
            model_name='mention',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='colleague'),
        ),
        migrations.AddField(
            model_name='note',
            name='author',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='author'),
        ),
        migrations.AddField(
            model_name='note',
            name='claim',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='claims.claim', verbose_name='claim'),
        ),
        migrations.AddField(
            model_name='mention',
            name='note',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='mentions', to='claims.note', verbose_name='internal note'),
        ),
        migrations.AddField(
            model_name='viewer',
            name='claim',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='viewers', to='claims.claim', verbose_name='claim'),
        ),
        migrations.AddField(
            model_name='viewer',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='viewed by'),
        ),
        migrations.AddConstraint(
            model_name='note',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='a_note_says_something'),
        ),
        migrations.AddIndex(
            model_name='mention',
            index=models.Index(condition=models.Q(('read_at__isnull', True)), fields=['user', 'id'], name='mentions_to_be_read'),
        ),
        migrations.AddConstraint(
            model_name='mention',
            constraint=models.UniqueConstraint(fields=('note', 'user'), name='a_note_mentions_a_person_once'),
        ),
        migrations.AddConstraint(
            model_name='viewer',
            constraint=models.UniqueConstraint(fields=('claim', 'user'), name='a_person_looks_at_a_claim_once'),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=False),
        freeze("claims_note"),
        freeze("claims_mention", columns=("note_id", "user_id")),
        never_emptied("claims_note", "claims_mention"),
    ]
