"""What published versions change, as it is shown."""

from __future__ import annotations

from django.utils import translation

from ..changes import Changes, term_changes, text_changes
from ..models import AgreementVersion, PublishedChanges


def published_changes(before: str, after: str) -> dict[str, PublishedChanges]:
    """Return the frozen changes from one version to the next by language; empty where the second was not announced so."""
    found = PublishedChanges.objects.filter(before__version=before, version__version=after)
    return {row.language: row for row in found.select_related("version")}


def changes_between(before: AgreementVersion, after: AgreementVersion, language: str) -> Changes:
    """Return what the second version changes of the first, as it is read in a language."""
    with translation.override(language):
        text = text_changes(before.printed_clauses(), after.printed_clauses(), language)
        return Changes(text, term_changes(before.terms, after.terms))
