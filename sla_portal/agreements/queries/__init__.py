"""Versions in force, contracts in force, and amendments with their customer responses."""

from .amendments import (
    Reached,
    acceptance,
    acceptance_counts,
    answers_of,
    concerned,
    contracts_ended,
    customers_answering,
    customers_not_notified,
    deliveries_of,
    notices_of,
    notified_off_record,
    notified_or_concerned,
    reached,
    running_contracts,
    took_effect,
)
from .contracts import contacts_under_contract, contracts_in_force, suspensions_of
from .published import published_changes
from .register import register
from .versions import (
    NoAgreementInForce,
    earliest_day,
    newest_version,
    pending_versions,
    published_versions,
    terms_periods,
    version_in_force,
)

__all__ = [
    "NoAgreementInForce",
    "Reached",
    "acceptance",
    "acceptance_counts",
    "answers_of",
    "concerned",
    "contacts_under_contract",
    "contracts_ended",
    "contracts_in_force",
    "customers_answering",
    "customers_not_notified",
    "deliveries_of",
    "earliest_day",
    "newest_version",
    "notices_of",
    "notified_off_record",
    "notified_or_concerned",
    "pending_versions",
    "published_changes",
    "published_versions",
    "reached",
    "register",
    "running_contracts",
    "suspensions_of",
    "terms_periods",
    "took_effect",
    "version_in_force",
]
