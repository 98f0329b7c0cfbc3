"""Let the database refuse to change or delete a closing, and a request that was decided."""

from django.db import migrations

from sla_portal.audit.freezing import freeze, never_emptied


class Migration(migrations.Migration):
    dependencies = [("availability", "0007_closing_by_two_persons")]
    operations = [
        freeze("availability_monthclosing"),
        freeze("availability_closingrequest", once="OLD.status <> 'pending'"),
        never_emptied("availability_monthclosing", "availability_closingrequest"),
    ]
