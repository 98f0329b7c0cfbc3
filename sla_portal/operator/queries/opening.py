"""Whether the public may see the portal, and from which day."""

from __future__ import annotations

from ..models import Opening


def opening() -> Opening:
    """Return the opening as it stands on record; an unsaved one where nothing is."""
    return Opening.objects.select_related("opened_by").first() or Opening(pk=Opening.ONLY)


def is_opened() -> bool:
    """Whether the portal was opened to the public; one query."""
    return Opening.objects.filter(opened_at__isnull=False).exists()
