"""Remove what was recorded in a rehearsal, in one transaction; what was set up stays."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.cache import caches
from django.core.files.storage import Storage
from django.db import connection, models, transaction
from django.db.models import Q, Sum

from claims.models import Entry as LedgerEntry
from sla_portal.agreements.models import AgreementVersion, Answer, Clause, Contract, Preamble
from sla_portal.agreements.rules import extended_to
from sla_portal.audit.actors import Actor
from sla_portal.audit.guards import may_lift_guards, unguarded
from sla_portal.audit.operations import lock_chain, record
from sla_portal.customers.models import Customer
from sla_portal.kernel.errors import Refused
from sla_portal.operator.models import Rehearsal

log = logging.getLogger(__name__)

COUNTED = {
    "incidents": "incidents.Incident",
    "maintenance windows": "maintenance.MaintenanceWindow",
    "notices": "notices.Notice",
    "e-mails": "notices.Delivery",
    "month closings": "availability.MonthClosing",
    "reports": "reports.Report",
    "evidence bundles": "reports.Bundle",
    "claims": "claims.Claim",
    "ledger entries": "claims.Entry",
}
"""What the audit log counts, by the name that it has there."""

RECORDED = frozenset(
    {
        "incidents.Incident", "incidents.Outage", "incidents.OutageFunction", "incidents.OutageClient", "incidents.Update",
        "incidents.ShiftNote", "incidents.Review", "incidents.ReviewAction",
        "maintenance.MaintenanceWindow", "maintenance.WindowRegion", "maintenance.WindowFunction",
        "maintenance.WindowClient", "maintenance.MaintenanceNotice", "maintenance.AnnouncementRequest",
        "notices.Notice", "notices.Wording", "notices.Attachment", "notices.PageCopy", "notices.Delivery", "notices.Brake",
        "notices.Bounce", "notices.DeliveryCustomer", "notices.UnmatchedReport",
        "agreements.PublishedChanges", "agreements.MailedPdf", "agreements.ClauseComment", "agreements.Reviewer",
        "agreements.FurtherNotice", "agreements.Answer", "agreements.Answer_ended", "agreements.Reinstatement", "agreements.Withdrawal",
        "availability.Exclusion", "availability.Evidence", "availability.RegionMonth", "availability.CustomerMonth",
        "availability.MonthClosing", "availability.ClosingRequest", "availability.Deviation",
        "claims.Application", "claims.Try", "claims.RefusedApplication", "claims.Claim", "claims.Claim_functions",
        "claims.Claim_clients", "claims.ClaimedTime", "claims.Proof", "claims.ClaimLink", "claims.Recommendation",
        "claims.Viewer", "claims.Note", "claims.Mention",
        "claims.Decision", "claims.Compensation", "claims.Voucher", "claims.Entry", "claims.Undoing", "claims.Undoing_entries",
        "claims.CreditNote", "claims.BillingExport", "claims.BilledEntry",
        "claims.Enclosure", "claims.Recommendation_enclosures", "claims.Letter", "claims.Invitation",
        "reports.MailedReport", "reports.ReportRun", "reports.ReportRun_regions", "reports.ReportRun_customers", "reports.Report",
        "reports.VersionPdf", "reports.Bundle",
        "audit.ClosedMonth", "operator.Basis", "staff.Submission",
    }
)  # fmt: skip
"""Tables that are emptied."""

CUSTOMERS = frozenset(
    {
        "customers.Customer", "customers.Contact", "customers.SignInCode", "customers.AccountSession",
        "agreements.Charge", "agreements.Contract", "agreements.Suspension",
        "agreements.Payment",
    }
)  # fmt: skip
"""Tables that are emptied, too, where that is asked for."""

PARTLY: tuple[type[models.Model], ...] = (AgreementVersion, Clause, Preamble)
"""Tables of which the versions stay that were loaded, and those go that were drafted or announced."""

KEPT = frozenset(
    {
        "audit.Chain", "audit.Entry", "audit.Checkpoint", "audit.Check", "audit.Document", "audit.Certificate",
        "audit.Seal", "availability.Sweep",
        "customers.Region", "customers.CoreFunction", "customers.Client", "agreements.RegisterEntry",
        "incidents.IncidentTemplate", "incidents.IncidentTemplate_functions", "incidents.IncidentTemplate_clients",
        "incidents.UpdateTemplate", "claims.OwnDay", "claims.CalendarYear", "claims.SavedReply", "staff.FailedSignIns",
        "staff.PrivateCalendar",
        "operator.Identity", "operator.Logo", "operator.Opening", "operator.Rehearsal", "operator.StagingCopy",
    }
)  # fmt: skip
"""Tables that stay: the audit log and the register of what was issued, and what was set up. So do those of `KEPT_APPS`."""
KEPT_APPS = frozenset({"admin", "auth", "axes", "contenttypes", "sessions"})


class NothingToEmpty(Refused):
    """No rehearsal runs, so everything on record is real."""


class NotTheOwner(Refused):
    """The role of the database connection may not lift the guards."""


@dataclass(frozen=True)
class Emptied:
    """What was removed: counts by the name in the audit log, and the stored files, which are deleted after the commit."""

    counts: dict[str, int]
    files: list[tuple[Storage, str]]


def counts_of_record() -> dict[str, int]:
    """Return how much is on record that emptying removes, by its name in the audit log."""
    found = {name: apps.get_model(label)._base_manager.count() for name, label in COUNTED.items()}
    return found | {"agreement versions": _versions().count()}


def empty_rehearsal(*, actor: Actor, customers: bool, now: datetime) -> Emptied:
    """Remove what was recorded up to now, and end the rehearsal that runs; with `customers` these and their contracts, too.

    Contracts that a customer's response ended, or a compensation extended, are as they were. Primary keys go on, so that
    no entry of the audit log is about a later row; numbers and references start anew, because they follow from rows.
    Raises `NothingToEmpty`, and `NotTheOwner`.
    """
    labels = RECORDED | CUSTOMERS if customers else RECORDED
    emptied: list[type[models.Model]] = [apps.get_model(label) for label in sorted(labels)]
    tables = [model._meta.db_table for model in (*emptied, *PARTLY)]
    with transaction.atomic():
        # Who begins a rehearsal, or opens the portal, takes this lock, too.
        lock_chain()
        rehearsal = Rehearsal.objects.select_for_update().filter(ended_at__isnull=True).first()
        if rehearsal is None:
            raise NothingToEmpty("No rehearsal is running: what is on record is real and stays.")
        if not may_lift_guards(connection, tables):
            raise NotTheOwner(
                "The role of DATABASE_URL may not remove what is frozen. Run this as the owner of the tables, as `migrate` "
                "(docs/operations.md)."
            )
        counts = counts_of_record() | ({"customers": Customer.objects.count()} if customers else {})
        files = list(_files(emptied))
        restored = 0 if customers else _restore_contracts()
        with unguarded(connection, tables) as cursor:
            for text in (Clause, Preamble):
                text._base_manager.filter(agreement_version__in=_versions()).order_by()._raw_delete(connection.alias)
            _versions()._raw_delete(connection.alias)
            for model in emptied:
                cursor.execute(f"DELETE FROM {model._meta.db_table}")
        rehearsal.ended_at, rehearsal.ended_by_name = now, actor.name[:200]
        rehearsal.save(update_fields=["ended_at", "ended_by_name"])
        counts |= {"contracts restored": restored, "files": len(files)}
        record(
            actor=actor,
            action="emptied",
            subject=rehearsal,
            now=now,
            changes={name: [count, 0] for name, count in counts.items() if count},
        )
    return Emptied({name: count for name, count in counts.items() if count}, files)


def clear_away(emptied: Emptied) -> list[str]:
    """Delete files of what was removed, the e-mails in the portal's own inbox and cached public facts; return what stayed."""
    stayed = []
    for storage, name in emptied.files:
        try:
            storage.delete(name)
        except Exception:
            # A store that is away must not keep the others.
            log.exception("%s could not be deleted", name)
            stayed.append(name)
    _forget_public_facts()
    for mail in settings.MAIL_DIR.glob("*.eml"):
        mail.unlink()
    return stayed


