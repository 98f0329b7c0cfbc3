"""Let an incident be voided, or merged into another that counts."""

import django.db.models.deletion
from django.db import migrations, models

from incidents.triggers import add, add_merging, drop, drop_merging


class Migration(migrations.Migration):
    dependencies = [("incidents", "0003_order_of_times")]

    operations = [
        migrations.RunPython(drop, add),
        migrations.AlterModelOptions(
            name="incident",
            options={
                "ordering": ["-detected_at", "-id"],
                "permissions": [
                    ("classify_incident", "Can say whether an incident was ours"),
                    ("void_incident", "Can void an incident or merge it into another"),
                ],
                "verbose_name": "incident",
                "verbose_name_plural": "incidents",
            },
        ),
        migrations.AddField(
            model_name="incident",
            name="voided_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="When the incident was voided, or merged into another. From then on it counts for nothing.",
                null=True,
                verbose_name="voided at",
            ),
        ),
        migrations.AddField(
            model_name="incident",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                help_text="The incident that this one is a duplicate of.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="merged",
                to="incidents.incident",
                verbose_name="merged into",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(("merged_into__isnull", True), ("voided_at__isnull", False), _connector="OR"),
                name="a_merged_incident_counts_for_nothing",
            ),
        ),
        migrations.AddConstraint(
            model_name="incident",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("merged_into__isnull", True),
                    models.Q(("merged_into", models.F("id")), _negated=True),
                    _connector="OR",
                ),
                name="an_incident_is_merged_into_another",
            ),
        ),
        migrations.RunPython(add, drop),
        migrations.RunPython(add_merging, drop_merging),
    ]
