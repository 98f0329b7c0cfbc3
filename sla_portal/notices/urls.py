"""Where the mail provider reports what came back; nowhere, unless there is one and it has a secret to show."""

from anymail.urls import urlpatterns as of_all_providers
from django.conf import settings

provider = getattr(settings, "ANYMAIL_PROVIDER", "")
guarded = "WEBHOOK_SECRET" in getattr(settings, "ANYMAIL", {})
names = {f"{provider}_tracking_webhook", f"{provider}_webhook"}

urlpatterns = [pattern for pattern in of_all_providers if guarded and pattern.name in names]
