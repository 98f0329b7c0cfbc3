"""E-mails to the claimant, in each language, and the draft of the decision that a reviewer edits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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

from sla_portal.clocks import format_instant, format_minutes
from sla_portal.kernel.money import format_amount as amount
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.private import private_link
from sla_portal.notices.wording import Words, worded
from sla_portal.operator.queries import operator_in_force

from .models import Claim, Compensation, Entry, Outcome, ReplyKind, SavedReply, Voucher
from .queries import window_of
from .queries.assessing import Assessment
from .queries.entitlements import EntitledContract
from .queries.replies import first_reply
from .replies import filled
from .rules import Division, divide
from .words import month_name, refusal_reason

CLAIM_PATH = "/claims/"
"""Path prefix of the personal link in an e-mail."""
MINUTES_PATH = "/claims/minutes/"
"""Path prefix of the personal link to the minutes that the figures in an e-mail are the number of."""


@dataclass(frozen=True)
class Given:
    """What a decision gives, as its letter says it; the dates are the new last day of service and that of the voucher."""

    division: Division
    ends_on: date | None
    expires_on: date | None
    currency: str


def step_email(claim: Claim, step: str, context: Mapping[str, Any]) -> list[Words]:
    """Write the e-mail about a step of a claim in every language."""
    messages = []
    closing = first_reply(ReplyKind.CLOSING)
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            context_of_step = {"claim": claim, "month": month_name(claim.service_month), "step": step, **context}
            subject = render_to_string("claims/emails/step.subject.txt", context_of_step)
            text = render_to_string("claims/emails/step.txt", context_of_step)
            messages.append(_complete(claim, subject, [text], closing, step=step))
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


def question_letter(claim: Claim, question: str) -> list[Words]:
    """Write the letter that asks the claimant a question in every language, as it goes."""
    return step_email(claim, "asked", {"asked": question})


def decision_letter(claim: Claim, subject: str, text: str, given: Given | None) -> list[Words]:
    """Write the letter of a decision in every language, as it goes: a refusal if nothing is given.

    Subject and text are in the claimant's language and are not translated; the rest is in the reader's.
    """
    closing = first_reply(ReplyKind.CLOSING)
    refused = "refused again" if claim.appealed_at else "refused"
    return _in_every_language(
        lambda: _complete(
            claim,
            subject,
            [text, given_text(given)] if given else [text],
            closing,
            step="granted" if given else refused,
            voucher=bool(given and given.division.voucher_value),
            extension=bool(given and given.division.extension_minutes),
            figures=True,
        )
    )


def reversal_letter(claim: Claim, subject: str, text: str, *, reopens: bool) -> list[Words]:
    """Write the letter that tells of a reversal in every language, as it goes."""
    closing, step = first_reply(ReplyKind.CLOSING), "reopened" if reopens else "corrected"
    return _in_every_language(lambda: _complete(claim, subject, [text], closing, step=step, figures=True))


def _in_every_language(write: Callable[[], Words]) -> list[Words]:
    messages = []
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            messages.append(write())
    return messages


def fingerprint(letter: Sequence[Words]) -> str:
    """Return the SHA-256 of what a letter says, by which it is known that it goes as it was shown."""
    said = "\n\n".join(f"{words.language}\n{words.heading}\n{words.text}" for words in letter)
    return hashlib.sha256(said.encode()).hexdigest()


def draft(
    assessment: Assessment, outcome: str, clause: str, *, voucher_minutes: int = 0, reply: SavedReply | None = None
) -> tuple[str, str]:
    """Draft subject and text of a decision in the claimant's language, from a saved reply or the first for the outcome."""
    claim, facts, grants = assessment.claim, assessment.facts(), outcome == Outcome.GRANT
    granting = ReplyKind.CREDIT if claim.is_credit else ReplyKind.GRANT
    reply = reply or first_reply(granting if grants else ReplyKind.REFUSAL)
    with translation.override(language_of(claim)):
        context = {"claim": claim, "month": month_name(assessment.month), "grant": grants, "facts": facts}
        subject = render_to_string("claims/emails/decision.subject.txt", context)
        values = {
            "availability": facts["availability"] or "–",
            "target": facts["target"],
            "minutes": format_minutes(facts["counted_minutes"]),
            "notes": _tidy(render_to_string("claims/emails/notes.txt", context)) if grants else "",
            "reason": "" if grants else refusal_reason(clause, assessment),
        }
        if grants:
            values |= _divided(assessment, voucher_minutes)
        text = reply_text(claim, reply, **values)
    return " ".join(subject.split()), text


