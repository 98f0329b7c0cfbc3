from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("claims", "0003_what_an_application_waits_for")]
    operations = [
        migrations.RemoveIndex("entry", "ledger_by_step"),
        migrations.AddIndex("entry", models.Index(fields=["at", "id"], name="ledger_by_time")),
        migrations.AddIndex("entry", models.Index(fields=["step", "at", "id"], name="ledger_by_step")),
    ]
