"""Split the right of a contact in three: who was authorised may terminate and claim; all go on getting legal notices."""

from typing import Any

from django.db import migrations, models
from django.db.models import F


def who_was_authorised_may_claim(apps: Any, _editor: Any) -> None:
    apps.get_model("customers", "Contact").objects.update(may_claim=F("may_terminate"))


class Migration(migrations.Migration):
    dependencies = [("customers", "0006_sites_of_an_installer")]

    operations = [
        migrations.RenameField("contact", "authorised", "may_terminate"),
        migrations.AlterField(
            model_name="contact",
            name="may_terminate",
            field=models.BooleanField(
                default=False,
                help_text="May terminate contracts (5.2). If no contact of a customer is marked, all of them may.",
                verbose_name="may terminate",
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="may_claim",
            field=models.BooleanField(
                default=False,
                help_text="May claim compensation (3.3). If no contact of a customer is marked, all of them may.",
                verbose_name="may claim",
            ),
        ),
        migrations.AddField(
            model_name="contact",
            name="legal_notices",
            field=models.BooleanField(
                default=False,
                help_text="Gets notices of amendments (5.2). If no contact of a customer is marked, all of them do.",
                verbose_name="legal notices",
            ),
        ),
        migrations.RunPython(who_was_authorised_may_claim, migrations.RunPython.noop),
    ]
