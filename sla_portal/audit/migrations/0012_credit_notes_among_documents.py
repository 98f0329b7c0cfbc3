from django.db import migrations, models

from sla_portal.audit.freezing import freeze, thaw

KINDS = {
    "report": "availability report",
    "announcement": "announcement",
    "agreement": "agreement version",
    "closing": "month closing",
    "checkpoint": "checkpoint of the audit log",
    "bundle": "evidence bundle",
    "credit note": "credit note",
}


class Migration(migrations.Migration):
    dependencies = [("audit", "0011_checks_of_what_was_issued")]
    operations = [
        # SQLite makes the table anew, and loses its triggers.
        thaw("audit_document"),
        migrations.RemoveConstraint("document", "a_document_is_of_a_known_kind"),
        migrations.AlterField(
            "document", "kind", models.CharField(choices=list(KINDS.items()), max_length=12, verbose_name="kind")
        ),
        migrations.AddConstraint(
            "document",
            models.CheckConstraint(
                condition=models.Q(kind__in=list(KINDS)), name="a_document_is_of_a_known_kind"
            ),
        ),
        freeze("audit_document"),
    ]
