"""Let PostgreSQL refuse to empty the tables whose rows are only added to."""

from django.db import migrations

from sla_portal.audit.freezing import never_emptied


class Migration(migrations.Migration):
    dependencies = [("claims", "0006_words_of_the_field")]
    operations = [
        never_emptied(
            "claims_refusedapplication",
            "claims_recommendation",
            "claims_decision",
            "claims_compensation",
            "claims_voucher",
            "claims_entry",
            "claims_proof",
        )
    ]
