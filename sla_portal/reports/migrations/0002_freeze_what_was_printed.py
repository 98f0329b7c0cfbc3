from django.db import migrations

from sla_portal.audit.freezing import freeze


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_reports_and_requests")]
    operations = [freeze("reports_report", once="OLD.status = 'ready'")]
