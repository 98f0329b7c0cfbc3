"""Let the database itself refuse to change or delete what was told."""

from django.db import migrations

from sla_portal.audit.freezing import freeze


class Migration(migrations.Migration):
    dependencies = [("notices", "0001_initial")]

    operations = [freeze("notices_notice", "notices_wording", "notices_attachment")]
