"""Let customers be sites of an installer, and contacts be authorised; customers and contacts on record stay as they are."""

import django.db.models.deletion
from django.db import migrations, models

from sla_portal.customers.triggers import add, drop


class Migration(migrations.Migration):
    dependencies = [("customers", "0005_first_and_last_service_day_of_a_region")]

    operations = [
        migrations.AddField(
            model_name="customer",
            name="installer",
            field=models.ForeignKey(
                blank=True,
                help_text=(
                    "This customer is a site of the installer: the installer's contacts act for it and are notified too."
                ),
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="sites",
                to="customers.customer",
                verbose_name="installer",
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="bundled",
            field=models.BooleanField(
                default=True,
                help_text=(
                    "For an installer: its contacts get one e-mail for all sites, with their list. Otherwise one for each "
                    "site."
                ),
                verbose_name="sites bundled",
            ),
        ),
        migrations.AddField(
            model_name="customer",
            name="reports_by_mail",
            field=models.BooleanField(
                default=False,
                help_text=(
                    "Its contacts get an e-mail when the reports of a closed month are issued; for an installer: those of "
                    "its sites."
                ),
                verbose_name="reports by e-mail",
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="authorised",
            field=models.BooleanField(
                default=False,
                help_text=(
                    "May terminate contracts (5.2) and claim compensation. If no contact of a customer is marked, all of "
                    "them may."
                ),
                verbose_name="authorised",
            ),
        ),
        migrations.AddConstraint(
            model_name="customer",
            constraint=models.CheckConstraint(
                condition=models.Q(("installer", models.F("id")), _negated=True),
                name="a_customer_is_not_its_own_installer",
            ),
        ),
        migrations.RunPython(add, drop),
    ]
