"""What was promised (versions, clauses, amendments), to whom and since when (contracts, suspensions, payments)."""

from .amendments import Answer, FurtherNotice, Reinstatement, Withdrawal, WithdrawalStatus
from .contracts import Charge, Contract, Payment, Suspension
from .register import RegisterEntry
from .reviews import ClauseComment, Reviewer
from .versions import (
    CLAUSE_FIELDS,
    LATER_TERMS,
    PERIODS,
    PREAMBLE_FIELDS,
    READINGS,
    TERM_FIELDS,
    AgreementVersion,
    Clause,
    MailedPdf,
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
    "ClauseComment",
    "Contract",
    "FurtherNotice",
    "MailedPdf",
    "Payment",
    "Preamble",
    "PublishedChanges",
    "RegisterEntry",
    "Reinstatement",
    "Reviewer",
    "Suspension",
    "Withdrawal",
    "WithdrawalStatus",
]
