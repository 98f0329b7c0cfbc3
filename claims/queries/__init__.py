"""From what is on record to what is owed."""

from .assessing import Assessment, Minutes, Purse, assess, claimed_before, contract_days, entitled, extendable, purse_of
from .windows import claimable_months, window_of, windows_of, working_days

__all__ = [
    "Assessment",
    "Minutes",
    "Purse",
    "assess",
    "claimable_months",
    "claimed_before",
    "contract_days",
    "entitled",
    "extendable",
    "purse_of",
    "window_of",
    "windows_of",
    "working_days",
]
