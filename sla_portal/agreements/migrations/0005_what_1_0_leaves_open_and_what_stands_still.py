"""Put the register of errata and readings on record, and let nothing change of which customers were told."""

from datetime import UTC, datetime

from django.db import migrations

from sla_portal.agreements.first_register import ROWS
from sla_portal.audit.freezing import freeze

TOLD = (
    "version", "effective_on", "published_at", "published_by_id", "based_on_id", "drafted_by_id", "drafted_at",
    "submitted_by_id", "submitted_at", "notice_id", "sha256", "summary_of_changes", "summary_of_changes_zh",
    "availability_target", "unavailability_reading", "maintenance_notice_hours", "recommended_notice_hours",
    "measurement_period", "claim_opens_after_working_day", "claim_closes_after_months",
    "compensated_minutes_per_minute", "compensation_cap_percent", "voucher_valid_months", "amendment_notice_days",
)  # fmt: skip
WITHDRAWAL = ("withdrawn_at", "withdrawn_by_id", "withdrawal_reason", "withdrawal_notice_id")


def add(apps, schema_editor):
    entry = apps.get_model("agreements", "RegisterEntry")
    written_at = datetime(2026, 11, 22, tzinfo=UTC)
    entry.objects.bulk_create(entry(written_at=written_at, **row._asdict()) for row in ROWS)


class Migration(migrations.Migration):
    dependencies = [("agreements", "0004_amendments")]

    operations = [
        migrations.RunPython(add, migrations.RunPython.noop),
        freeze("agreements_agreementversion", once="OLD.notice_id IS NOT NULL", columns=TOLD),
        freeze("agreements_agreementversion", once="OLD.withdrawn_at IS NOT NULL", columns=WITHDRAWAL, part="_withdrawal"),
        freeze("agreements_clause", once="OLD.frozen"),
    ]
