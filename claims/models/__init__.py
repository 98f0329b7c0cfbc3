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
from .review import Decision, Outcome, Recommendation
from .unclaimed import Invitation

__all__ = [
    "Application",
    "Asked",
    "CalendarYear",
    "Claim",
    "ClaimLink",
    "ClaimedTime",
    "Compensation",
    "Decision",
    "Entry",
    "Invitation",
    "Outcome",
    "OwnDay",
    "Proof",
    "Recommendation",
    "RefusedApplication",
    "Source",
    "Status",
    "Step",
    "Try",
    "Undoing",
    "Voucher",
]
