"""The evidence of an amendment (5.2): what was announced, who was told and how, and what followed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.template.loader import render_to_string

from sla_portal.agreements.models import AgreementVersion, Answer, Contract, Reinstatement
from sla_portal.agreements.queries import (
    acceptance,
    answers_of,
    contracts_ended,
    deliveries_of,
    notices_of,
    took_effect,
)
from sla_portal.agreements.rules import Acceptance
from sla_portal.agreements.words import response_words
from sla_portal.notices.models import Notice

from ..models import Bundle, VersionPdf
from ..pdf.agreement import announced
from .archive import CHUNK, Archive, instant, safe
from .log import about, add_audit_log
from .notices import add_deliveries, add_mail, add_notice, add_notified, add_pages, stated_notices

CUSTOMER_COLUMNS = ("customer", "name", "status", "in_words")
RESPONSE_COLUMNS = (
    "response", "customer", "kind", "contract", "received_at", "registered_at", "channel", "by", "registered_by",
    "delivery", "last_service_day", "text", "withdrawn_at", "reason_for_withdrawal", "address", "replied_at", "reply",
    "reply_zh",
)  # fmt: skip
CONTRACT_COLUMNS = (
    "contract", "customer", "first_service_day", "agreed_last_service_day", "extended_to", "terminated_on",
    "response", "response_received_at", "response_withdrawn_at",
    "after_the_withdrawal", "consent_by", "consent", "reason",
)  # fmt: skip


def write_amendment(archive: Archive, bundle: Bundle, now: datetime) -> str:
    """Add the evidence of an announced version to `archive`, as of `now`; return the README.

    With the bundle's e-mail address it includes the source of every e-mail about the version to it.
    """
    version = bundle.version
    if version is None or version.notice is None:
        raise ValueError(f"Version {version} was not announced, so it has no evidence bundle.")
    name = safe(version.version)
    pdfs = {
        pdf.kind: bytes(pdf.content) for pdf in VersionPdf.objects.filter(version=version, language=bundle.language)
    }
    archive.add(f"version-{name}.pdf", pdfs[VersionPdf.Kind.TEXT])
    archive.add_json(f"version-{name}.json", version.content())
    redlines = list(version.published_changes.select_related("before"))
    if VersionPdf.Kind.REDLINE in pdfs:
        before = safe(redlines[0].before.version)
        archive.add(f"redline-{before}-{name}.pdf", pdfs[VersionPdf.Kind.REDLINE])
        for redline in redlines:
            archive.add_json(f"redline-{before}-{name}.{redline.language}.json", redline.content)
    notices = _notices_to_all(version)
    for notice in notices:
        add_notice(archive, notice, "announcement")
    pages = add_pages(archive, notices_of(version))
    statuses = add_deliveries(archive, deliveries_of(version))
    add_notified(archive, deliveries_of(version))
    mails = [add_mail(archive, delivery) for delivery in _mails(version, bundle.email)] if bundle.email else []
    archive.add_table("customers.csv", CUSTOMER_COLUMNS, _customers(version, now))
    archive.add_table("responses.csv", RESPONSE_COLUMNS, _responses(version))
    contracts = contracts_ended(version)
    archive.add_table("contracts.csv", CONTRACT_COLUMNS, _contract_rows(version, contracts))
    add_audit_log(
        archive,
        Q(subject_type=AgreementVersion._meta.label_lower, subject_id=str(version.pk))
        | about(notices_of(version))
        | about(deliveries_of(version))
        | about(version.answers.all())
        | about(contracts) & Q(at__gte=version.published_at),
    )
    return render_to_string(
        "reports/bundle/readme.txt",
        announced(version, bundle.language)
        | {
            "now": instant(now),
            "file": name,
            "before": safe(redlines[0].before.version) if redlines else "",
            "frozen_later_at": _frozen_later_at(version),
            "notices": stated_notices(notices),
            "rows": sum(count for _status, count in statuses),
            "statuses": statuses,
            "mails": mails,
            "pages": pages,
        },
    )


def _frozen_later_at(version: AgreementVersion) -> str:
    """Return when the redline was frozen, where an earlier build announced the version; otherwise nothing."""
    first = version.published_changes.first()
    return instant(first.frozen_at) if first and first.frozen_at != version.published_at else ""


def _notices_to_all(version: AgreementVersion) -> QuerySet[Notice]:
    """Return the announcement, reminders and the withdrawal, without the copies sent to single customers at signing."""
    at_signing = version.further_notices.filter(contract__isnull=False)
    to_all = notices_of(version).exclude(pk__in=at_signing.values("notice"))
    return to_all.prefetch_related("wordings", "attachments").order_by("pk")


def _mails(version: AgreementVersion, email: str) -> QuerySet[Any]:
    return deliveries_of(version).filter(email__iexact=email).select_related("notice").order_by("pk")


def _customers(version: AgreementVersion, now: datetime) -> Iterator[tuple[Any, ...]]:
    in_force = took_effect(version, now)
    for customer in acceptance(version, now).iterator(chunk_size=CHUNK):
        words = response_words(Acceptance(customer.state), in_force=in_force)
        yield customer.code, customer.name, customer.state, words


def _responses(version: AgreementVersion) -> Iterator[tuple[Any, ...]]:
    for row in answers_of(version).order_by("received_at", "pk").iterator(chunk_size=CHUNK):
        yield (
            row.pk,
            row.customer.code,
            row.kind,
            row.contract or "",
            row.received_at,
            row.registered_at,
            row.via,
            row.by_name,
            row.registered_by or "",
            row.delivery_id,
            row.last_day,
            row.text,
            row.withdrawn_at,
            row.withdrawal_reason,
            row.email,
            row.replied_at,
            row.reply,
            row.reply_zh,
        )


def _contract_rows(version: AgreementVersion, contracts: QuerySet[Contract]) -> Iterator[tuple[Any, ...]]:
    for contract in contracts.select_related("customer").iterator(chunk_size=CHUNK):
        found: list[Answer | None] = [*Answer.objects.filter(version=version, ended=contract).order_by("pk")]
        for response in found or [None]:
            decided = response and Reinstatement.objects.filter(answer=response, contract=contract).first()
            yield (
                contract.reference,
                contract.customer.code,
                contract.starts_on,
                contract.ends_on,
                contract.extended_to,
                contract.terminated_on,
                response and response.pk,
                response and response.received_at,
                response and response.withdrawn_at,
                decided and decided.outcome,
                decided and decided.consent_by,
                decided and (decided.consent or (decided.delivery and decided.delivery.email)),
                decided and decided.reason,
            )
