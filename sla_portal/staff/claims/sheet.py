"""What the page of a claim shows: the checks, the money, the division, the readings, what was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from claims.models import Claim, ClaimedTime, Decision, Entry, Outcome, Recommendation
from claims.queries import Assessment, CapBalance, assess
from claims.rules import Division, divide, worth
from claims.words import question, sentence
from sla_portal.agreements.models import Payment
from sla_portal.agreements.rules import Reading
from sla_portal.availability.models import Exclusion, Status
from sla_portal.availability.queries import Judged
from sla_portal.availability.rules import cut
from sla_portal.clocks import format_instant, format_minutes
from sla_portal.kernel.intervals import instant
from sla_portal.kernel.money import format_amount as amount

from ..words import reading_name, verdict

MOST_LINES = 10
"""Of payments and of the ledger on the page; their own lists have them all."""


@dataclass(frozen=True)
class Line:
    """A check as a sentence with its clause, its mark and its word."""

    question: str
    fact: str
    clause: str
    state: str
    word: str


def checks(assessment: Assessment) -> list[Line]:
    """The checks in the order of the agreement: green, red or open."""
    shown = {True: ("up", _("Pass")), False: ("counted", _("Fail")), None: ("waiting", _("Pending"))}
    return [
        Line(question(finding.check), sentence(finding, assessment), finding.clause, *shown[finding.holds])
        for finding in assessment.findings
    ]


def against_a_grant(assessment: Assessment) -> list[Line]:
    """What stands against a grant, as it stands in the checks."""
    blocking = {finding.check for finding in assessment.blocking}
    return [
        line for line, finding in zip(checks(assessment), assessment.findings, strict=True) if finding.check in blocking
    ]


def times_told(times: Sequence[ClaimedTime], zone: str) -> list[str]:
    """The claimed times on the claimant's clock."""
    return [
        f"{format_instant(time.starts_at, ZoneInfo(zone))} – {format_instant(time.ends_at, ZoneInfo(zone))}"
        for time in times
    ]


@dataclass(frozen=True)
class Money:
    """The money of the contract period, as numbers and as parts of a bar of 200 units."""

    paid: str
    cap: str
    given: str
    left: str
    given_width: str
    is_used_up: bool


def money(purse: CapBalance, currency: str) -> Money:
    share = min(purse.given / purse.cap, Decimal(1)) if purse.cap else Decimal(0)
    return Money(
        paid=amount(purse.fees_paid, currency),
        cap=amount(purse.cap, currency),
        given=amount(purse.given, currency),
        left=amount(purse.left, currency),
        given_width=f"{200 * max(share, Decimal(0)):.1f}",
        is_used_up=not purse.left,
    )


@dataclass(frozen=True)
class Worth:
    """A division of the minutes in words: what the voucher and the extension are worth, what is cut."""

    division: Division
    voucher_value: str
    extension_value: str
    value: str
    sentences: list[str]


def division_of(assessment: Assessment, voucher_minutes: int) -> Division:
    """The minutes divided so that `voucher_minutes`, or as many as carry a charge, become a voucher."""
    entitlement = assessment.entitlement
    return divide(
        entitlement,
        max(0, min(voucher_minutes, entitlement.paid)),
        assessment.purse.left,
        extendable=assessment.extendable is not None,
    )


def worth_of(assessment: Assessment, division: Division) -> Worth:
    """Tell what a division gives and what it cuts."""
    currency = assessment.entitlement.currency
    return Worth(
        division=division,
        voucher_value=amount(division.voucher_value, currency),
        extension_value=amount(division.extension_value, currency),
        value=amount(division.value, currency),
        sentences=_cut(assessment, division),
    )


def _cut(assessment: Assessment, division: Division) -> list[str]:
    currency = assessment.entitlement.currency
    said = []
    if division.cut_value:
        said.append(
            _("The liability cap (5.1) cuts %(value)s: the balance for this contract period is %(left)s.")
            % {"value": amount(division.cut_value, currency), "left": amount(assessment.purse.left, currency)}
        )
    if division.cut_minutes and assessment.extendable is None:
        said.append(
            _("The contract has ended, so %(minutes)s cannot be granted as service extension.")
            % {"minutes": format_minutes(division.cut_minutes)}
        )
    elif division.cut_minutes:
        said.append(
            _("Cut from the service extension: %(minutes)s.") % {"minutes": format_minutes(division.cut_minutes)}
        )
    return said


def entitlement_told(assessment: Assessment) -> list[str]:
    """How the minutes and their worth come about, and what the free trial does to them."""
    own = assessment.entitlement
    said = [
        _("%(charge)s × %(minutes)s ÷ %(total)s minutes in service = %(worth)s.")
        % {
            "charge": amount(own.monthly_charge, own.currency),
            "minutes": own.paid,
            "total": own.total_minutes,
            "worth": amount(worth(own.paid, own), own.currency),
        }
    ]
    if own.minutes_per_minute != 1:
        said.insert(
            0,
            ngettext(
                "The agreement grants %(count)s minute for each unavailable minute (3.2).",
                "The agreement grants %(count)s minutes for each unavailable minute (3.2).",
                own.minutes_per_minute,
            )
            % {"count": own.minutes_per_minute},
        )
    if own.trial:
        said.append(
            ngettext(
                "%(count)s minute falls in the free trial, carries no charge (1.3) and is granted as service extension only.",
                "%(count)s minutes fall in the free trial, carry no charge (1.3) and are granted as service extension only.",
                own.trial,
            )
            % {"count": own.trial}
        )
    return said


