"""The content of the page of a claim: checks, cap and balance, compensation, counting rules, decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from claims.emails import fingerprint, language_of
from claims.models import Claim, ClaimedTime, Decision, Enclosure, Entry, Outcome, Recommendation
from claims.queries import Assessment, CapBalance, assess
from claims.queries.deciders import MODEL_BACKEND
from claims.queries.exclusions import Correction
from claims.rules import Check, Division, divide, worth
from claims.words import check_name, result_text
from incidents.models import Incident, Outage
from sla_portal.agreements.models import Payment
from sla_portal.availability.models import Exclusion, Status
from sla_portal.availability.queries import Judged
from sla_portal.availability.rules import compared, cut
from sla_portal.clocks import format_instant, format_minutes, month_name
from sla_portal.customers.models import Contact
from sla_portal.customers.queries import contacts_of_customer
from sla_portal.kernel.intervals import MINUTE, instant, seconds
from sla_portal.kernel.money import format_amount as amount
from sla_portal.minutes import rule_name
from sla_portal.notices.mail.message import salutation
from sla_portal.notices.private import concealed
from sla_portal.notices.wording import Words

from ..words import verdict

MOST_LINES = 10
"""Payments and ledger entries on the page; their own lists show all."""


@dataclass(frozen=True)
class Line:
    """The result of a check: its name, fact and clause, with the badge and its label."""

    name: str
    fact: str
    clause: str
    state: str
    word: str
    of_minutes: bool
    """Whether the fact rests on the minutes of the month."""


def checks(assessment: Assessment) -> list[Line]:
    """List the checks in the order of the agreement, each as pass, fail or pending."""
    shown = {True: ("up", _("Pass")), False: ("counted", _("Fail")), None: ("waiting", _("Pending"))}
    return [
        Line(
            check_name(finding.check),
            result_text(finding, assessment),
            finding.clause,
            *shown[finding.passed],
            of_minutes=finding.check in (Check.BELOW_TARGET, Check.COUNTED_MINUTES),
        )
        for finding in assessment.findings
    ]


def failed_checks(assessment: Assessment) -> list[Line]:
    """List the checks that prevent a grant."""
    blocking = {finding.check for finding in assessment.blocking}
    return [
        line for line, finding in zip(checks(assessment), assessment.findings, strict=True) if finding.check in blocking
    ]


def overlap_warning(assessment: Assessment) -> str:
    """Say that claimed and recorded times have nothing in common; empty where they have."""
    if not assessment.minutes.nothing_overlaps:
        return ""
    return _(
        "None of the claimed times overlaps the %(minutes)s on record. "
        "The record decides (3.1), but check that the customer means this month and this outage."
    ) % {"minutes": format_minutes(seconds(assessment.minutes.counted) // MINUTE)}


def format_times(times: Sequence[ClaimedTime], zone: str) -> list[str]:
    """Format the claimed outages in the time zone of the claimant."""
    return [
        f"{format_instant(time.starts_at, ZoneInfo(zone))} – {format_instant(time.ends_at, ZoneInfo(zone))}"
        for time in times
    ]


@dataclass(frozen=True)
class ShownLetter:
    """A letter as it goes: its text in the claimant's language without the personal links, and to whom.

    `others`: the same for recipients with another language.
    """

    language: str
    recipients: list[Contact]
    salutations: list[str]
    subject: str
    text: str
    files: list[Enclosure]
    fingerprint: str
    others: list[ShownLetter]


def shown_letter(claim: Claim, letter: Sequence[Words], files: Iterable[Enclosure] = ()) -> ShownLetter:
    recipients = [claim.contact] if claim.contact else list(contacts_of_customer(claim.contract.customer))
    files, main = list(files), language_of(claim)

    def in_language(words: Words, others: list[ShownLetter]) -> ShownLetter:
        greeted = [contact for contact in recipients if contact.customer.language == words.language]
        return ShownLetter(
            language=words.language,
            recipients=recipients,
            salutations=[salutation(contact.name, words.language) for contact in greeted],
            subject=words.heading,
            text=concealed(words.text, words.language),
            files=files,
            fingerprint=fingerprint(letter),
            others=others,
        )

    languages = {contact.customer.language for contact in recipients} - {main}
    others = [in_language(words, []) for words in letter if words.language in languages]
    return in_language(next(words for words in letter if words.language == main), others)


@dataclass(frozen=True)
class Money:
    """Cap and balance of the contract period, formatted, and as widths of a bar of 200 units."""

    paid: str
    cap: str
    granted: str
    left: str
    granted_width: str
    is_used_up: bool


def money(cap_balance: CapBalance, currency: str) -> Money:
    share = min(cap_balance.granted / cap_balance.cap, Decimal(1)) if cap_balance.cap else Decimal(0)
    return Money(
        paid=amount(cap_balance.fees_paid, currency),
        cap=amount(cap_balance.cap, currency),
        granted=amount(cap_balance.granted, currency),
        left=amount(cap_balance.left, currency),
        granted_width=f"{200 * max(share, Decimal(0)):.1f}",
        is_used_up=not cap_balance.left,
    )


@dataclass(frozen=True)
class Worth:
    """A division of the minutes with formatted amounts and a sentence for each cut."""

    division: Division
    voucher_value: str
    extension_value: str
    value: str
    sentences: list[str]


def division_of(assessment: Assessment, voucher_minutes: int) -> Division:
    """Divide the minutes; `voucher_minutes`, at most those with charge, become a voucher."""
    entitlement = assessment.entitlement
    return divide(
        entitlement,
        max(0, min(voucher_minutes, entitlement.paid)),
        assessment.cap_balance.left,
        extendable=assessment.extendable is not None,
    )


def worth_of(assessment: Assessment, division: Division) -> Worth:
    """Format a division of the minutes."""
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
    sentences = []
    if division.small_minutes:
        sentences.append(
            _("A voucher of less than %(smallest)s is not issued (3.2): its %(minutes)s become service extension.")
            % {
                "smallest": amount(assessment.entitlement.smallest_voucher, currency),
                "minutes": format_minutes(division.small_minutes),
            }
        )
    if division.cut_value:
        sentences.append(
            _("The liability cap (5.1) cuts %(value)s: the balance for this contract period is %(left)s.")
            % {"value": amount(division.cut_value, currency), "left": amount(assessment.cap_balance.left, currency)}
        )
    if division.cut_minutes and assessment.extendable is None:
        sentences.append(
            _("The contract has ended, so %(minutes)s cannot be granted as service extension.")
            % {"minutes": format_minutes(division.cut_minutes)}
        )
    elif division.cut_minutes:
        sentences.append(
            _("Cut from the service extension: %(minutes)s.") % {"minutes": format_minutes(division.cut_minutes)}
        )
    return sentences


def entitlement_lines(assessment: Assessment) -> list[str]:
    """Explain how minutes and amount are calculated, and the effect of the free trial (3.2, 1.3)."""
    own = assessment.entitlement
    sentences = [
        _("%(charge)s × %(minutes)s ÷ %(total)s minutes of the month = %(worth)s.")
        % {
            "charge": amount(own.monthly_charge, own.currency),
            "minutes": own.paid,
            "total": own.month_minutes,
            "worth": amount(worth(own.paid, own), own.currency),
        }
    ]
    if own.minutes_per_minute != 1:
        sentences.insert(
            0,
            ngettext(
                "The agreement grants %(count)s minute for each unavailable minute (3.2).",
                "The agreement grants %(count)s minutes for each unavailable minute (3.2).",
                own.minutes_per_minute,
            )
            % {"count": own.minutes_per_minute},
        )
    if own.trial:
        sentences.append(
            ngettext(
                "%(count)s minute falls in the free trial, carries no charge (1.3) and is granted as service extension only.",
                "%(count)s minutes fall in the free trial, carry no charge (1.3) and are granted as service extension only.",
                own.trial,
            )
            % {"count": own.trial}
        )
    return sentences


def minute_lines(assessment: Assessment) -> list[tuple[str, str, str]]:
    """List claimed, counted and excluded minutes: name, length, and which minutes of the month they are, if any."""
    of = assessment.minutes
    return [
        (name, format_minutes(seconds(spans) // MINUTE), only)
        for name, spans, only in (
            (_("Claimed"), of.claimed, ""),
            (pgettext("minutes", "Unavailable"), of.counted, "counted"),
            (_("Unavailable and claimed"), of.overlap, "counted"),
            (pgettext("minutes", "Excluded"), of.excluded, "excluded"),
        )
    ]


def counting_rules(judged: Judged) -> list[dict[str, Any]]:
    """List the figures of the month under each of the three counting rules (1.4)."""
    figures = judged.figures
    return [
        {
            "name": rule_name(reading),
            "code": reading and reading.value,
            "in_force": reading is figures.rule,
            "minutes": format_minutes(under.unavailable_minutes),
            "availability": None if under.availability is None else cut(under.availability),
            "verdict": verdict(under.met, over=True),
        }
        for reading, under in figures.compared
    ]


@dataclass(frozen=True)
class CustomerExclusion:
    """An exclusion caused by the customer (4.2 to 4.9), and the figures of the month with and without it."""

    row: Exclusion
    lines: list[dict[str, Any]]
    worth: tuple[str, str] | None


def customer_exclusions(
    claim: Claim, assessment: Assessment, now: datetime, *, compare: bool
) -> list[CustomerExclusion]:
    """List the exclusions in the month of the claim, oldest first; with `compare`, also the effect of deciding each."""
    start, end = (instant(edge) for edge in assessment.month.span(settings.SLA_ZONE))
    rows = Exclusion.objects.filter(
        customer=claim.contract.customer_id, starts_at__lt=end, ends_at__gt=start
    ).select_related("customer", "proposed_by", "decided_by", "revoked_by")
    return [_compared(row, claim, assessment, now) if compare else CustomerExclusion(row, [], None) for row in rows]


def _compared(row: Exclusion, claim: Claim, stands: Assessment, now: datetime) -> CustomerExclusion:
    if row.status == Status.PROPOSED:
        would = assess(claim, now, as_if_confirmed=[row])
    elif row.status == Status.CONFIRMED:
        would = assess(claim, now, as_if_revoked=[row])
    else:
        return CustomerExclusion(row, [], None)
    lines = []
    for reading, in_force, before, after in compared(stands.judged.figures, would.judged.figures):
        lines.append(
            {
                "name": rule_name(reading),
                "code": reading and reading.value,
                "in_force": in_force,
                "stands": (format_minutes(before.unavailable_minutes), verdict(before.met, over=True)),
                "would": (format_minutes(after.unavailable_minutes), verdict(after.met, over=True)),
            }
        )
    return CustomerExclusion(row, lines, (_worth(stands), _worth(would)))


def _worth(assessment: Assessment) -> str:
    own = assessment.entitlement
    if not assessment.judged.figures.met:
        return f"{format_minutes(own.minutes)} · {amount(worth(own.paid, own), own.currency)}"
    return _("none: SLA met")


def correction_sentence(correction: Correction) -> str:
    """Say what follows from time of the customer's own making that was decided after the closing, and by whom."""
    month = month_name(correction.month)
    if correction.closing:
        return _(
            "%(month)s was corrected by %(name)s on %(at)s (revision %(revision)d) and counts this time as decided. "
            "The claim can go on."
        ) % {
            "month": month,
            "name": correction.closing.closed_by_name,
            "at": format_instant(correction.closing.closed_at, timezone.get_current_timezone()),
            "revision": correction.closing.revision,
        }
    told = _("You are told here and on your home page when it is done.")
    if correction.request:
        sentence = _(
            "%(month)s is closed. %(name)s has requested its correction, which another person of Legal confirms; "
            "until then the claim cannot be granted."
        ) % {"month": month, "name": correction.request.requested_by_name}
    else:
        closers = User.objects.with_perm("availability.close_month", backend=MODEL_BACKEND).order_by("username")
        names = ", ".join(one.get_full_name() or one.get_username() for one in closers[:MOST_LINES]) or _("Legal")
        sentence = (
            _(
                "%(month)s is closed, so the figures change only once it is corrected. One of these requests the correction "
                "and another confirms it: %(names)s. Until then the claim cannot be granted."
            )
            if settings.CLOSING_NEEDS_SECOND_PERSON
            else _(
                "%(month)s is closed, so the figures change only once one of these has corrected it: %(names)s. "
                "Until then the claim cannot be granted."
            )
        ) % {"month": month, "names": names}
    return f"{sentence} {told}"


