"""Put version 1.0 of the agreement on record, its clauses summed up."""

from datetime import UTC, date, datetime

from django.db import migrations

from sla_portal.agreements.first_version import SUMMARIES, VERSION


def add(apps, schema_editor):
    # The agreement bears no date: 1.0 reaches back beyond any record, and `loadhistory` sets the day where it is known.
    version = apps.get_model("agreements", "AgreementVersion").objects.create(
        version=VERSION, effective_on=date(2000, 1, 1), published_at=datetime(2000, 1, 1, tzinfo=UTC)
    )
    clause = apps.get_model("agreements", "Clause")
    clause.objects.bulk_create(clause(agreement_version=version, **summary._asdict()) for summary in SUMMARIES)


class Migration(migrations.Migration):
    dependencies = [("agreements", "0001_initial")]

    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
