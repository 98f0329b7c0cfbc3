"""Issue credit notes with the redemptions of vouchers, and mark how far the ledger was exported for billing."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils.translation import gettext as _

from sla_portal.audit.actors import Actor
from sla_portal.audit.documents import new_check_code, present_seal
from sla_portal.audit.operations import lock_chain, record, require
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.money import format_amount as amount
from sla_portal.kernel.months import local_date
from sla_portal.operator.queries import operator_in_force

from ..models import BilledEntry, BillingExport, CreditNote, Entry

NOT_BILLED = "NOT EXISTS (SELECT 1 FROM claims_billedentry billed WHERE billed.entry_id = entry.id)"


class NothingToExport(Refused):
    """Every entry of the ledger was exported for billing already."""


def issue_credit_note(*, entry: Entry, cancels: CreditNote | None = None, now: datetime) -> CreditNote:
    """Issue the credit note of a redemption, or what cancels one, in the transaction that posted the entry.

    That has locked the audit log, so that no number is given twice, and none is left out.
    """
    lock_chain()
    number = _next_number(local_date(epoch(now), settings.SLA_ZONE).year)
    return CreditNote.objects.create(
        number=number, entry=entry, cancels=cancels, statement=_statement(entry, number, cancels, now), issued_at=now
    )


def mark_exported(*, actor: Actor, now: datetime) -> BillingExport:
    """Put every entry that no export for billing has yet into a new one. Raises `NothingToExport`."""
    require(actor, "claims.export_for_billing")
    with transaction.atomic():
        # Of two who press at once the second waits here, and finds nothing left.
        lock_chain()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM claims_entry entry WHERE {NOT_BILLED}")  # no text of others
            (entries,) = cursor.fetchone()
            if not entries:
                raise NothingToExport(_("Every entry was exported for billing already."))
            last = BillingExport.objects.order_by("-number").first()
            export = BillingExport.objects.create(
                number=last.number + 1 if last else 1, exported_at=now, exported_by=actor.user, entries=entries
            )
            # In one statement, however many there are.
            cursor.execute(
                f"INSERT INTO {BilledEntry._meta.db_table} (entry_id, export_id) "
                f"SELECT entry.id, %s FROM claims_entry entry WHERE {NOT_BILLED}",
                [export.pk],
            )
        record(
            actor=actor,
            action="exported for billing up to",
            subject=export,
            changes={"entries": [None, entries]},
            now=now,
        )
    return export


def _next_number(year: int) -> str:
    prefix = f"CN-{year}-"
    last = CreditNote.objects.filter(number__startswith=prefix).order_by("-id").values_list("number", flat=True).first()
    return f"{prefix}{int(last.removeprefix(prefix)) + 1 if last else 1:04}"


def _statement(entry: Entry, number: str, cancels: CreditNote | None, now: datetime) -> dict[str, str]:
    claim, operator = entry.compensation.claim, operator_in_force()
    customer = claim.contract.customer
    return {
        "number": number,
        "cancels": cancels.number if cancels else "",
        "language": customer.language,
        "issued_at": instant_text(now),
        "check_code": new_check_code(),
        "seal": present_seal(),
        "operator_name": operator.name_in(customer.language),
        "operator_address": operator.address_in(customer.language),
        "customer": customer.code,
        "customer_name": customer.name,
        "contract": claim.contract.reference,
        "claim": claim.number,
        "month": str(claim.service_month),
        # Whoever has the whole code can use what is left.
        "voucher": f"…{entry.voucher.code[-4:]}" if entry.voucher else "",
        "reference": cancels.statement["reference"] if cancels else entry.reason,
        "amount": amount(entry.taken, entry.currency),
        "left": amount(entry.left, entry.currency),
    }
