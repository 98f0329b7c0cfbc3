"""The read API: one answer for everyone, computed once, readable from any website."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial, wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone, translation
from django.views.decorators.csrf import csrf_exempt

from sla_portal.kernel.characters import with_turning_shown
from sla_portal.operator.rules import Mark
from sla_portal.operator.words import portal_name
from sla_portal.website import queries
from sla_portal.website.caching import Cached, cached
from sla_portal.website.operator import operator_now
from sla_portal.website.page import site_mark
from sla_portal.website.queries import Change, Present
from sla_portal.website.queries.shared import BLOCK
from sla_portal.website.reader import answer, finished
from sla_portal.website.rules import Phase, PublicIncident, PublicWindow

from . import statuspage
from .statuspage import Json

METHODS = "GET, HEAD, OPTIONS"
FOR_TEN_SECONDS = "public, max-age=10"
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
ACTIVE = {Phase.IN_PROGRESS, Phase.OVERRUNNING}


@dataclass(frozen=True)
class Answers:
    """The facts of an answer."""

    present: Present
    now: datetime
    changes: tuple[Change, ...]
    mark: Mark

    @property
    def changed_at(self) -> datetime:
        """The newest instant of the facts."""
        present = self.present
        told = [one.changed_at(self.now) for one in (*present.open, *present.lately, *present.planned)]
        told += [notice.given_at for notice in present.notices]
        return max(told, default=present.since)

    def components(self) -> list[Json]:
        return statuspage.components(self.present, self.changes)

    def incidents(self, some: Iterable[PublicIncident]) -> list[Json]:
        components = self.components()
        return [statuspage.incident(one, components, self.present.grid, self.now) for one in some]

    def maintenances(self, some: Iterable[PublicWindow]) -> list[Json]:
        components = self.components()
        shown = filter(statuspage.is_shown, some)
        return [statuspage.maintenance(one, components, self.present.grid, self.now) for one in shown]


def open_to_all(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Allow pages of any website to read the answer (CORS); read-only, so without a CSRF token."""

    @wraps(view)
    def opened(request: HttpRequest, **address: str) -> HttpResponse:
        if request.method == "OPTIONS":
            response = HttpResponse(status=204)
            response["Access-Control-Allow-Headers"] = "If-None-Match, If-Modified-Since"
            response["Access-Control-Max-Age"] = "86400"
        elif request.method in {"GET", "HEAD"}:
            response = view(request, **address)
        else:
            response = JsonResponse({"error": "This API is only read."}, status=405)
        response["Allow"] = response["Access-Control-Allow-Methods"] = METHODS
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Expose-Headers"] = "ETag, Last-Modified"
        return response

    return csrf_exempt(opened)


Fact = tuple[str, Callable[[datetime], Any]]
"""The name under which something is kept, and what reads it."""


def answered(
    request: HttpRequest, put_together: Callable[..., Json], *more: Fact, part: tuple[int, ...] = ()
) -> HttpResponse:
    """Answer with the page and what `put_together` makes of the present and of `more` facts; 404 where one is None."""
    now = timezone.now()
    facts: list[Cached[Any]] = [
        cached("present", lambda: queries.present(now), now),
        # Of all time once a day; what came since is read with the rest
        cached("component changes", lambda: queries.component_changes(now), now, fresh=DAY),
        cached("new component changes", lambda: queries.component_changes(now, now - 2 * DAY), now),
    ]
    for called, read in more:
        fact = cached(called, partial(read, now), now)
        if fact.value is None:
            return _refused("There is no such address in this API.", 404)
        facts.append(fact)
    operator, mark = operator_now(now), site_mark()

    def make() -> bytes:
        with translation.override("en"):
            present, before, since, *rest = (one.value for one in facts)
            answers = Answers(present, facts[0].computed_at, (*before, *since), mark)
            said = {"page": statuspage.page(answers.changed_at, portal_name(operator.value), mark)}
            said |= put_together(answers, *rest)
        return with_turning_shown(json.dumps(said, ensure_ascii=False)).encode()

    body = finished((request.path, *part), (*(one.mark for one in (*facts, operator)), mark), make)
    changed_at = max(facts[0].changed_at, operator.changed_at, *(one.changed_at for one in facts[2:]))
    return answer(request, body, "application/json; charset=utf-8", changed_at, FOR_TEN_SECONDS)


