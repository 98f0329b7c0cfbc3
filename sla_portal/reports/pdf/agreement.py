"""An announced version of the agreement, and what it changes, as PDFs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import translation

from sla_portal.agreements.changes import TextChanges, terms_in_words, words_in
from sla_portal.agreements.models import AgreementVersion, MailedPdf, Preamble, PublishedChanges
from sla_portal.agreements.queries import changes_between
from sla_portal.kernel.instants import instant_text
from sla_portal.operator.queries import operator_of_settings, present_mark

from . import words
from .printing import print_page

STYLESHEET = "agreement.css"


def text_pdf(version: AgreementVersion, language: str, facts: Mapping[str, Any] | None = None) -> bytes:
    """Print text and terms of a version: `facts` are those stated of it, by default those of an announced one."""
    wording_language, clauses = words_in(version.printed_clauses(), language)
    with translation.override(language):
        terms = terms_in_words(version.terms)
    preamble = Preamble.objects.filter(agreement_version=version).first()
    suffix = "_zh" if wording_language != "en" else ""
    context = {
        "terms": terms,
        "clauses": clauses,
        "wording_language": wording_language,
        "title": getattr(preamble, f"title{suffix}", ""),
        "preamble": getattr(preamble, f"text{suffix}", ""),
    }
    stated = {**(facts or announced(version, language)), **context}
    return print_page("reports/bundle/version.html", stated, language, STYLESHEET)


def mailed_pdfs(version: AgreementVersion, language: str, now: datetime) -> dict[str, bytes]:
    """Print text and changes of a submitted version as they are attached to its announcement, by kind."""
    facts = proposed(version, language, now)
    printed = {MailedPdf.Kind.TEXT.value: text_pdf(version, language, facts)}
    if before := version.based_on:
        changes = changes_between(before, version, language)
        context = {
            "before": before.version,
            "told": version.changes_told(language),
            "terms": changes.terms,
            "text": changes.text,
        }
        printed[MailedPdf.Kind.REDLINE.value] = print_page(
            "reports/bundle/redline.html", facts | context, language, STYLESHEET
        )
    return printed


def redline_pdf(published: PublishedChanges) -> bytes:
    """Print what an announced version changes, as it was shown."""
    version, language, changes = published.version, published.language, published.changes
    context = {
        "before": published.before.version,
        "told": version.changes_told(language),
        "terms": changes.terms,
        "text": changes.text,
        "frozen_later_at": instant_text(published.frozen_at) if published.frozen_at != version.published_at else "",
    }
    return print_page("reports/bundle/redline.html", announced(version, language) | context, language, STYLESHEET)


def _mark(language: str) -> str:
    with translation.override(language):
        return words.mark(present_mark())


def compared_pdf(before: str, after: str, text: TextChanges, language: str, now: datetime) -> bytes:
    """Print the changes between two texts that are no versions; `before` and `after` are what they are called."""
    context = {
        "language": language,
        "mark": _mark(language),
        "address": settings.SITE_URL,
        "zone": settings.SLA_TIME_ZONE,
        "before": before,
        "version": after,
        "published_at": instant_text(now),
        "text": text,
        "is_compared": True,
    }
    return print_page("reports/bundle/redline.html", context, language, STYLESHEET)


def proposed(version: AgreementVersion, language: str, now: datetime) -> dict[str, Any]:
    """Return what is stated of a submitted version in the PDFs of its announcement, whose number nobody knows yet."""
    return {
        "language": language,
        "mark": _mark(language),
        "address": settings.SITE_URL,
        "zone": settings.SLA_TIME_ZONE,
        "version": version.version,
        "published_at": instant_text(now),
        "effective_on": version.takes_effect_on.isoformat(),
        "version_address": version.address,
        "is_mailed": True,
    }


def announced(version: AgreementVersion, language: str) -> dict[str, Any]:
    """Return what is stated of an announced version. Raises ValueError for one that was not announced."""
    if version.notice is None or version.published_at is None:
        raise ValueError(f"Version {version} was not announced.")
    # Who the operator was at the announcement
    operator = version.notice.identity.texts if version.notice.identity else operator_of_settings()
    return {
        "language": language,
        "mark": _mark(language),
        "address": settings.SITE_URL,
        "operator": operator.stated_in(language),
        "zone": settings.SLA_TIME_ZONE,
        "version": version.version,
        "published_at": instant_text(version.published_at),
        "effective_on": version.takes_effect_on.isoformat(),
        "withdrawn_at": instant_text(version.withdrawn_at) if version.withdrawn_at else "",
        "notice": version.notice.number,
        "notice_address": version.notice.address,
        "sha256": version.sha256,
    }
