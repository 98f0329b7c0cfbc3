"""URLs of setting up the portal."""

from django.urls import URLPattern, path

from . import agreement, checklist, customers, mail, opening


def urls(view) -> list[URLPattern]:
    """Return the URL patterns; `view` adds the permission check of the admin site."""
    return [
        path("setup/", view(checklist.setup), name="setup"),
        path("setup/agreement/", view(agreement.first_version), name="first_version"),
        path("setup/mail/", view(mail.test_mail), name="test_mail"),
        path("setup/customers/", view(customers.import_customers), name="import_customers"),
        path("setup/customers/sample.csv", view(customers.sample), name="import_sample"),
        path("setup/opening/", view(opening.open_to_public), name="opening"),
    ]
