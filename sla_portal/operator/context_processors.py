"""What every staff page shows of the operator: read once a page, and only where it is shown."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from .queries import operator_in_force
from .words import shown

NAMES = ("operator", "operator_name", "operator_address", "portal_name")


def operator(request: HttpRequest) -> dict[str, Any]:
    @cache
    def read() -> dict[str, Any]:
        # The middleware of the staff pages has read it.
        return shown(getattr(request, "operator", None) or operator_in_force())

    def lazy(name: str) -> Any:
        return SimpleLazyObject(lambda: read()[name])

    return {name: lazy(name) for name in NAMES}
