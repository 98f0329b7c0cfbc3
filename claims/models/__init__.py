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
from .calendar import CalendarYear, OwnDay
from .ledger import Compensation, Entry, Step, Undoing, Voucher
from .letters import Enclosure, Letter, ReplyKind, SavedReply
from .review import Decision, Outcome, Recommendation

__all__ = [
    "Application",
    "Asked",
    "CalendarYear",
    "Claim",
    "ClaimLink",
    "ClaimedTime",
    "Compensation",
    "Decision",
    "Enclosure",
    "Entry",
    "Letter",
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
    "Voucher",
]
