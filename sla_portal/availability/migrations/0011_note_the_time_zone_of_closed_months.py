from django.conf import settings
from django.db import migrations
from django.utils import timezone


def note_basis(apps, _editor):
    """Months that an earlier build closed were counted by what the settings say at the upgrade."""
    basis = apps.get_model("operator", "Basis").objects
    if apps.get_model("availability", "MonthClosing").objects.exists() and not basis.exists():
        basis.create(
            since=timezone.now(),
            time_zone=settings.SLA_TIME_ZONE,
            workday_country=settings.SLA_WORKDAY_COUNTRY,
            saved_by_name="upgrade",
        )


class Migration(migrations.Migration):
    dependencies = [
        ("availability", "0010_service_days_of_a_closed_month"),
        ("operator", "0003_identity_and_basis"),
    ]

    operations = [migrations.RunPython(note_basis, migrations.RunPython.noop)]
