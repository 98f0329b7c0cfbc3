"""Webhook of the mail provider for bounces; only if a provider and a webhook secret are configured."""

from django.conf import settings
from django.urls import URLPattern


def of_the_provider() -> list[URLPattern]:
    if "WEBHOOK_SECRET" not in getattr(settings, "ANYMAIL", {}):
        return []
    # With the addresses of all providers come requests and boto3.
    from anymail.urls import urlpatterns as of_all_providers

    provider = getattr(settings, "ANYMAIL_PROVIDER", "")
    names = {f"{provider}_tracking_webhook", f"{provider}_webhook"}
    return [pattern for pattern in of_all_providers if pattern.name in names]


urlpatterns = of_the_provider()
