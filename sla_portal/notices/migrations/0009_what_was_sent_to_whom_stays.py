"""Let the database refuse to change of a delivery what was sent, to whom, and when it was accepted, and to empty tables."""

from django.db import migrations

from sla_portal.audit.freezing import freeze, never_emptied

ADDRESSED = ("notice_id", "email", "name", "language", "contact_id")
"""A contact that is deleted later leaves its deliveries, without it."""
OTHERWISE = " OR ".join(f"NEW.{one} IS DISTINCT FROM OLD.{one}" for one in ADDRESSED[:-1])
ANOTHER_CONTACT = "NEW.contact_id IS NOT NULL AND NEW.contact_id IS DISTINCT FROM OLD.contact_id"
ACCEPTED = ("sent_at", "handed_over_at")
"""An e-mail that bounced may be handed over anew."""
ANOTHER_TIME = (
    "OLD.status = 'sent' AND (NEW.sent_at IS DISTINCT FROM OLD.sent_at "
    "OR NEW.handed_over_at IS DISTINCT FROM OLD.handed_over_at) "
    "OR OLD.sent_at IS NOT NULL AND OLD.status NOT IN ('sending', 'unknown') AND NEW.sent_at IS DISTINCT FROM OLD.sent_at"
)


class Migration(migrations.Migration):
    dependencies = [("notices", "0008_checkpoints_are_mailed")]
    operations = [
        freeze("notices_delivery", changed=f"{OTHERWISE} OR {ANOTHER_CONTACT}", columns=ADDRESSED, part="_addressed"),
        freeze("notices_delivery", changed=ANOTHER_TIME, columns=ACCEPTED, part="_accepted"),
        never_emptied("notices_notice", "notices_wording", "notices_attachment", "notices_delivery", "notices_bounce"),
    ]
