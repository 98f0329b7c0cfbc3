"""What a claimant is told, in each language, and the draft of the letter that a reviewer edits."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.html import escape, linebreaks
from django.utils.safestring import mark_safe

from sla_portal.clocks import format_instant
from sla_portal.kernel.money import format_amount as amount
from sla_portal.notices.private import private_link
from sla_portal.notices.wording import Words

from .models import Claim, Compensation, Outcome, Voucher
from .queries.assessing import Assessment
from .rules import Division
from .words import month_name, objection

FOLLOW = "/claims/"
"""Where the private link of a letter leads."""


def words(claim: Claim, step: str, context: Mapping[str, Any]) -> list[Words]:
    """A letter about a step of a claim, in every language of the portal; the private link closes it."""
    said = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            given = {"claim": claim, "month": month_name(claim.service_month), "step": step, **context}
            subject = render_to_string("claims/emails/step.subject.txt", given)
            text = render_to_string("claims/emails/step.txt", given)
            said.append(_closed(language, subject, text))
    return said


def decided(subject: str, text: str, compensation: Compensation | None) -> list[Words]:
    """The letter of a decision as it was edited, with what was given appended in the reader's language.

    It was written for one claimant, in that one's language: in every other it stands as it was written.
    """
    said = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            said.append(
                _closed(language, subject, f"{text.strip()}\n\n{given(compensation)}" if compensation else text)
            )
    return said


def draft(assessment: Assessment, outcome: str, clause: str) -> tuple[str, str]:
    """Draft the subject and text of a decision in the claimant's language: its reasons, with the clauses."""
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
            "objection": "" if outcome == Outcome.GRANT else objection(clause, assessment),
        }
        subject = render_to_string("claims/emails/decision.subject.txt", context)
        text = render_to_string("claims/emails/decision.txt", context)
    return " ".join(subject.split()), _tidy(text)


def preview(claim: Claim, text: str, division: Division | None, ends_on: date | None, currency: str) -> str:
    """A decision's letter as it would go out now, in the claimant's language."""
    with translation.override(language_of(claim)):
        return f"{text.strip()}\n\n{_given(division, ends_on, None, currency)}" if division else text.strip()


def given(compensation: Compensation) -> str:
    """What a compensation gave, in the present language."""
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
    return _given(division, ends_on, voucher, compensation.currency)


def language_of(claim: Claim) -> str:
    return claim.contract.customer.language


def clocks(at: datetime, zone: str) -> str:
    """An instant on the claimant's clock and, where it is another, on the SLA clock."""
    theirs = format_instant(at, ZoneInfo(zone))
    ours = format_instant(at, settings.SLA_ZONE)
    return theirs if zone == settings.SLA_TIME_ZONE else f"{theirs} ({ours})"


def _given(division: Division, ends_on: date | None, voucher: Voucher | None, currency: str) -> str:
    context = {
        "division": division,
        "ends_on": ends_on,
        "voucher": voucher,
        "voucher_value": amount(division.voucher_value, currency) if division.voucher_value else "",
        "cut_value": amount(division.cut_value, currency) if division.cut_value else "",
    }
    return _tidy(render_to_string("claims/emails/given.txt", context))


def _closed(language: str, subject: str, text: str) -> Words:
    """A letter with the private link at its end."""
    follow = render_to_string("claims/emails/follow.txt", {"link": private_link(FOLLOW)}).strip()
    full = f"{_tidy(text)}\n\n{follow}"
    link = private_link(FOLLOW)
    html = linebreaks(escape(full)).replace(link, f'<a href="{link}">{link}</a>')
    return Words(language, subject, full, mark_safe(html))  # noqa: S308 - escaped one line above


def _tidy(text: str) -> str:
    """Without the empty lines that a template's branches leave."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return "\n".join(line for n, line in enumerate(lines) if line or lines[n - 1])
