"""The read API: one answer for everyone, computed once, readable from any website."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt

from sla_portal.kernel.characters import with_turning_shown
from sla_portal.operator.words import portal_name
from sla_portal.website import queries
from sla_portal.website.caching import Cached, cached
from sla_portal.website.operator import operator_now
from sla_portal.website.queries import Present
from sla_portal.website.reader import answer, finished
from sla_portal.website.rules import Phase, PublicIncident, PublicWindow

from . import statuspage
from .statuspage import Json

METHODS = "GET, HEAD, OPTIONS"
FOR_TEN_SECONDS = "public, max-age=10"
ACTIVE = {Phase.IN_PROGRESS, Phase.OVERRUNNING}


@dataclass(frozen=True)
class Answers:
    """The facts of an answer."""

    present: Present
    now: datetime

    @property
    def changed_at(self) -> datetime:
        """The newest instant of the facts."""
        present = self.present
        told = [one.changed_at(self.now) for one in (*present.open, *present.lately, *present.planned)]
        told += [notice.given_at for notice in present.notices]
        return max(told, default=present.since)

    def components(self) -> list[Json]:
        return statuspage.components(self.present, self.changed_at)

    def incidents(self, some: Iterable[PublicIncident]) -> list[Json]:
        components = self.components()
        return [statuspage.incident(one, components, self.present.grid, self.now) for one in some]

    def maintenances(self, some: Iterable[PublicWindow]) -> list[Json]:
        components = self.components()
        return [statuspage.maintenance(one, components, self.present.grid, self.now) for one in some]


def open_to_all(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Allow pages of any website to read the answer (CORS); read-only, so without a CSRF token."""

    @wraps(view)
    def opened(request: HttpRequest, **_address: str) -> HttpResponse:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
            response["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since"
            response["Access-Control-Max-Age"] = "86400"
        elif request.method in {"GET", "HEAD"}:
            response = view(request)
        else:
            response = JsonResponse({"error": "This API is only read."}, status=405)
        response["Allow"] = response["Access-Control-Allow-Methods"] = METHODS
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Expose-Headers"] = "ETag, Last-Modified"
        return response

    return csrf_exempt(opened)


def endpoint(
    put_together: Callable[..., Json], more: tuple[str, Callable[[datetime], Any]] | None = None
) -> Callable[[HttpRequest], HttpResponse]:
    """Answer with the page and what `put_together` makes of the present and, where named, of `more` facts."""

    @open_to_all
    def view(request: HttpRequest) -> HttpResponse:
        now = timezone.now()
        facts: list[Cached[Any]] = [cached("present", lambda: queries.present(now), now)]
        if more:
            called, read = more
            facts.append(cached(called, lambda: read(now), now))
        operator = operator_now(now)

        def make() -> bytes:
            with translation.override("en"):
                answers = Answers(facts[0].value, facts[0].computed_at)
                said = {"page": statuspage.page(answers.changed_at, portal_name(operator.value))}
                said |= put_together(answers, *(one.value for one in facts[1:]))
            return with_turning_shown(json.dumps(said, ensure_ascii=False)).encode()

        body = finished((request.path,), tuple(one.mark for one in (*facts, operator)), make)
        changed_at = max(one.changed_at for one in (*facts, operator))
        return answer(request, body, "application/json; charset=utf-8", changed_at, FOR_TEN_SECONDS)

    return view


INCIDENTS = ("feed incidents", queries.latest_incidents)
WINDOWS = ("feed maintenance", queries.latest_windows)
"""The facts of the feeds, under the same cache names."""

summary = endpoint(
    lambda answers: {
        "components": answers.components(),
        "incidents": answers.incidents(answers.present.open),
        "scheduled_maintenances": answers.maintenances(answers.present.planned),
        "status": statuspage.status(answers.present),
    }
)
status = endpoint(lambda answers: {"status": statuspage.status(answers.present)})
components = endpoint(lambda answers: {"components": answers.components()})
unresolved_incidents = endpoint(lambda answers: {"incidents": answers.incidents(answers.present.open)})
incidents = endpoint(lambda answers, latest: {"incidents": answers.incidents(latest)}, INCIDENTS)
upcoming_maintenances = endpoint(
    lambda answers: {
        "scheduled_maintenances": answers.maintenances(
            one for one in answers.present.planned if one.phase is Phase.SCHEDULED
        )
    }
)
active_maintenances = endpoint(
    lambda answers: {
        "scheduled_maintenances": answers.maintenances(one for one in answers.present.planned if one.phase in ACTIVE)
    }
)
maintenances = endpoint(lambda answers, latest: {"scheduled_maintenances": answers.maintenances(latest)}, WINDOWS)


@open_to_all
def nothing_here(_request: HttpRequest) -> HttpResponse:
    """Answer 404 as JSON."""
    return JsonResponse({"error": "There is no such address in this API."}, status=404)
