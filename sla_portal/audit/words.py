"""The sentences for what an integrity check finds."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from .models import Kind
from .rules import Fault, Finding

SENTENCES = {
    Fault.ALTERED: _("Entry %(entry)s was altered: its hash does not match its content."),
    Fault.UNLINKED: _("The hash chain is broken at entry %(entry)s: it does not follow the entry before it."),
    Fault.MISSING: _("Entries are missing: numbers %(entry)s to %(until)s."),
    Fault.REWRITTEN: _(
        "The log was hashed anew: entry %(entry)s is not the one that checkpoint %(checkpoint)s recorded."
    ),
    Fault.COUNT: _(
        "The number of entries up to entry %(entry)s is not the one that checkpoint %(checkpoint)s recorded."
    ),
    Fault.CUT: _(
        "The end of the log was cut off: entries %(entry)s to %(until)s, recorded by checkpoint %(checkpoint)s."
    ),
    Fault.HEAD: _(
        "The head of the log names entry %(until)s, but the log ends at entry %(entry)s or with another hash."
    ),
    Fault.BEYOND: _("Entries %(entry)s to %(until)s lie beyond the head of the log: they were added past the portal."),
    Fault.CHECKPOINT: _("Checkpoints are missing: numbers %(entry)s to %(until)s."),
    Fault.FILE: _("The file of %(document)s is missing, or is not the one that was issued."),
    Fault.SEAL: _("The seal of %(document)s does not fit it, or is not by the certificate that the register names."),
    Fault.UNREGISTERED: _("The register of what was issued lacks %(document)s."),
}
WITHOUT_CHECKPOINT = {
    Fault.REWRITTEN: _("The log was hashed anew: entry %(entry)s is not the one that was recorded outside the portal."),
    Fault.COUNT: _("The number of entries up to entry %(entry)s is not the one that the head of the log states."),
    Fault.CUT: _("The end of the log was cut off: entries %(entry)s to %(until)s, recorded outside the portal."),
}


def sentence(finding: Finding) -> str:
    """Say in one sentence what is wrong with the audit log or a document, and where."""
    sentences = SENTENCES if finding.checkpoint else SENTENCES | WITHOUT_CHECKPOINT
    kind, _space, number = finding.document.partition(" ")
    document = f"{Kind(kind).label} {number}" if kind else ""
    given = {"entry": finding.entry, "until": finding.until, "checkpoint": finding.checkpoint, "document": document}
    return str(sentences[finding.fault]) % given
