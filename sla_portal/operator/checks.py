"""Checks of the deployment: `manage.py check --deploy --database default`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.core import checks

from .queries import refusal_of_role


def check_site_role(databases: Sequence[str] | None = None, **_kwargs: Any) -> list[checks.CheckMessage]:
    """Say where SITE_ROLE and the database do not belong together: the portal would refuse to serve."""
    sentence = refusal_of_role() if databases else ""
    return [checks.Error(sentence, id="operator.E001")] if sentence else []
