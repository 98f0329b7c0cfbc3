from django.db import migrations

from sla_portal.audit.freezing import freeze


class Migration(migrations.Migration):
    dependencies = [("claims", "0001_applications_claims_and_the_ledger")]
    operations = [
        freeze(
            "claims_refusedapplication",
            "claims_recommendation",
            "claims_decision",
            "claims_compensation",
            "claims_voucher",
            "claims_entry",
        ),
        freeze("claims_proof", once="OLD.claim_id IS NOT NULL"),
    ]