def readings(judged: Judged) -> list[dict[str, Any]]:
    """The month under the three readings, side by side."""
    figures = judged.figures
    return [
        {
            "name": reading_name(reading),
            "in_force": reading is figures.terms.unavailability_reading,
            "minutes": format_minutes(under.unavailable_minutes),
            "availability": None if under.availability is None else cut(under.availability),
            "verdict": verdict(under.met, over=True),
        }
        for reading, under in figures.under.items()
    ]


@dataclass(frozen=True)
class OwnExclusion:
    """An exclusion of the customer's own making, and the month with and without it."""

    row: Exclusion
    lines: list[dict[str, Any]]
    worth: tuple[str, str] | None


def own_exclusions(claim: Claim, assessment: Assessment, now: datetime, *, compare: bool) -> list[OwnExclusion]:
    """Those that touch the claim's month, oldest first; where `compare`, what deciding the open ones would do."""
    start, end = (instant(edge) for edge in assessment.month.span(settings.SLA_ZONE))
    rows = Exclusion.objects.filter(
        customer=claim.contract.customer_id, starts_at__lt=end, ends_at__gt=start
    ).select_related("customer", "proposed_by", "decided_by", "revoked_by")
    return [_compared(row, claim, assessment, now) if compare else OwnExclusion(row, [], None) for row in rows]


def _compared(row: Exclusion, claim: Claim, stands: Assessment, now: datetime) -> OwnExclusion:
    if row.status == Status.PROPOSED:
        would = assess(claim, now, as_if_confirmed=[row])
    elif row.status == Status.CONFIRMED:
        would = assess(claim, now, as_if_revoked=[row])
    else:
        return OwnExclusion(row, [], None)
    lines = []
    for reading in Reading:
        before, after = (one.judged.figures.under[reading] for one in (stands, would))
        lines.append(
            {
                "name": reading_name(reading),
                "in_force": reading is stands.terms.unavailability_reading,
                "stands": (format_minutes(before.unavailable_minutes), verdict(before.met, over=True)),
                "would": (format_minutes(after.unavailable_minutes), verdict(after.met, over=True)),
            }
        )
    return OwnExclusion(row, lines, (_worth(stands), _worth(would)))


def _worth(assessment: Assessment) -> str:
    own = assessment.entitlement
    if not assessment.judged.figures.met:
        return f"{format_minutes(own.minutes)} · {amount(worth(own.paid, own), own.currency)}"
    return _("none: SLA met")


@dataclass(frozen=True)
class Course:
    """How far a claim has come: what was recommended and decided, oldest first, and the refusal that was appealed."""

    recommendations: list[Recommendation]
    decisions: dict[int, Decision]
    """By recommendation."""

    @property
    def last(self) -> Recommendation | None:
        """The newest recommendation."""
        return self.recommendations[-1] if self.recommendations else None

    @property
    def refusal(self) -> Decision | None:
        """The newest refusal that was decided."""
        return next(
            (
                decision
                for row in reversed(self.recommendations)
                if row.outcome == Outcome.REFUSE and (decision := self.decisions.get(row.pk)) and decision.agreed
            ),
            None,
        )


def course_of(claim: Claim) -> Course:
    decisions = Decision.objects.filter(recommendation__claim=claim).select_related("decided_by", "recommendation")
    return Course(
        list(claim.recommendations.select_related("recommended_by").order_by("id")),
        {decision.recommendation_id: decision for decision in decisions},
    )


def why_not_decide(user: User, course: Course) -> str:
    """Why `user` may not decide what is recommended; empty where nothing stands against it."""
    last = course.last
    if last is None:
        return ""
    if last.recommended_by_id == user.pk:
        return _("You made this recommendation. Another person must approve it.")
    refusal = course.refusal
    if last.after_appeal and refusal and refusal.decided_by_id == user.pk:
        return _("You decided the refusal that was appealed. A third person must decide the appeal.")
    if last.after_appeal and refusal and refusal.recommended_by_id == user.pk:
        return _("You recommended the refusal that was appealed. A third person must decide the appeal.")
    return ""


def given_for(claim: Claim) -> list[tuple[Entry, str]]:
    """What was given for the claim and what became of it, oldest first, each with its value in words."""
    lines = Entry.objects.filter(compensation__claim=claim).select_related("voucher", "extended", "by")
    return [(entry, amount(entry.value, entry.currency)) for entry in lines.order_by("number")]


def ledger_of(claim: Claim) -> list[tuple[Entry, str]]:
    """The newest lines of the contract's ledger, one more than are shown, each with its value in words."""
    lines = Entry.objects.filter(contract=claim.contract_id).select_related("compensation__claim", "voucher")
    return [(entry, amount(entry.value, entry.currency)) for entry in lines.order_by("-number")[: MOST_LINES + 1]]


def payments_of(claim: Claim) -> list[tuple[Payment, str]]:
    """The newest payments on the contract, one more than are shown, each with its amount in words."""
    rows = claim.contract.payments.order_by("-paid_on", "-id")[: MOST_LINES + 1]
    return [(payment, amount(payment.amount, claim.contract.currency)) for payment in rows]
