"""Issue the reports of a month, print announced versions, create evidence bundles, and verify what was issued."""

from .bundling import (
    NoSuchRecipient,
    NotAnnounced,
    due_bundles,
    make_bundle,
    record_download,
    release_expired_bundles,
    request_bundle,
    request_claim_bundle,
    request_month_bundle,
)
from .issuing import (
    LEASE,
    MonthDeviates,
    MonthNotBegun,
    NotInService,
    close_and_report,
    confirm_and_report,
    correct_and_report,
    due_chunks,
    queue_reports,
    release_expired_leases,
    render_chunk,
    request_missing_reports,
    request_reports,
    waiting_runs,
)
from .letters import print_due_letters
from .mailing import mail_due_reports
from .printing import print_due_credit_notes, print_due_versions, print_for_mail, print_submitted_versions
from .verifying import check_documents, check_documents_if_due

__all__ = [
    "LEASE",
    "MonthDeviates",
    "MonthNotBegun",
    "NoSuchRecipient",
    "NotAnnounced",
    "NotInService",
    "check_documents",
    "check_documents_if_due",
    "close_and_report",
    "confirm_and_report",
    "correct_and_report",
    "due_bundles",
    "due_chunks",
    "mail_due_reports",
    "make_bundle",
    "print_due_credit_notes",
    "print_due_letters",
    "print_due_versions",
    "print_for_mail",
    "print_submitted_versions",
    "queue_reports",
    "record_download",
    "release_expired_bundles",
    "release_expired_leases",
    "render_chunk",
    "request_bundle",
    "request_claim_bundle",
    "request_missing_reports",
    "request_month_bundle",
    "request_reports",
    "waiting_runs",
]
