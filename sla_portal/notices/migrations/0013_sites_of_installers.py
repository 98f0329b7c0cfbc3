"""Record for which customers an e-mail is, and let an installer have one for each site."""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Coalesce, Lower

from sla_portal.audit.freezing import freeze, never_emptied


def guard_again(apps, editor):
    """Going back, SQLite copies the table to drop the column, and a copied table has lost its triggers."""
    if editor.connection.vendor != "sqlite":
        return
    addressed_and_accepted = import_module("sla_portal.notices.migrations.0009_what_was_sent_to_whom_stays")
    mailed = import_module("sla_portal.notices.migrations.0010_copies_of_pages_and_hashes_of_mails")
    for step in (*addressed_and_accepted.Migration.operations[:2], mailed.Migration.operations[2]):
        step.code(apps, editor)


class Migration(migrations.Migration):
    dependencies = [
        ("customers", "0006_sites_of_an_installer"),
        ("notices", "0012_held_in_a_staging_copy"),
    ]

    operations = [
        migrations.RunPython(migrations.RunPython.noop, guard_again),
        migrations.RemoveConstraint(model_name="delivery", name="an_address_is_told_once"),
        migrations.AddField(
            model_name="delivery",
            name="site",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                help_text="Where an installer gets an e-mail for each site: the one that this e-mail is for.",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="customers.customer",
                verbose_name="site",
            ),
        ),
        migrations.AddConstraint(
            model_name="delivery",
            constraint=models.UniqueConstraint(
                models.F("notice"), Lower("email"), Coalesce("site", 0), name="an_address_is_told_once"
            ),
        ),
        migrations.CreateModel(
            name="DeliveryCustomer",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("named", models.CharField(max_length=250, verbose_name="name")),
                (
                    "customer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="deliveries",
                        to="customers.customer",
                        verbose_name="customer",
                    ),
                ),
                (
                    "delivery",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="customers",
                        to="notices.delivery",
                        verbose_name="delivery",
                    ),
                ),
            ],
            options={
                "verbose_name": "customer of a delivery",
                "verbose_name_plural": "customers of a delivery",
                "ordering": ["id"],
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("delivery", "customer"), name="a_delivery_is_for_a_customer_once"
                    )
                ],
            },
        ),
        freeze("notices_delivery", changed="NEW.site_id IS DISTINCT FROM OLD.site_id", columns=("site_id",), part="_of_site"),
        freeze("notices_deliverycustomer"),
        never_emptied("notices_deliverycustomer"),
    ]
