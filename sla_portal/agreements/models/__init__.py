"""What was promised (versions, clauses, amendments), to whom and since when (contracts, suspensions, payments)."""

from .amendments import Answer, FurtherNotice
from .contracts import Charge, Contract, Payment, Suspension
from .register import RegisterEntry
from .versions import (
    CLAUSE_FIELDS,
    LATER_TERMS,
    PERIODS,
    PREAMBLE_FIELDS,
    READINGS,
    TERM_FIELDS,
    AgreementVersion,
    Clause,
    Preamble,
    PublishedChanges,
)

__all__ = [
    "CLAUSE_FIELDS",
    "LATER_TERMS",
    "PERIODS",
    "PREAMBLE_FIELDS",
    "READINGS",
    "TERM_FIELDS",
    "AgreementVersion",
    "Answer",
    "Charge",
    "Clause",
    "Contract",
    "FurtherNotice",
    "Payment",
    "Preamble",
    "PublishedChanges",
    "RegisterEntry",
    "Suspension",
]