def voided_incidents(claim: Claim) -> QuerySet[Incident]:
    """Incidents that overlap the times reported, but were voided or merged into another."""
    reported = Q(pk__in=())
    for time in claim.times.all():
        reported |= Q(started_at__lt=time.ends_at) & (Q(ended_at__isnull=True) | Q(ended_at__gt=time.starts_at))
    outages = Outage.objects.filter(reported, region=claim.contract.customer.region_id)
    return (
        Incident.objects.filter(voided_at__isnull=False, pk__in=outages.values("incident"))
        .select_related("merged_into")
        .order_by("detected_at", "id")
    )


@dataclass(frozen=True)
class ClaimHistory:
    """The recommendations and decisions of a claim, oldest first."""

    recommendations: list[Recommendation]
    decisions: dict[int, Decision]
    """By primary key of the recommendation."""

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


def history_of(claim: Claim) -> ClaimHistory:
    decisions = Decision.objects.filter(recommendation__claim=claim).select_related("decided_by", "recommendation")
    return ClaimHistory(
        list(claim.recommendations.select_related("recommended_by").order_by("id")),
        {decision.recommendation_id: decision for decision in decisions},
    )


def why_not_decide(user: User, history: ClaimHistory) -> str:
    """Explain why `user` may not decide the last recommendation; empty if they may."""
    last = history.last
    if last is None:
        return ""
    if last.recommended_by_id == user.pk:
        return _("You made this recommendation. Another person must approve it.")
    refusal = history.refusal
    if last.after_appeal and refusal and refusal.decided_by_id == user.pk:
        return _("You decided the refusal that was appealed. A third person must decide the appeal.")
    if last.after_appeal and refusal and refusal.recommended_by_id == user.pk:
        return _("You recommended the refusal that was appealed. A third person must decide the appeal.")
    return ""


