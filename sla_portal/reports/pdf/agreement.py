"""An announced version of the agreement, and what it changes, as PDFs."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils import translation

from sla_portal.agreements.changes import terms_in_words, words_in
from sla_portal.agreements.models import AgreementVersion, Preamble, PublishedChanges
from sla_portal.kernel.instants import instant_text
from sla_portal.operator.queries import operator_of_settings, present_mark

from . import words
from .printing import print_page

STYLESHEET = "agreement.css"


def text_pdf(version: AgreementVersion, language: str) -> bytes:
    """Print text and terms of an announced version."""
    wording_language, clauses = words_in(list(version.clauses.all()), language)
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
    return print_page("reports/bundle/version.html", announced(version, language) | context, language, STYLESHEET)


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
