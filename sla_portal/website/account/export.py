"""Everything on record about one customer, as a ZIP: one JSON file, and the PDFs of its reports."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from claims.models import Entry
from sla_portal.agreements.models import Contract
from sla_portal.customers.models import Customer
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import local_date
from sla_portal.notices.private import concealed
from sla_portal.reports.queries import FileDamaged, file_of

from . import queries
from .queries import AccountMonth, ContactWithRights


def archive_of(
    customer: Customer, contacts: Sequence[ContactWithRights], *, may_see_codes: bool, now: datetime
) -> IO[bytes]:
    """Return the ZIP; the codes of vouchers only for who may claim. PDFs apart, the database is asked a fixed number of times."""
    months = queries.months_of(customer, now)
    data = {
        "exported_at": now,
        "customer": {
            "code": customer.code,
            "name": customer.name,
            "region": customer.region.name,
            "language": customer.language,
            "installer": customer.installer.name if customer.installer else None,
            "reports_by_mail": customer.reports_by_mail,
        },
        "contacts": [
            {
                "email": one.contact.email,
                "name": one.contact.name,
                "rights": one.rights,
                "of_installer": one.of_installer,
            }
            for one in contacts
        ],
        "contracts": list(_contracts(customer)),
        "months": [_month(one) for one in months],
        "claims": list(_claims(customer)),
        "vouchers": [
            {
                "code": one.voucher.code if may_see_codes else None,
                "claim": one.voucher.compensation.claim.number,
                "amount": one.voucher.value,
                "left": one.left,
                "currency": one.voucher.currency,
                "expires_on": one.voucher.expires_on,
                "status": one.status,
            }
            for one in queries.vouchers_of(customer, local_date(epoch(now), settings.SLA_ZONE))
        ],
        "ledger": list(_ledger(customer)),
        "messages": list(_messages(customer)),
        "responses": list(_responses(customer, now)),
    }
    archive = TemporaryFile()  # noqa: SIM115 - the response closes it
    with ZipFile(archive, "w", ZIP_DEFLATED) as files:
        files.writestr("data.json", json.dumps(data, cls=DjangoJSONEncoder, ensure_ascii=False, indent=1))
        for one in months:
            if one.report and (content := _content(one)):
                files.writestr(f"reports/{one.report.file_name}", content, ZIP_STORED)
    archive.seek(0)
    return archive


def _content(month: AccountMonth) -> bytes | None:
    try:
        return file_of(month.report) if month.report else None
    except FileDamaged:
        # It is named in the JSON with its hash; one damaged file keeps nobody from the rest.
        return None


def _contracts(customer: Customer) -> Iterator[dict[str, Any]]:
    rows = Contract.objects.filter(customer=customer).prefetch_related("charges", "payments", "suspensions")
    for one in rows.select_related("renews").order_by("starts_on", "reference"):
        yield {
            "reference": one.reference,
            "first_service_day": one.starts_on,
            "agreed_last_service_day": one.ends_on,
            "last_service_day": one.last_day,
            "terminated_on": one.terminated_on,
            "extended_by_minutes": one.extended_minutes,
            "renews": one.renews.reference if one.renews else None,
            "free_trial_days": one.trial_days,
            "currency": one.currency,
            "monthly_charge": one.monthly_charge,
            "charges": [{"from_month": c.from_month, "monthly_charge": c.monthly_charge} for c in one.charges.all()],
            "payments": [
                {"reference": p.reference, "paid_on": p.paid_on, "amount": p.amount} for p in one.payments.all()
            ],
            "suspensions": [{"from": s.starts_on, "until": s.ends_on} for s in one.suspensions.all()],
        }


def _month(one: AccountMonth) -> dict[str, Any]:
    row = one.figures
    report = one.report
    return {
        "month": str(one.month),
        "status": "final" if row else "not closed",
        "availability_percent": one.availability or None,
        "met": row.met if row else None,
        "service_days": row.service_days if row else None,
        "unavailable_minutes": row.unavailable_minutes if row else None,
        "excluded_minutes": row.excluded_minutes if row else None,
        "report": report
        and {
            "number": report.number,
            "revision": report.revision,
            "issued_at": report.issued_at,
            "sha256": report.file_sha256,
            "figures_sha256": report.figures_sha256,
        },
    }


def _claims(customer: Customer) -> Iterator[dict[str, Any]]:
    for one in queries.claims_of(customer).prefetch_related("times", "functions", "clients", "proofs", "compensations"):
        yield {
            "number": one.number,
            "contract": one.contract.reference,
            "month": str(one.service_month),
            "received_at": one.received_at,
            "received_by": one.source,
            "email": one.email,
            "time_zone": one.time_zone,
            "times": [{"from": time.starts_at, "until": time.ends_at} for time in one.times.all()],
            "functions": [row.code for row in one.functions.all()],
            "clients": [row.code for row in one.clients.all()],
            "description": one.description,
            "status": one.status,
            "question": one.asked,
            "appealed_at": one.appealed_at,
            "appeal": one.appeal,
            "proof_materials": [
                {"name": file.name, "size": file.size, "sha256": file.sha256, "added_at": file.added_at}
                for file in one.proofs.all()
            ],
            "compensations": [
                {
                    "granted_at": granted.granted_at,
                    "unavailable_minutes": granted.counted_minutes,
                    "voucher_minutes": granted.voucher_minutes,
                    "extension_minutes": granted.extension_minutes,
                    "minutes_cut": granted.cut_minutes,
                    "amount_cut": granted.cut_value,
                    "currency": granted.currency,
                }
                for granted in one.compensations.all()
            ],
        }


def _ledger(customer: Customer) -> Iterator[dict[str, Any]]:
    """Yield the entries of the ledger, without who posted them and the reasons for the record."""
    rows = Entry.objects.filter(contract__customer=customer).select_related("contract", "compensation__claim")
    for one in rows.order_by("at", "pk"):
        yield {
            "contract": one.contract.reference,
            "number": one.number,
            "type": one.step,
            "claim": one.compensation.claim.number,
            "minutes": one.minutes,
            "amount": Decimal(one.value),
            "currency": one.currency,
            "at": one.at,
        }


def _messages(customer: Customer) -> Iterator[dict[str, Any]]:
    for one in queries.notices_for(customer):
        said = one.wording(customer.language)
        yield {
            "number": one.number,
            "kind": one.kind,
            "about": one.about,
            "at": one.given_at,
            "subject": said.subject,
            "text": concealed(said.text, customer.language),
        }


def _responses(customer: Customer, now: datetime) -> Iterator[dict[str, Any]]:
    for version in queries.versions_of(customer, "", now):
        for one in version.answers:
            yield {
                "version": version.version.version,
                "kind": one.kind,
                "received_at": one.received_at,
                "by": one.by_name,
                "text": one.text,
                "withdrawn_at": one.withdrawn_at,
                "contracts_terminated": [contract.reference for contract in one.ended.all()],
            }