def why_not_recommend(user: User, deciders: Sequence[User]) -> str:
    """Explain why `user` may not recommend in an appeal that `deciders` may decide; empty if they may."""
    if list(deciders) == [user]:
        return _(
            "Only you may decide this appeal, so another person must recommend: "
            "who took part in the refusal may recommend, but not decide."
        )
    return ""


def granted_entries(claim: Claim) -> list[tuple[Entry, str]]:
    """List the ledger entries of the claim, oldest first, each with its formatted amount."""
    lines = Entry.objects.filter(compensation__claim=claim).select_related("voucher", "extended", "by")
    return [(entry, amount(entry.value, entry.currency)) for entry in lines.order_by("number")]


def ledger_of(claim: Claim) -> list[tuple[Entry, str]]:
    """List the newest ledger entries of the contract, one more than is shown, each with its formatted amount."""
    lines = Entry.objects.filter(contract=claim.contract_id).select_related("compensation__claim", "voucher")
    return [(entry, amount(entry.value, entry.currency)) for entry in lines.order_by("-number")[: MOST_LINES + 1]]


def payments_of(claim: Claim) -> list[tuple[Payment, str]]:
    """List the newest payments on the contract, one more than is shown, each with its formatted amount."""
    rows = claim.contract.payments.order_by("-paid_on", "-id")[: MOST_LINES + 1]
    return [(payment, amount(payment.amount, claim.contract.currency)) for payment in rows]
