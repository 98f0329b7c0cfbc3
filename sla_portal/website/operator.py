"""Who the operator is, as public pages show it; the stylesheet of its colours and the file of its logo."""

from __future__ import annotations

from datetime import datetime

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from sla_portal.operator.queries import logo_file, operator_in_force
from sla_portal.operator.rules import COLOUR, Operator, stylesheet, stylesheet_name

from .caching import Cached, cached

FOR_EVER = "public, max-age=31536000, immutable"
"""The address changes with the content."""


def operator_now(now: datetime) -> Cached[Operator]:
    """Return who the operator is, as of some seconds ago."""
    return cached("operator", operator_in_force, now)


@require_safe
def colours(_request: HttpRequest, name: str) -> HttpResponse:
    """Answer with the stylesheet of two accent colours; 404 where the name is not one that we give it."""
    pair = tuple(f"#{colour}" for colour in name.split("-")[:2])
    if not all(map(COLOUR.fullmatch, pair)) or len(pair) < 2 or stylesheet_name(*pair) != name:
        raise Http404
    headers = {"Cache-Control": FOR_EVER, "X-Content-Type-Options": "nosniff"}
    return HttpResponse(stylesheet(*pair), content_type="text/css", headers=headers)


@require_safe
def logo(_request: HttpRequest, name: str) -> HttpResponse:
    """Answer with a logo that is or was shown."""
    found = logo_file(name.partition(".")[0])
    if found is None or found.picture.file_name != name:
        raise Http404
    headers = {
        "Cache-Control": FOR_EVER,
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'",
    }
    return HttpResponse(bytes(found.content), content_type=found.media_type, headers=headers)
