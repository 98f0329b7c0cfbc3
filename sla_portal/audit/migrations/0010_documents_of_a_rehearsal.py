"""Let what was issued in a rehearsal stay in the register while the numbers start anew."""

from django.db import migrations, models

from sla_portal.audit.freezing import freeze, thaw


class Migration(migrations.Migration):
    dependencies = [("audit", "0009_documents_and_seals")]
    operations = [
        # SQLite makes the table anew, and loses its triggers.
        thaw("audit_document"),
        migrations.RemoveConstraint("document", "a_document_has_each_revision_once"),
        migrations.AddField(
            "document",
            "rehearsal",
            models.PositiveIntegerField(default=0, help_text="Number of the rehearsal in which it was issued. 0: none.", verbose_name="rehearsal"),
        ),
        migrations.AddConstraint(
            "document",
            models.UniqueConstraint(fields=("kind", "about", "revision", "rehearsal"), name="a_document_has_each_revision_once"),
        ),
        freeze("audit_document"),
    ]
