"""Everything that a decision on a claim needs, queried once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Unpack

from django.conf import settings
from django.db.models import Sum

from sla_portal.agreements.models import Contract
from sla_portal.agreements.queries import charges_in_force, later_periods
from sla_portal.agreements.rules import Reading, Terms
from sla_portal.availability.models import CustomerMonth, Exclusion, MonthClosing
from sla_portal.availability.queries import (
    Decisions,
    Judged,
    closing_of,
    customer_month,
    periods_excluded,
    undecided_exclusions,
)
from sla_portal.availability.rules import cut
from sla_portal.kernel.intervals import (
    Span,
    difference,
    epoch,
    intersection,
    merged,
    minutes_touching,
    seconds,
)
from sla_portal.kernel.money import smallest_unit
from sla_portal.kernel.months import ServiceDays, ServiceMonth, local_date

from ..models import Claim, Entry
from ..models.applying import OPEN, Status
from ..rules import ClaimWindow, Entitlement, Facts, Finding, examine, grounds, worth
from .windows import window_of


@dataclass(frozen=True)
class Minutes:
    """The minutes of a claim, as spans on minute edges."""

    claimed: list[Span]
    counted: list[Span]
    excluded: list[Span]

    @property
    def overlap(self) -> list[Span]:
        """Unavailable minutes that were claimed."""
        return intersection(self.counted, self.claimed)

    @property
    def unclaimed(self) -> list[Span]:
        """Unavailable minutes that were not claimed; they are compensated as well (3.2)."""
        return difference(self.counted, self.claimed)

    @property
    def nothing_overlaps(self) -> bool:
        """Whether minutes count, and none of them was claimed."""
        return bool(self.counted) and not self.overlap


@dataclass(frozen=True)
class CapBalance:
    """Fees paid, liability cap and granted compensation of a contract period (1.3, 5.1)."""

    fees_paid: Decimal
    cap: Decimal
    granted: Decimal
    """The current total of the ledger."""

    @property
    def left(self) -> Decimal:
        return max(self.cap - self.granted, Decimal(0))


@dataclass(frozen=True)
class Assessment:
    """A claim with the recorded figures it is based on, and the result of each check."""

    claim: Claim
    contract: Contract
    month: ServiceMonth
    terms: Terms
    window: ClaimWindow
    judged: Judged
    minutes: Minutes
    entitlement: Entitlement
    extendable: Contract | None
    """The contract that a service extension would extend: the last period of the claimed one."""
    cap_balance: CapBalance
    closing: MonthClosing | None
    undecided: list[Exclusion]
    """Proposed exclusions that touch claimed or counted minutes and that nobody decided yet, oldest first."""
    earlier: list[Claim]
    """Other claims of the customer, newest first."""
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The checks that prevent a grant: failed or pending."""
        return tuple(finding for finding in self.findings if finding.passed is not True)

    @property
    def excluded_under(self) -> set[str]:
        """The clauses of section 4 under which claimed minutes are excluded."""
        return {
            excluded.clause
            for excluded in self.judged.judgement.excluded_times
            if intersection([(excluded.start, excluded.end)], self.minutes.claimed)
        }

    @property
    def grounds(self) -> tuple[str, ...]:
        """The clauses on which the claim can be refused."""
        only_trial = self.entitlement.minutes > 0 and not self.entitlement.paid and self.extendable is None
        return grounds(self.findings, self.excluded_under, only_trial=only_trial)

    def facts(self) -> dict[str, Any]:
        """Figures on which the claim is based, as stored with a recommendation."""
        figures = self.judged.figures
        return {
            "agreement_version": self.terms.version,
            "closing_revision": self.closing.revision if self.closing else None,
            "availability": cut(figures.availability) if figures.availability is not None else None,
            "target": self.terms.target_text,
            "unavailable_minutes": figures.unavailable_minutes,
            "excluded_minutes": figures.excluded_minutes,
            "under": {reading.value: figures.under[reading].unavailable_minutes for reading in Reading},
            "reading_sensitive": figures.reading_sensitive,
            "counted_minutes": self.entitlement.counted_minutes,
            "trial_minutes": self.entitlement.trial_minutes,
            "total_minutes": self.entitlement.month_minutes,
            "claimed_minutes": seconds(self.minutes.claimed) // 60,
            "overlap_minutes": seconds(self.minutes.overlap) // 60,
            # With three decimals, as earlier builds recorded it, where the fourth is zero: what is pending still compares.
            "monthly_charge": f"{self.entitlement.monthly_charge:.4f}".removesuffix("0"),
            "currency": self.entitlement.currency,
            "fees_paid": str(self.cap_balance.fees_paid),
            "cap": str(self.cap_balance.cap),
            "given": str(self.cap_balance.granted),
            "opens_at": self.window.opens_at.isoformat(),
            "closes_at": self.window.closes_at.isoformat(),
            "proofs": [proof.sha256 for proof in self.claim.proofs.all()],
            "findings": [[finding.check.value, finding.clause, finding.passed] for finding in self.findings],
        }


