"""URLs of the pages of a shift."""

from django.urls import URLPattern, path

from . import handover, wallboard


def urls(view) -> list[URLPattern]:
    """Return the URL patterns; `view` adds the permission check of the admin site."""
    return [
        path("hand-over/", view(handover.hand_over), name="hand_over"),
        path("wallboard/", view(wallboard.wallboard), name="wallboard"),
    ]
