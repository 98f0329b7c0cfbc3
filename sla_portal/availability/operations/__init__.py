"""Classify incidents under section 4, and judge the months."""

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
from .judging import judge_due_months, judge_month

__all__ = [
    "ExclusionAlreadyDecided",
    "ExclusionOutsideIncident",
    "ExclusionsStand",
    "NoticeCoversNothing",
    "ReasonMissing",
    "SecondPersonNeeded",
    "ThirdPartyNotNamed",
    "attribute_incident",
    "confirm_exclusion",
    "judge_due_months",
    "judge_month",
    "propose_exclusion",
    "reject_exclusion",
    "revoke_exclusion",
]
