"""How a public page is answered: from cached facts, for a reader, cached until they change or the minute ends."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_safe

from sla_portal.operator.queries import present_mark
from sla_portal.operator.rules import Mark
from sla_portal.operator.words import mark_name, mark_sentence, shown

from .caching import Cached, cached
from .operator import operator_now
from .queries import opened
from .reader import LANGUAGE_FIELD, Reader, answer, finished, for_reader

ALWAYS_ASK = "public, no-cache"
"""A browser may cache a page, and revalidates it each time."""


def public(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A page for everyone."""
    return require_safe(for_reader(view))


def page(
    request: HttpRequest,
    reader: Reader,
    template: str,
    facts: Cached[Any],
    context: Callable[[], dict[str, Any]],
    **choices: object,
) -> HttpResponse:
    """Answer with a page that follows from `facts`, the reader and `choices` of the query alone."""
    as_of = facts.computed_at.replace(second=0, microsecond=0)

    def make() -> bytes:
        around = frame(request, reader, template, as_of, choices)
        return render_to_string(f"website/{template}.html", around | context()).encode()

    operator = operator_now(facts.computed_at)
    marks = (facts.mark, as_of, operator.mark, site_mark())
    body = finished((template, request.path, reader, choices), marks, make)
    changed_at = max(facts.changed_at, operator.changed_at, as_of)
    return answer(request, body, "text/html; charset=utf-8", changed_at, ALWAYS_ASK)


def site_mark() -> Mark:
    """Return how everything is marked where nothing is real; asked of the database every few seconds at most."""
    return cached("mark", present_mark, timezone.now()).value


def frame(
    request: HttpRequest, reader: Reader, template: str, as_of: datetime, choices: dict[str, object]
) -> dict[str, Any]:
    """The context of every page; `back` is where a choice made on this page leads."""
    query = {name: value for name, value in choices.items() if value}
    back = str(query.pop("back", ""))

    def address(**more: object) -> str:
        asked = urlencode(query | more)
        return f"{request.path}{'?' if asked else ''}{asked}"

    operator = operator_now(timezone.now()).value
    return {
        "section": template.partition("_")[0],
        "reader": reader,
        "mark": (mark_name(site_mark()), mark_sentence(site_mark())),
        "opened": opened() or site_mark() == Mark.REHEARSAL,
        "as_of": as_of,
        "back": back or address(),
        "canonical": settings.SITE_URL + address(),
        "languages": [(code, settings.SITE_URL + address(**{LANGUAGE_FIELD: code})) for code in operator.offered],
        "SITE_URL": settings.SITE_URL,
        "sla_zone": settings.SLA_ZONE,
        **shown(operator),
    }