def assess(claim: Claim, now: datetime, **decisions: Unpack[Decisions]) -> Assessment:
    """Assess a claim against the data on record at `now`; `decisions` as in `availability.queries.judged_region`.

    Raises `NoAgreementInForce`.
    """
    contract, month = claim.contract, claim.service_month
    window = window_of(month)
    judged = customer_month(contract.customer, month, now, **decisions)
    terms = judged.figures.terms
    days = contract_days(contract, month)
    counted = intersection(judged.judgement.in_force.counted.spans, days.spans)
    excluded = intersection(judged.judgement.in_force.excluded.spans, days.spans)
    claimed = minutes_touching(merged((epoch(time.starts_at), epoch(time.ends_at)) for time in claim.times.all()))
    undecided = _undecided(contract, month, merged([*claimed, *counted]), now)
    entitlement = entitled(contract, month, judged, terms)
    cap_balance = cap_balance_of(contract, terms)
    closing = closing_of(month)
    earlier = list(
        Claim.objects.filter(contract__customer=contract.customer_id)
        .exclude(pk=claim.pk)
        .select_related("contract")
        .prefetch_related("compensations")
        .order_by("-received_at")[:20]
    )
    findings = examine(
        Facts(
            window=window,
            received_at=claim.received_at,
            under_contract=days.count > 0,
            claimed_before=claimed_before(claim),
            proofs=len(claim.proofs.all()),
            closed=closing is not None,
            agrees_with_closing=closing is not None and _as_closed(contract, month, judged),
            provisional=judged.figures.provisional,
            undecided_exclusions=len(undecided),
            met=judged.figures.met,
            counted_minutes=entitlement.counted_minutes,
            cap_left=cap_balance.left,
            worth=worth(entitlement.paid, entitlement),
            credited=terms.credit_without_claim if claim.is_credit else None,
        )
    )
    return Assessment(
        claim=claim,
        contract=contract,
        month=month,
        terms=terms,
        window=window,
        judged=judged,
        minutes=Minutes(claimed, counted, excluded),
        entitlement=entitlement,
        extendable=extendable(contract, local_date(epoch(now), settings.SLA_ZONE)),
        cap_balance=cap_balance,
        closing=closing,
        undecided=undecided,
        earlier=earlier,
        findings=findings,
    )


def _undecided(contract: Contract, month: ServiceMonth, minutes: list[Span], now: datetime) -> list[Exclusion]:
    """The proposed exclusions that touch some of `minutes`, oldest first."""
    proposed = undecided_exclusions(contract.customer, month).select_related("incident", "customer")
    return [
        exclusion
        for exclusion in proposed.order_by("proposed_at", "id")
        if intersection(merged((epoch(start), epoch(end)) for start, end in periods_excluded(exclusion, now)), minutes)
    ]


def contract_days(contract: Contract, month: ServiceMonth, until: date | None = None) -> ServiceDays:
    """The service days of a contract in a month, those after `until` left out."""
    first = max(contract.starts_on, month.first_day)
    last = min(filter(None, [contract.last_day, month.last_day, until]))
    return ServiceDays.of([first + timedelta(days=n) for n in range((last - first).days + 1)], settings.SLA_ZONE)


def entitled(contract: Contract, month: ServiceMonth, judged: Judged, terms: Terms) -> Entitlement:
    """Return the minutes to compensate for a contract in a month, with its charge (3.2)."""
    counted = judged.judgement.in_force.counted
    trial = contract_days(contract, month, contract.trial_ends_on) if contract.trial_ends_on else None
    return Entitlement(
        counted_minutes=counted.within(contract_days(contract, month).spans),
        trial_minutes=counted.within(trial.spans) if trial else 0,
        minutes_per_minute=terms.compensated_minutes_per_minute,
        monthly_charge=charges_in_force([contract], month)[contract.pk],
        month_minutes=month.total_minutes,
        currency=contract.currency,
        smallest_voucher=terms.smallest_voucher,
    )


def cap_balance_of(contract: Contract, terms: Terms) -> CapBalance:
    """Return fees paid, liability cap and granted compensation of a contract period (5.1)."""
    fees_paid = contract.payments.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    unit = smallest_unit(contract.currency)
    cap = max(fees_paid * terms.compensation_cap_percent / 100, Decimal(0)) // unit * unit
    last = Entry.objects.filter(contract=contract).order_by("-number").first()
    return CapBalance(fees_paid=fees_paid, cap=cap, granted=last.total if last else Decimal(0))


def extendable(contract: Contract, today: date) -> Contract | None:
    """Return the contract that a service extension extends: the last of its periods, if it is running; else None."""
    last = [contract, *later_periods(contract)][-1]
    return last if not last.terminated_on and last.last_day >= today else None


def claimed_before(claim: Claim) -> bool:
    """Whether another claim for the contract and month is open or granted."""
    return (
        Claim.objects.filter(contract=claim.contract_id, month=claim.month, status__in=[*OPEN, Status.GRANTED])
        .exclude(pk=claim.pk)
        .exists()
    )


def _as_closed(contract: Contract, month: ServiceMonth, judged: Judged) -> bool:
    """Whether the current figures equal those frozen when the month was closed."""
    figures = judged.figures
    return CustomerMonth.objects.filter(
        customer=contract.customer_id,
        month=month.first_day,
        unavailable_minutes=figures.unavailable_minutes,
        total_minutes=figures.total_minutes,
    ).exists()
