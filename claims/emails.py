"""E-mails to the claimant, in each language, and the draft of the decision that a reviewer edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.functional import lazy
from django.utils.html import escape, linebreaks
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _

from sla_portal.clocks import format_instant
from sla_portal.kernel.money import format_amount as amount
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.private import private_link
from sla_portal.notices.wording import Words, worded

from .models import Claim, Compensation, Entry, Outcome, Voucher
from .queries import window_of
from .queries.assessing import Assessment
from .queries.entitlements import EntitledContract
from .rules import Division
from .words import month_name, refusal_reason

CLAIM_PATH = "/claims/"
"""Path prefix of the personal link in an e-mail."""
MINUTES_PATH = "/claims/minutes/"
"""Path prefix of the personal link to the minutes that the figures in an e-mail are the number of."""


def step_email(claim: Claim, step: str, context: Mapping[str, Any]) -> list[Words]:
    """Write the e-mail about a step of a claim in every language, with the personal link at its end."""
    messages = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            context_of_step = {"claim": claim, "month": month_name(claim.service_month), "step": step, **context}
            subject = render_to_string("claims/emails/step.subject.txt", context_of_step)
            text = render_to_string("claims/emails/step.txt", context_of_step)
            messages.append(_with_link(language, subject, text, figures=False))
    return messages


def decision_email(subject: str, text: str, compensation: Compensation | None) -> list[Words]:
    """Write the e-mail of a decision: the edited text, with the compensation appended in the reader's language.

    The edited text is in the claimant's language and is not translated.
    """
    messages = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            messages.append(
                _with_link(
                    language,
                    subject,
                    f"{text.strip()}\n\n{compensation_text(compensation)}" if compensation else text,
                    figures=True,
                    credit=compensation is not None and compensation.claim.is_credit,
                )
            )
    return messages


def invitation_email(entitled: EntitledContract, month: ServiceMonth) -> list[Words]:
    """Write the e-mail that invites a customer to claim a breached month, in every language."""
    contract, window = entitled.entitled.contract, window_of(month)
    zone = str(contract.customer.region.zone)
    context = {
        "contract": contract,
        "month": _lazy_month_name(month),
        "service_month": month,
        "minutes": entitled.entitled.entitlement.counted_minutes,
        "opens_at": clocks(window.opens_at, zone),
        "closes_at": clocks(window.closes_at, zone),
    }
    return worded("claims/emails/invitation", context)


def draft(assessment: Assessment, outcome: str, clause: str) -> tuple[str, str]:
    """Draft subject and text of a decision in the claimant's language: the reasons with their clauses."""
    claim = assessment.claim
    with translation.override(language_of(claim)):
        context = {
            "claim": claim,
            "month": month_name(assessment.month),
            "contract": assessment.contract,
            "outcome": outcome,
            "grant": outcome == Outcome.GRANT,
            "clause": clause,
            "facts": assessment.facts(),
            "objection": "" if outcome == Outcome.GRANT else refusal_reason(clause, assessment),
        }
        subject = render_to_string("claims/emails/decision.subject.txt", context)
        text = render_to_string("claims/emails/decision.txt", context)
    return " ".join(subject.split()), _tidy(text)


def preview(claim: Claim, text: str, division: Division | None, ends_on: date | None, currency: str) -> str:
    """Return the e-mail of a decision as it would be sent now, in the claimant's language."""
    with translation.override(language_of(claim)):
        return (
            f"{text.strip()}\n\n{_compensation_text(division, ends_on, None, currency)}" if division else text.strip()
        )


def undoing_draft(claim: Claim, entries: Sequence[Entry], *, reopens: bool) -> tuple[str, str]:
    """Draft subject and text of the e-mail that tells of a reversal, in the claimant's language."""
    with translation.override(language_of(claim)):
        context = {
            "claim": claim,
            "month": month_name(claim.service_month),
            "contract": claim.contract,
            "lost": [
                (entry, amount(entry.voucher.value, entry.currency) if entry.voucher else "") for entry in entries
            ],
            "reopens": reopens,
        }
        subject = render_to_string("claims/emails/undoing.subject.txt", context)
        text = render_to_string("claims/emails/undoing.txt", context)
    return " ".join(subject.split()), _tidy(text)


def as_sent(claim: Claim, text: str) -> str:
    """Return an edited e-mail as it goes to the claimant, with the personal links as placeholders."""
    with translation.override(language_of(claim)):
        context = {
            "link": _("[personal link]"),
            "minutes_link": _("[personal link to the minutes]"),
            "credit": claim.is_credit,
        }
        return f"{_tidy(text)}\n\n{_tidy(render_to_string('claims/emails/link.txt', context))}"


def compensation_text(compensation: Compensation) -> str:
    """Describe a compensation in the active language."""
    entries = {entry.step: entry for entry in compensation.entries.select_related("extended")}
    extension, voucher = entries.get("extended"), Voucher.objects.filter(compensation=compensation).first()
    division = Division(
        voucher_minutes=compensation.voucher_minutes,
        voucher_value=voucher.value if voucher else 0,  # type: ignore[arg-type]
        extension_minutes=compensation.extension_minutes,
        extension_value=extension.value if extension else 0,  # type: ignore[arg-type]
        cut_minutes=compensation.cut_minutes,
        cut_value=compensation.cut_value,
    )
    ends_on = extension.extended.last_day if extension and extension.extended else None
    return _compensation_text(division, ends_on, voucher, compensation.currency)


def language_of(claim: Claim) -> str:
    """Return the language of the claimant: of the site's installer where a contact of that claims."""
    return (claim.contact or claim.contract).customer.language


def _clocks(at: datetime, zone: str) -> str:
    """Format an instant in the claimant's time zone and, if it differs, in the SLA time zone."""
    theirs = format_instant(at, ZoneInfo(zone))
    ours = format_instant(at, settings.SLA_ZONE)
    return theirs if zone == settings.SLA_TIME_ZONE else f"{theirs} ({ours})"


clocks = lazy(_clocks, str)
"""`_clocks` in the language of the e-mail, when it is rendered."""


_lazy_month_name = lazy(month_name, str)


def _compensation_text(division: Division, ends_on: date | None, voucher: Voucher | None, currency: str) -> str:
    context = {
        "division": division,
        "ends_on": ends_on,
        "voucher": voucher,
        "voucher_value": amount(division.voucher_value, currency) if division.voucher_value else "",
        "cut_value": amount(division.cut_value, currency) if division.cut_value else "",
    }
    return _tidy(render_to_string("claims/emails/compensation.txt", context))


def _with_link(language: str, subject: str, text: str, *, figures: bool, credit: bool = False) -> Words:
    """Return an e-mail with the personal links at its end; `figures`: also to the minutes of the month."""
    links = [*([private_link(MINUTES_PATH)] if figures else []), private_link(CLAIM_PATH)]
    context = {"link": links[-1], "minutes_link": links[0] if figures else "", "credit": credit}
    full = f"{_tidy(text)}\n\n{_tidy(render_to_string('claims/emails/link.txt', context))}"
    html = linebreaks(escape(full))
    for link in links:
        html = html.replace(link, f'<a href="{link}">{link}</a>')
    return Words(language, subject, full, mark_safe(html))  # noqa: S308 - escaped one line above


def _tidy(text: str) -> str:
    """Remove the empty lines that unused template branches leave."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return "\n".join(line for n, line in enumerate(lines) if line or lines[n - 1])
