"""Serve a staging copy as a staging copy only, and the real database as nothing else."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from .queries import refusal_of_role

HEALTH = "/healthz"
"""Answers for itself, so that the balancer reads which part is unwell."""


known_right: set[str] = set()
"""The roles in which this process may serve its database. Once it may, it asks no more."""


class RightRole:
    """Answer 503 with a sentence where SITE_ROLE and the database do not belong together."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if settings.SITE_ROLE not in known_right and request.path != HEALTH:
            if sentence := refusal_of_role():
                headers = {"Cache-Control": "no-store", "Retry-After": "60"}
                return HttpResponse(
                    f"{sentence}\n", status=503, content_type="text/plain; charset=utf-8", headers=headers
                )
            known_right.add(settings.SITE_ROLE)
        return self.get_response(request)
