"""The verbs of the trail in the reader's language; on record they stand as operations wrote them."""

from django.utils.translation import gettext_lazy as _

VERBS = {
    "acknowledged": _("acknowledged"),
    "added": _("added"),
    "added an outage to": _("added an outage to"),
    "added evidence to": _("added evidence to"),
    "added proof to": _("added proof to"),
    "announced": _("announced"),
    "cancelled": _("cancelled"),
    "changed": _("changed"),
    "changed by a history file": _("changed by a history file"),
    "classified": _("classified"),
    "closed": _("closed"),
    "confirmed": _("confirmed"),
    "corrected": _("corrected"),
    "deleted": _("deleted"),
    "downloaded proof of": _("downloaded proof of"),
    "enrolled": _("enrolled"),
    "extended": _("extended"),
    "finished": _("finished"),
    "gave": _("gave"),
    "hired": _("hired"),
    "lengthened": _("lengthened"),
    "loaded from a history file": _("loaded from a history file"),
    "loaded the wording of": _("loaded the wording of"),
    "logged": _("logged"),
    "moved": _("moved"),
    "opened": _("opened"),
    "planned": _("planned"),
    "proposed": _("proposed"),
    "recorded a payment on": _("recorded a payment on"),
    "rejected": _("rejected"),
    "removed by a history file": _("removed by a history file"),
    "removed proof from": _("removed proof from"),
    "replaced the wording of": _("replaced the wording of"),
    "requested reports": _("requested reports"),
    "resolved": _("resolved"),
    "revoked": _("revoked"),
    "sent again": _("sent again"),
    "shortened": _("shortened"),
    "signed": _("signed"),
    "started": _("started"),
    "suspended": _("suspended"),
    "terminated": _("terminated"),
    "updated": _("updated"),
    "viewed proof of": _("viewed proof of"),
}


def verb(action: str) -> str:
    """The verb as the reader says it; one from elsewhere as it was written."""
    return str(VERBS.get(action, action))
