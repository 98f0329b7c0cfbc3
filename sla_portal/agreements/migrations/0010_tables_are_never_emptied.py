"""Let PostgreSQL refuse to empty the tables whose rows are only added to."""

from django.db import migrations

from sla_portal.audit.freezing import never_emptied


class Migration(migrations.Migration):
    dependencies = [("agreements", "0009_words_of_the_field")]
    operations = [
        never_emptied(
            "agreements_agreementversion",
            "agreements_clause",
        )
    ]
