"""The evidence of a claim (3): application, proof hashes, checks, minutes with their reasons, decisions, e-mails, ledger."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.template.loader import render_to_string

from claims.models import Claim, Decision, Entry, Recommendation, Undoing
from claims.queries import Assessment, assess
from claims.words import check_name, result_text
from sla_portal.availability.models import Exclusion
from sla_portal.availability.rules import explain
from sla_portal.kernel.intervals import MINUTE, instant, merged
from sla_portal.notices.models import Delivery, Notice

from ..models import Bundle, Report
from ..models import Status as FileStatus
from ..queries import file_of
from .archive import CHUNK, Archive, safe
from .archive import instant as text_of_instant
from .log import about, add_audit_log
from .notices import add_deliveries, add_notice, stated_notices

PROOF_COLUMNS = ("name", "kind", "size", "sha256", "virus_scan", "pages", "added_at", "added_by")
CHECK_COLUMNS = ("check", "clause", "result", "fact")
MINUTE_COLUMNS = (
    "from_utc", "claimed", "result", "counting_rule", "incidents", "excluded_under", "exclusions",
    *("under_" + rule for rule in ("all", "function", "any")),
)  # fmt: skip
EXCLUSION_COLUMNS = (
    "exclusion", "incident", "clause", "from", "until", "status", "reason", "evidence", "evidence_sha256", "third_party",
    "third_party_incident", "maintenance_window", "proposed_by", "proposed_at", "decided_by", "decided_at",
    "decision_reason", "revoked_by", "revoked_at", "revocation_reason",
)  # fmt: skip
DECISION_COLUMNS = (
    "recommendation", "outcome", "clause", "reason", "voucher_minutes", "extension_minutes", "after_appeal",
    "recommended_by", "recommended_at", "approved", "decision_reason", "decided_by", "decided_at",
)  # fmt: skip
LEDGER_COLUMNS = (
    "contract", "number", "type", "minutes", "amount", "currency", "contract_total", "liability_cap", "reason", "at",
    "by",
)  # fmt: skip
REVERSAL_COLUMNS = (
    "proposal", "ledger_numbers", "reason", "claim_under_review_again", "proposed_by", "proposed_at", "outcome", "closed_by",
    "closed_at", "answer",
)  # fmt: skip
RESULTS = {True: "pass", False: "fail", None: "pending"}


def write_claim(archive: Archive, bundle: Bundle, now: datetime) -> str:
    """Add the evidence of a claim to `archive`, as of `now`; return the README."""
    claim = Claim.objects.select_related("contract__customer__region", "entered_by").get(bundles=bundle)
    archive.add_json("application.json", _application(claim))
    proofs = claim.proofs.order_by("pk")
    archive.add_table("proofs.csv", PROOF_COLUMNS, proofs.values_list(
        "name", "kind", "size", "sha256", "scan", "pages", "added_at", "added_by_name"
    ))  # fmt: skip
    assessment = assess(claim, now)
    archive.add_json("figures.json", assessment.facts())
    archive.add_table("checks.csv", CHECK_COLUMNS, (
        (check_name(one.check), one.clause, RESULTS[one.passed], result_text(one, assessment))
        for one in assessment.findings
    ))  # fmt: skip
    archive.add_table("minutes.csv", MINUTE_COLUMNS, _minutes(assessment))
    exclusions = _exclusions(assessment)
    archive.add_table("exclusions.csv", EXCLUSION_COLUMNS, map(exclusion_row, exclusions))
    recommendations = claim.recommendations.select_related("recommended_by", "decision__decided_by").order_by("pk")
    archive.add_table("decisions.csv", DECISION_COLUMNS, map(_decision_row, recommendations))
    for row in recommendations:
        archive.add_json(f"recommendations/{row.pk}.json", row.facts)
        archive.add(f"recommendations/{row.pk}.txt", f"{row.letter_subject}\n\n{row.letter_text}\n".encode())
    notices = Notice.objects.filter(kind="claim", about=claim.number).order_by("pk")
    notices = notices.prefetch_related("wordings", "attachments")
    for notice in notices:
        add_notice(archive, notice, "e-mails")
    deliveries = Delivery.objects.filter(notice__in=notices.order_by())
    statuses = add_deliveries(archive, deliveries)
    ledger = Entry.objects.filter(compensation__claim=claim).order_by("pk")
    archive.add_table("ledger.csv", LEDGER_COLUMNS, _ledger(ledger))
    archive.add_table("reversals.csv", REVERSAL_COLUMNS, _reversals(claim))
    reports = Report.objects.filter(
        customer=claim.contract.customer, month=claim.month, status=FileStatus.READY
    ).order_by("pk")
    for report in reports:
        archive.add(f"reports/{safe(report.file_name)}", file_of(report))
    add_audit_log(
        archive,
        Q(subject_type=Claim._meta.label_lower, subject_id=str(claim.pk))
        | about(notices)
        | about(deliveries)
        | about(ledger)
        | about(Exclusion.objects.filter(pk__in=[one.pk for one in exclusions])),
    )
    return render_to_string(
        "reports/bundle/readme_claim.txt",
        {
            "address": settings.SITE_URL,
            "zone": settings.SLA_TIME_ZONE,
            "now": text_of_instant(now),
            "claim": claim,
            "month": f"{claim.month:%Y-%m}",
            "received_at": text_of_instant(claim.received_at),
            "proofs": proofs,
            "notices": stated_notices(notices),
            "statuses": statuses,
            "reports": reports,
        },
    )


def _application(claim: Claim) -> dict[str, Any]:
    """Return the application as it was received, with what was asked and answered since."""
    return {
        "number": claim.number,
        "customer": claim.contract.customer.code,
        "contract": claim.contract.reference,
        "month": f"{claim.month:%Y-%m}",
        "received_at": text_of_instant(claim.received_at),
        "source": claim.source,
        "ticket_number": claim.ticket_number,
        "entered_by": str(claim.entered_by or ""),
        "email": claim.email,
        "time_zone": claim.time_zone,
        "times": [[text_of_instant(one.starts_at), text_of_instant(one.ends_at)] for one in claim.times.all()],
        "functions": [one.code for one in claim.functions.order_by("code")],
        "clients": [one.code for one in claim.clients.order_by("code")],
        "description": claim.description,
        "status": claim.status,
        "announced_opening": text_of_instant(claim.told_opens_at),
        "question_to_the_customer": claim.asked,
        "asked_at": text_of_instant(claim.asked_at),
        "appeal": claim.appeal,
        "appealed_at": text_of_instant(claim.appealed_at),
    }


def _minutes(assessment: Assessment) -> Iterator[tuple[Any, ...]]:
    """Yield every minute that was claimed, that counts or that is excluded, with what decides about it."""
    minutes, judged = assessment.minutes, assessment.judged
    for start, end in merged([*minutes.claimed, *minutes.counted, *minutes.excluded]):
        for minute in range(start, end, MINUTE):
            reason = explain(judged.judgement, judged.days, minute)
            yield (
                instant(minute),
                "yes" if any(first <= minute < last for first, last in minutes.claimed) else "no",
                reason.why.value,
                reason.reading.value,
                ", ".join(reason.incidents),
                ", ".join(dict.fromkeys(one.clause for one in reason.excluded_times)),
                ", ".join(dict.fromkeys(str(one.key) for one in reason.excluded_times if one.key is not None)),
                *(why.value for why in reason.under.values()),
            )


def _exclusions(assessment: Assessment) -> list[Exclusion]:
    """Return the exclusions, of any status, that touch the minutes of the claim: of incidents, and of the customer alone."""
    start, end = assessment.month.span(settings.SLA_ZONE)
    incidents = {outage.incident for outage in assessment.judged.judgement.outages}
    found = Exclusion.objects.filter(
        Q(incident__reference__in=incidents)
        | Q(customer=assessment.contract.customer_id, starts_at__lt=instant(end), ends_at__gt=instant(start))
    )
    return list(with_people(found).order_by("pk"))


def with_people(exclusions: Any) -> Any:
    people = ("proposed_by", "decided_by", "revoked_by")
    return exclusions.select_related("incident", "maintenance", *people).prefetch_related("files")


def exclusion_row(row: Exclusion) -> tuple[Any, ...]:
    return (
        row.pk,
        row.incident.reference if row.incident else "",
        row.clause,
        row.starts_at,
        row.ends_at,
        row.status,
        row.reason,
        row.evidence,
        ", ".join(file.sha256 for file in row.files.all()),
        row.third_party,
        row.third_party_incident,
        row.maintenance.reference if row.maintenance else "",
        row.proposed_by or "",
        row.proposed_at,
        row.decided_by or "",
        row.decided_at,
        row.decision_reason,
        row.revoked_by or "",
        row.revoked_at,
        row.revocation_reason,
    )


def _decision_row(row: Recommendation) -> tuple[Any, ...]:
    decision: Decision | None = getattr(row, "decision", None)
    return (
        row.pk,
        row.outcome,
        row.clause,
        row.reason,
        row.voucher_minutes,
        row.extension_minutes,
        "yes" if row.after_appeal else "no",
        row.recommended_by,
        row.recommended_at,
        decision and ("yes" if decision.agreed else "no"),
        decision and decision.reason,
        decision and decision.decided_by,
        decision and decision.decided_at,
    )


def _reversals(claim: Claim) -> Iterator[tuple[Any, ...]]:
    """Yield what was proposed to be reversed, and what another person made of it."""
    proposals = Undoing.objects.filter(compensation__claim=claim).select_related("proposed_by", "closed_by")
    for row in proposals.prefetch_related("entries").order_by("pk"):
        yield (
            row.pk,
            ", ".join(str(number) for number in sorted(entry.number for entry in row.entries.all())),
            row.reason,
            "yes" if row.reopens else "no",
            row.proposed_by,
            row.proposed_at,
            row.outcome,
            row.closed_by or "",
            row.closed_at,
            row.answer,
        )


def _ledger(entries: Any) -> Iterator[tuple[Any, ...]]:
    for row in entries.select_related("contract", "by").iterator(chunk_size=CHUNK):
        yield (
            row.contract.reference,
            row.number,
            row.step,
            row.minutes,
            row.value,
            row.currency,
            row.total,
            row.cap,
            row.reason,
            row.at,
            row.by,
        )
