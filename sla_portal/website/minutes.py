"""The pages that list the minutes of a figure: of a region's closed month, and of a report for whoever holds it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from claims.operations.applying import count_try
from sla_portal import visitors
from sla_portal.agreements.rules import Reading
from sla_portal.availability.rules import Why
from sla_portal.kernel.intervals import MINUTE, epoch, instant, touching
from sla_portal.kernel.months import ServiceMonth, local_date
from sla_portal.minutes import KINDS, LONGEST, anchor, clock_minute, has, minute_at, reading_name, turned_to, why_name

from . import queries
from .caching import cached
from .claims.private import private, show
from .documents import VERIFIED_AN_HOUR
from .page import page, public
from .reader import Reader
from .rules import WITHOUT_OUTAGE, PublicMinutes, PublicRun

SHOWN = 50
"""Runs on a page."""
FRESH = timedelta(minutes=5)
"""A closed month rarely changes, and judging it again takes time."""


@public
def of_region(request: HttpRequest, reader: Reader, code: str, month: str) -> HttpResponse:
    """The minutes of a region's closed month; `?rule=any` by one counting rule, `?at=2026-09-10T02:31` a minute of it."""
    now = timezone.now()
    try:
        asked = ServiceMonth.parse(month)
        reading = Reading(request.GET["rule"]) if request.GET.get("rule") else None
    except ValueError as error:
        raise Http404(str(error)) from None
    if "\0" in code or not ServiceMonth(1970, 1) <= asked <= ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE)):
        raise Http404
    closed = cached(f"closing {asked}", lambda: queries.closing_revision(asked), now).value
    facts = cached(
        f"minutes {code} {asked} {reading} {closed}", lambda: queries.region_minutes(code, asked, reading), now, FRESH
    )
    found = facts.value
    if found is None:
        raise Http404
    choices = {name: request.GET.get(name, "")[:LONGEST] for name in ("at", "page")}

    def shown() -> dict[str, Any]:
        return {
            "facts": found,
            "rules": [("", _("counting rule in force")), *((one.value, reading_name(one)) for one in Reading)],
            "reading": reading.value if reading else "",
            **(listed(found.minutes, **choices) if found.minutes else {}),
        }

    return page(
        request, reader, "availability_minutes", facts, shown, **choices, rule=reading.value if reading else None
    )


@private
def of_report(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The minutes that a report states, for whoever has its number, and its check code or the hash printed on it.

    A region's report is not public as a whole, and a customer's is that customer's own: without the paper there is nothing.
    `?number=…&at=2026-09-10T02:31` fills in the form in advance.
    """
    if request.method == "POST":
        count_try("verify", visitors.address(request), VERIFIED_AN_HOUR, timezone.now())
    given = {name: request.POST.get(name, "")[:200] for name in ("number", "proof", "at", "page")}
    found = queries.minutes_of_report(given["number"], given["proof"]) if request.method == "POST" else None
    if found is None:
        refused = request.method == "POST"
        given |= {name: given[name] or request.GET.get(name, "")[:200] for name in ("number", "at")}
        return show(request, reader, "report_minutes", {"given": given, "refused": refused}, 422 if refused else 200)
    report, minutes = found
    context = {"report": report, "given": given, "month": ServiceMonth.of(report.month), "minutes": minutes}
    return show(request, reader, "report_minutes", context | listed(minutes, at=given["at"], page=given["page"]))


def listed(minutes: PublicMinutes, at: str, page: str) -> dict[str, Any]:
    """The runs of a page; that of the minute `at`, if one is named."""
    minute = minute_at(at) if at else None
    runs, number, pages = turned_to(minutes.runs, minute, page, SHOWN)
    return {
        "minutes": minutes,
        "asked": at if minute is None else clock_minute(minute),
        "unknown_minute": bool(at) and minute is None,
        "minute": None if minute is None else instant(minute),
        "no_outage": minute is not None and not has(minutes.runs, minute),
        "outside": minute is not None and not touching(minutes.days, (minute, minute + MINUTE)),
        "runs": [_line(run, minute) for run in runs],
        "sums": [_sum(state, count) for state, count in minutes.sums],
        "page": number,
        "pages": pages,
    }


def _line(run: PublicRun, minute: int | None) -> dict[str, Any]:
    why = Why(run.state)
    return {
        "run": run,
        "anchor": anchor(run.start),
        "start": instant(run.start),
        "end": instant(run.end),
        "kind": KINDS[why],
        "word": why_name(why),
        "chosen": minute is not None and run.start <= minute < run.end,
    }


def _sum(state: str, count: int) -> tuple[str, str, int]:
    if state == WITHOUT_OUTAGE:
        return "up", _("without an outage"), count
    return KINDS[Why(state)], why_name(Why(state)), count