def endpoint(put_together: Callable[..., Json]) -> Callable[..., HttpResponse]:
    @open_to_all
    def view(request: HttpRequest) -> HttpResponse:
        return answered(request, put_together)

    return view


def paged(
    put_together: Callable[..., Json], called: str, read: Callable[[int, datetime], Any]
) -> Callable[..., HttpResponse]:
    """Answer with a page of rows: `?limit=` (50; 100 at most) and `?page=` (1)."""

    @open_to_all
    def view(request: HttpRequest) -> HttpResponse:
        try:
            limit, page = (_number(request, name, *bounds) for name, bounds in PAGING.items())
        except ValueError as error:
            return _refused(str(error), 400)
        first, last = (page - 1) * limit, page * limit

        def block(number: int, now: datetime) -> tuple[Any, ...]:
            return read(number, now) or ()

        blocks = range(first // BLOCK, (last - 1) // BLOCK + 1)
        offset = first - blocks.start * BLOCK

        def put(answers: Answers, *rows: tuple[Any, ...]) -> Json:
            return put_together(answers, [one for some in rows for one in some][offset : offset + limit])

        return answered(
            request, put, *((f"{called} {number}", partial(block, number)) for number in blocks), part=(limit, page)
        )

    return view


PAGING = {"limit": (50, 100), "page": (1, 1000)}
"""Default and maximum of each."""


def _number(request: HttpRequest, name: str, default: int, most: int) -> int:
    typed = request.GET.get(name, "") or str(default)
    if not (typed.isascii() and typed.isdigit() and len(typed) <= 4 and 1 <= int(typed) <= most):
        raise ValueError(f"{name} must be a whole number from 1 to {most}.")
    return int(typed)


def _refused(sentence: str, status: int) -> HttpResponse:
    return JsonResponse({"error": sentence}, status=status)


summary = endpoint(
    lambda answers: {
        "components": answers.components(),
        "incidents": answers.incidents(answers.present.open),
        "scheduled_maintenances": answers.maintenances(answers.present.planned),
        "status": statuspage.status(answers.present, answers.mark),
    }
)
status = endpoint(lambda answers: {"status": statuspage.status(answers.present, answers.mark)})
components = endpoint(lambda answers: {"components": answers.components()})
unresolved_incidents = endpoint(lambda answers: {"incidents": answers.incidents(answers.present.open)})
incidents = paged(lambda answers, rows: {"incidents": answers.incidents(rows)}, "incidents in", queries.incidents_in)
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
maintenances = paged(
    lambda answers, rows: {"scheduled_maintenances": answers.maintenances(rows)}, "windows in", queries.windows_in
)


@open_to_all
def one_incident(request: HttpRequest, identity: str) -> HttpResponse:
    """Answer with an incident or a maintenance window by its id, of the newest of each kind."""
    now = timezone.now()
    known = cached("ids", lambda: _ids(now), now, fresh=MINUTE).value
    kind, reference = known.get(identity, ("", ""))
    if kind == "incident":
        return answered(
            request,
            lambda answers, one: {"incident": answers.incidents([one])[0]},
            (f"api incident {reference}", lambda at: queries.incident(reference, at)),
        )
    if kind == "maintenance":
        return answered(
            request,
            lambda answers, one: {"incident": answers.maintenances([one])[0]},
            (f"api window {reference}", lambda at: _shown_window(reference, at)),
        )
    return _refused("There is no such address in this API.", 404)


def _ids(now: datetime) -> dict[str, tuple[str, str]]:
    known = {"incident": queries.incident_references(now), "maintenance": queries.window_references(now)}
    return {
        statuspage.opaque(kind, reference): (kind, reference)
        for kind, references in known.items()
        for reference in references
    }


def _shown_window(reference: str, now: datetime) -> PublicWindow | None:
    found = queries.window(reference, now)
    return found if found and statuspage.is_shown(found) else None


@open_to_all
def nothing_here(_request: HttpRequest, **_address: str) -> HttpResponse:
    """Answer 404 as JSON."""
    return _refused("There is no such address in this API.", 404)