def _forget_public_facts() -> None:
    """Some are good for a day. In Redis they lie beside the tasks, so only their own keys are deleted."""
    cache = caches["public"]
    if not settings.REDIS_URL:
        cache.clear()
        return
    # Only where there is one
    import redis

    client = redis.Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter(match=cache.make_key("*")):
        client.delete(key)


def _versions() -> models.QuerySet[AgreementVersion]:
    """Return the drafts, and the versions that were announced."""
    return AgreementVersion.objects.filter(Q(published_at__isnull=True) | Q(notice__isnull=False)).order_by()


def _files(emptied: Iterable[type[models.Model]]) -> Iterable[tuple[Storage, str]]:
    for model in emptied:
        for field in model._meta.concrete_fields:
            if isinstance(field, models.FileField):
                named = model._base_manager.exclude(**{field.name: ""})
                yield from ((field.storage, name) for name in named.values_list(field.name, flat=True))


def _restore_contracts() -> int:
    """Let contracts go on that a response ended, and take back what compensations extended; return how many were changed."""
    changed: dict[int, Contract] = {}

    def contract(pk: int) -> Contract:
        return changed.setdefault(pk, Contract.objects.get(pk=pk))

    for answer in Answer.objects.filter(withdrawn_at__isnull=True, last_day__isnull=False):
        for pk in answer.ended.filter(terminated_on=answer.last_day).values_list("pk", flat=True):
            was = answer.before.get(str(pk), {}).get("terminated_on")
            contract(pk).terminated_on = was and date.fromisoformat(was)
    given = LedgerEntry.objects.filter(extended__isnull=False).order_by().values_list("extended")
    for pk, minutes in given.annotate(given=Sum("minutes")):
        if minutes:
            one = contract(pk)
            one.extended_minutes -= minutes
            one.extended_to = extended_to(one.ends_on, one.extended_minutes) if one.extended_minutes else None
    for one in changed.values():
        one.save(update_fields=["terminated_on", "extended_minutes", "extended_to"])
    return len(changed)


def unsorted_tables(every: Iterable[Any]) -> list[str]:
    """Return the models of which nobody said whether emptying removes their rows."""
    known = RECORDED | CUSTOMERS | KEPT | {model._meta.label for model in PARTLY}
    return sorted(
        model._meta.label
        for model in every
        if model._meta.label not in known and model._meta.app_label not in KEPT_APPS
    )
