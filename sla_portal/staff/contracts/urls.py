"""The URLs of the pages on contracts: the periods of a customer, and what is done with a contract."""

from django.urls import URLPattern, path

from . import changes, periods


def urls(view) -> list[URLPattern]:
    """Return the URL patterns; `view` asks for a staff sign-in; each page asks for its permission itself."""
    return [
        path("customers/customer/<int:pk>/periods/", view(periods.periods), name="customer_periods"),
        path("customers/customer/<int:pk>/periods/<str:form>/", view(periods.export), name="export_customer_periods"),
        path("agreements/contract/<int:pk>/renew/", view(changes.renew), name="renew_contract"),
        *(
            path(f"agreements/contract/<int:pk>/{name.replace('_', '-')}/", view(page), name=name)
            for name, page in changes.PAGES.items()
        ),
    ]
