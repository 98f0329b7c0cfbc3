"""Issue the reports of a month, and create the evidence bundles of amendments."""

from .bundling import (
    NoSuchRecipient,
    NotAnnounced,
    due_bundles,
    make_bundle,
    record_download,
    release_expired_bundles,
    request_bundle,
)
from .issuing import (
    LEASE,
    MonthDeviates,
    MonthNotBegun,
    NotInService,
    close_and_report,
    correct_and_report,
    due_chunks,
    queue_reports,
    release_expired_leases,
    render_chunk,
    request_missing_reports,
    request_reports,
    waiting_runs,
)

__all__ = [
    "LEASE",
    "MonthDeviates",
    "MonthNotBegun",
    "NoSuchRecipient",
    "NotAnnounced",
    "NotInService",
    "close_and_report",
    "correct_and_report",
    "due_bundles",
    "due_chunks",
    "make_bundle",
    "queue_reports",
    "record_download",
    "release_expired_bundles",
    "release_expired_leases",
    "render_chunk",
    "request_bundle",
    "request_missing_reports",
    "request_reports",
    "waiting_runs",
]
