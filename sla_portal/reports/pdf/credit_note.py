"""The credit note of a voucher's redemption as a PDF."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils import translation

from sla_portal.operator.queries import present_mark

from . import words
from .printing import print_page


def credit_note_pdf(statement: Mapping[str, Any]) -> bytes:
    """Print a credit note, or what cancels one, in the language of its customer."""
    language = statement["language"]
    with translation.override(language):
        mark, seal = words.mark(present_mark()), words.seal({"seal": statement["seal"]})  # type: ignore[typeddict-item]
    context = {
        **statement,
        "address": settings.SITE_URL,
        "zone": settings.SLA_TIME_ZONE,
        "mark": mark,
        "sealing": seal,
    }
    return print_page("reports/credit_note.html", context, language, "agreement.css")
