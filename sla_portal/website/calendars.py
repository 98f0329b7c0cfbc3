"""A calendar of each region's maintenance, for anyone's program to subscribe to."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from maintenance.calendars import CalendarEvent, calendar
from maintenance.emails import feed_event, portal_vevent
from maintenance.queries import announced_since
from sla_portal.customers.models import Region
from sla_portal.operator.words import marked

from .caching import cached
from .feeds import FOR_A_MINUTE
from .operator import operator_now
from .page import site_mark
from .queries import named
from .reader import Reader, answer, finished, for_reader
from .rules import Named

BACK = timedelta(days=366)
"""For how long after its end a window stays in the calendar."""


@require_safe
@for_reader
def region_calendar(request: HttpRequest, reader: Reader, code: str) -> HttpResponse:
    """Publish what was announced for a region, as its newest notices announced it; a draft is not there."""
    now = timezone.now()
    facts = cached(f"calendar {code}", lambda: _announced(code, now), now)
    if facts.value is None:
        raise Http404
    region, windows = facts.value
    operator = operator_now(now)

    mark = site_mark()

    def made() -> bytes:
        events = [portal_vevent(replace(said, title=marked(said.title, mark)), account) for said, account in windows]
        name = _("Maintenance: %(region)s") % {"region": region.name_in(reader.language)}
        whose = operator.value.name_in(reader.language)
        return calendar(events, name=marked(f"{name} · {whose}" if whose else name, mark))

    body = finished(("calendar", code, reader.language), (facts.mark, operator.mark, mark), made)
    changed_at = max(facts.changed_at, operator.changed_at)
    return answer(request, body, "text/calendar; charset=utf-8", changed_at, FOR_A_MINUTE)


def _announced(code: str, now: datetime) -> tuple[Named, tuple[tuple[CalendarEvent, str], ...]] | None:
    """The region and its windows, each with the account that it goes by; a fixed number of queries."""
    region = Region.objects.filter(code=code).first() if "\0" not in code else None
    if region is None:
        return None
    return named(region), tuple(feed_event(window) for window in announced_since(region, now - BACK))
