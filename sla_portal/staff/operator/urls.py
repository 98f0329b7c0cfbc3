"""URLs of the pages on the operator."""

from django.urls import URLPattern, path

from . import identity


def urls(view) -> list[URLPattern]:
    """Return the URL patterns; `view` adds the permission check of the admin site."""
    return [
        path("operator-identity/", view(identity.identity), name="operator_identity"),
    ]
