"""Webhook of the mail provider for bounces; only if a provider and a webhook secret are configured."""

from anymail.urls import urlpatterns as of_all_providers
from django.conf import settings

provider = getattr(settings, "ANYMAIL_PROVIDER", "")
guarded = "WEBHOOK_SECRET" in getattr(settings, "ANYMAIL", {})
names = {f"{provider}_tracking_webhook", f"{provider}_webhook"}

urlpatterns = [pattern for pattern in of_all_providers if guarded and pattern.name in names]
