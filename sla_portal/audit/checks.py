"""A check of the deployment: `manage.py check --deploy --database default`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks
from django.db import connections

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
