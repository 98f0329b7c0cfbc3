"""Record which reports the contacts of customers were told of."""

import django.db.models.deletion
from django.db import migrations, models

from sla_portal.audit.freezing import freeze, never_emptied


class Migration(migrations.Migration):
    dependencies = [("notices", "0013_sites_of_installers"), ("reports", "0008_register_what_was_issued")]

    operations = [
        migrations.CreateModel(
            name="MailedReport",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "notice",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mailed_reports",
                        to="notices.notice",
                        verbose_name="notice",
                    ),
                ),
                (
                    "report",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="mailed",
                        to="reports.report",
                        verbose_name="report",
                    ),
                ),
            ],
            options={
                "verbose_name": "report told of by e-mail",
                "verbose_name_plural": "reports told of by e-mail",
                "ordering": ["id"],
                "default_permissions": (),
            },
        ),
        freeze("reports_mailedreport"),
        never_emptied("reports_mailedreport"),
    ]
