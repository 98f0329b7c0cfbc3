"""Classify incidents under section 4, judge the months, and close them."""

from .classification import (
    ExclusionAlreadyDecided,
    ExclusionOutsideIncident,
    ExclusionsStand,
    NoticeCoversNothing,
    ReasonMissing,
    SecondPersonNeeded,
    ThirdPartyNotNamed,
    attribute_incident,
    confirm_exclusion,
    propose_exclusion,
    reject_exclusion,
    revoke_exclusion,
)
from .closing import (
    CorrectionWithoutReason,
    MonthClosed,
    MonthOpen,
    MonthUnfinished,
    NothingToCorrect,
    close_month,
    correct_month,
)
from .evidence import EvidenceRefused, add_evidence
from .judging import contracts_flipping, judge_due_months, judge_month, month_deviates

__all__ = [
    "CorrectionWithoutReason",
    "EvidenceRefused",
    "ExclusionAlreadyDecided",
    "ExclusionOutsideIncident",
    "ExclusionsStand",
    "MonthClosed",
    "MonthOpen",
    "MonthUnfinished",
    "NothingToCorrect",
    "NoticeCoversNothing",
    "ReasonMissing",
    "SecondPersonNeeded",
    "ThirdPartyNotNamed",
    "add_evidence",
    "attribute_incident",
    "close_month",
    "confirm_exclusion",
    "contracts_flipping",
    "correct_month",
    "judge_due_months",
    "judge_month",
    "month_deviates",
    "propose_exclusion",
    "reject_exclusion",
    "revoke_exclusion",
]