def _divided(assessment: Assessment, voucher_minutes: int) -> dict[str, str]:
    entitlement = assessment.entitlement
    division = divide(
        entitlement,
        max(0, min(voucher_minutes, entitlement.paid)),
        assessment.cap_balance.left,
        extendable=assessment.extendable is not None,
    )
    return {
        "extension": format_minutes(division.extension_minutes),
        "voucher": amount(division.voucher_value, entitlement.currency),
    }


def question_draft(claim: Claim, reply: SavedReply) -> str:
    """Draft a question in the claimant's language, from a saved reply."""
    with translation.override(language_of(claim)):
        return reply_text(claim, reply)


def undoing_draft(claim: Claim, entries: Sequence[Entry]) -> tuple[str, str]:
    """Draft subject and text of the e-mail that tells of a reversal, in the claimant's language."""
    with translation.override(language_of(claim)):
        context = {
            "claim": claim,
            "month": month_name(claim.service_month),
            "lost": [
                (entry, amount(entry.voucher.value, entry.currency) if entry.voucher else "") for entry in entries
            ],
        }
        subject = render_to_string("claims/emails/undoing.subject.txt", context)
        corrections = _tidy(render_to_string("claims/emails/undoing.txt", context))
        text = reply_text(claim, first_reply(ReplyKind.REVERSAL), corrections=corrections)
    return " ".join(subject.split()), text


def reply_text(claim: Claim, reply: SavedReply, **values: str) -> str:
    """Fill in a saved reply in the active language."""
    language = translation.get_language()
    customer = claim.contract.customer.name
    known = {
        "customer": customer,
        "contact": (claim.contact and claim.contact.name) or customer,
        "contract": str(claim.contract),
        "claim": claim.number,
        "month": month_name(claim.service_month),
        "operator": operator_in_force().name_in(language) or _("SLA portal"),
    }
    return _tidy(filled(reply.wording, known | values))


def given_by(compensation: Compensation) -> Given:
    """Return what a compensation gave."""
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
    return Given(division, ends_on, voucher.expires_on if voucher else None, compensation.currency)


def language_of(claim: Claim) -> str:
    """Return the language of the claimant, of the site's installer where a contact of that claims; one that is offered."""
    return operator_in_force().language_for((claim.contact or claim.contract).customer.language)


def _clocks(at: datetime, zone: str) -> str:
    """Format an instant in the claimant's time zone and, if it differs, in the SLA time zone."""
    theirs = format_instant(at, ZoneInfo(zone))
    ours = format_instant(at, settings.SLA_ZONE)
    return theirs if zone == settings.SLA_TIME_ZONE else f"{theirs} ({ours})"


clocks = lazy(_clocks, str)
"""`_clocks` in the language of the e-mail, when it is rendered."""


_lazy_month_name = lazy(month_name, str)


def given_text(given: Given) -> str:
    """Say what is given in the active language."""
    division = given.division
    context = {
        "division": division,
        "ends_on": given.ends_on,
        "expires_on": given.expires_on,
        "voucher_value": amount(division.voucher_value, given.currency) if division.voucher_value else "",
        "cut_value": amount(division.cut_value, given.currency) if division.cut_value else "",
    }
    return _tidy(render_to_string("claims/emails/compensation.txt", context))


def _complete(
    claim: Claim,
    subject: str,
    parts: Sequence[str],
    closing: SavedReply,
    *,
    step: str,
    figures: bool = False,
    **said: Any,
) -> Words:
    """Return an e-mail in the active language: its parts, what the reader can do, closing and signature.

    The salutation above it is of each recipient. `figures`: with a link to the minutes of the month.
    """
    links = [*([private_link(MINUTES_PATH)] if figures else []), private_link(CLAIM_PATH)]
    context = {
        "step": step,
        "credit": claim.is_credit,
        "link": links[-1],
        "minutes_link": links[0] if figures else "",
        **said,
    }
    steps = render_to_string("claims/emails/options.txt", context)
    full = "\n\n".join(filter(None, map(_tidy, [*parts, steps, reply_text(claim, closing)])))
    html = linebreaks(escape(full))
    for link in links:
        html = html.replace(link, f'<a href="{link}">{link}</a>')
    language = translation.get_language() or settings.LANGUAGE_CODE
    return Words(language, " ".join(subject.split()), full, mark_safe(html))  # noqa: S308 - escaped above


def _tidy(text: str) -> str:
    """Remove the empty lines that unused template branches leave."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return "\n".join(line for n, line in enumerate(lines) if line or lines[n - 1])
