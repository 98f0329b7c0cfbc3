"""The URL of the page about one customer."""

from django.urls import URLPattern, path

from .customer import customer


def urls(view) -> list[URLPattern]:
    """Return the URL patterns; `view` asks for a staff sign-in; the page asks for its permissions itself."""
    return [path("customers/customer/<int:pk>/overview/", view(customer), name="customer")]
