"""Applications, claims with proof materials, recommendations and decisions, and the ledger of compensation."""

from .applying import (
    Application,
    Asked,
    Claim,
    ClaimedTime,
    ClaimLink,
    Proof,
    RefusedApplication,
    Source,
    Status,
    Try,
)
from .billing import BilledEntry, BillingExport, CreditNote
from .calendar import CalendarYear, OwnDay
from .ledger import Compensation, Entry, Step, Undoing, Voucher
from .letters import Enclosure, Letter, ReplyKind, SavedReply
from .review import Decision, Outcome, Recommendation
from .unclaimed import Invitation
from .working import Mention, Note, Viewer

__all__ = [
    "Application",
    "Asked",
    "BilledEntry",
    "BillingExport",
    "CalendarYear",
    "Claim",
    "ClaimLink",
    "ClaimedTime",
    "Compensation",
    "CreditNote",
    "Decision",
    "Enclosure",
    "Entry",
    "Invitation",
    "Letter",
    "Mention",
    "Note",
    "Outcome",
    "OwnDay",
    "Proof",
    "Recommendation",
    "RefusedApplication",
    "ReplyKind",
    "SavedReply",
    "Source",
    "Status",
    "Step",
    "Try",
    "Undoing",
    "Viewer",
    "Voucher",
]
