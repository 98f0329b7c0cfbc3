"""What published versions change, as it is shown."""

from __future__ import annotations

from ..models import PublishedChanges


def published_changes(before: str, after: str) -> dict[str, PublishedChanges]:
    """Return the frozen changes from one version to the next by language; empty where the second was not announced so."""
    found = PublishedChanges.objects.filter(before__version=before, version__version=after)
    return {row.language: row for row in found.select_related("version")}
