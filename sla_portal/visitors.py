"""The network address of a visitor."""

from django.conf import settings
from django.http import HttpRequest


def address(request: HttpRequest) -> str:
    """Return the visitor's network address; what stands before the entries of our own proxies was made up by the visitor."""
    told = [*request.META.get("HTTP_X_FORWARDED_FOR", "").split(","), request.META.get("REMOTE_ADDR", "")]
    return told[max(0, len(told) - 1 - settings.PROXIES)].strip() or request.META.get("REMOTE_ADDR", "")
