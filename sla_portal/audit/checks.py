"""Checks of the deployment: `manage.py check --deploy --database default`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connections
from django.utils import timezone

from .privileges import excessive_rights


def check_role(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Warn where the running portal's role in PostgreSQL may do to the audit log what only `migrate` needs."""
    return [
        checks.Warning(
            f"The role of DATABASE_URL has more rights than the running portal needs: {sentence}.",
            hint="Let another role own the tables, and give this one its rights by `manage.py grantportal` (docs/operations.md).",
            id="audit.W001",
        )
        for alias in databases or ()
        if connections[alias].vendor == "postgresql"
        for sentence in excessive_rights(connections[alias])
    ]


def check_seal_key(**_kwargs: Any) -> list[checks.CheckMessage]:
    """Open the key that seals documents, where one is set: they would be issued unsealed otherwise."""
    if not settings.SEAL_KEY:
        return []
    from .sealing import KeyUnusable, opened_key

    try:
        with opened_key(timezone.now()):
            return []
    except KeyUnusable as error:
        return [checks.Error(f"SEAL_KEY cannot be used: {error}", id="audit.E001")]
