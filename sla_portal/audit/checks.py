"""What `manage.py check --deploy` asks of the key that seals documents."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import Error, Tags, register
from django.utils import timezone


@register(Tags.security, deploy=True)
def seal_key(**_kwargs: Any) -> list[Error]:
    """Open the key, where one is set: what is issued would be unsealed otherwise."""
    if not settings.SEAL_KEY:
        return []
    from .sealing import KeyUnusable, opened_key

    try:
        with opened_key(timezone.now()):
            return []
    except KeyUnusable as error:
        return [Error(f"SEAL_KEY cannot be used: {error}", id="sla_portal.seal_key")]
