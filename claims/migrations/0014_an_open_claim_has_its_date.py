from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("claims", "0013_dates_told_to_customers_and_notes")]

    operations = [
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(fields=['region', 'status', 'due_on', 'received_at', 'id'], name='claims_of_a_region_by_due_date'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(fields=['region', '-received_at', 'id'], name='claims_of_a_region_newest'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(fields=['month', '-received_at', 'id'], name='claims_of_a_month_newest_first'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(fields=['status', 'due_on', 'received_at', 'id'], name='claims_by_due_date'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(fields=['status', 'month', 'due_on', 'received_at', 'id'], name='claims_of_a_month_by_due_date'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(condition=models.Q(('recommended_by__isnull', False)), fields=['recommended_by', 'due_on', 'received_at', 'id'], name='claims_by_recommender'),
        ),
        migrations.AddIndex(
            model_name='claim',
            index=models.Index(condition=models.Q(('assigned_to__isnull', False)), fields=['assigned_to', 'due_on', 'received_at', 'id'], name='claims_by_assignee'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status__in', ('held', 'submitted', 'waiting', 'recommended')), _negated=True), ('due_on__isnull', False), _connector='OR'), name='an_open_claim_has_its_date'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(('due_on__isnull', True), models.Q(('due_on', models.F('answer_due_on')), ('first_answered_at__isnull', True)), models.Q(('due_on', models.F('decision_due_on')), ('first_answered_at__isnull', False)), _connector='OR'), name='the_first_answer_is_due_then_the_decision'),
        ),
        migrations.AddConstraint(
            model_name='claim',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('recommended_by__isnull', False), ('status', 'recommended')), models.Q(models.Q(('status', 'recommended'), _negated=True), ('recommended_by__isnull', True)), _connector='OR'), name='a_claim_pending_approval_names_who_recommended_it'),
        ),
    ]
