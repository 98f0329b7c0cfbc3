"""Queries that turn stored data into the input of the claim rules."""

from .assessing import (
    Assessment,
    CapBalance,
    Minutes,
    assess,
    cap_balance_of,
    claimed_before,
    contract_days,
    entitled,
    extendable,
)
from .deciders import deciders_of_appeal, refusal_of
from .windows import claimable_months, window_of, windows_of, working_days

__all__ = [
    "Assessment",
    "CapBalance",
    "Minutes",
    "assess",
    "cap_balance_of",
    "claimable_months",
    "claimed_before",
    "contract_days",
    "deciders_of_appeal",
    "entitled",
    "extendable",
    "refusal_of",
    "window_of",
    "windows_of",
    "working_days",
]
