"""The public pages. Each reads cached facts, and is itself cached until they change or the minute ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.http import content_disposition_header, url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from sla_portal.agreements.changes import term_changes, text_changes
from sla_portal.clocks import month_name
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from . import pictures, queries
from .caching import Cached, cached
from .claims.queries import claim_months
from .page import frame, page, public
from .queries import MonthOf
from .reader import ZONE_COOKIE, Reader, for_reader, zones

COOKIE_DAYS = 365
PAGE = 40
"""Rows on a page of a long list."""
A_DAY = timedelta(days=1)


@public
def home(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Show the current status."""
    now = timezone.now()
    facts = cached("present", lambda: queries.present(now), now)
    return page(request, reader, "home", facts, lambda: {"present": facts.value})


@public
def incidents(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The incidents of a month."""
    now = timezone.now()
    month, number = _month(request, now), _page_number(request)
    facts = cached(f"incidents {month}", lambda: queries.incidents_of(month, now), now)
    return page(
        request, reader, "incidents", facts, lambda: _listed(facts.value, number, now), **_chosen(request, number)
    )


@public
def incident(request: HttpRequest, reader: Reader, reference: str) -> HttpResponse:
    """Show an incident."""
    now = timezone.now()
    facts = _found(f"incident {reference}", lambda: queries.incident(reference, now), now, reference)
    number = _page_number(request)
    newest_first = facts.value.updates[::-1]
    updates, more = _cut(newest_first, number)
    shown = {"incident": facts.value, "updates": updates, "more": more, "page": number, "most": PAGE}
    return page(request, reader, "incidents_one", facts, lambda: shown, page=number if number > 1 else None)


@public
def maintenance(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Show scheduled maintenance and the windows of a month."""
    now = timezone.now()
    month, number = _month(request, now), _page_number(request)
    facts = cached(f"maintenance {month}", lambda: queries.maintenance_of(month, now), now)
    windows = facts.value
    return page(
        request,
        reader,
        "maintenance",
        facts,
        lambda: _listed(windows.of_month, number, now) | {"planned": windows.planned, "regions": windows.regions},
        **_chosen(request, number),
    )


@public
def window(request: HttpRequest, reader: Reader, reference: str) -> HttpResponse:
    """Show a maintenance window."""
    now = timezone.now()
    facts = _found(f"window {reference}", lambda: queries.window(reference, now), now, reference)
    return page(request, reader, "maintenance_one", facts, lambda: {"window": facts.value})


@public
def availability(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The last twelve closed months of all regions."""
    now = timezone.now()
    facts = cached("years", lambda: queries.years(now), now)
    return page(request, reader, "availability", facts, lambda: {"years": facts.value})


@public
def region(request: HttpRequest, reader: Reader, code: str) -> HttpResponse:
    """The last twelve closed months of a region, with a map of their days."""
    now = timezone.now()
    facts = cached("years", lambda: queries.years(now), now)
    year = _region_year(facts.value, code)
    closed = [month for month in year.months if month]

    def shown() -> dict[str, Any]:
        maps = {one.month: one for one in _maps(code, year, now).value} if closed else {}
        return {
            "year": year,
            "months": [(month, pictures.days(maps[month.month])) for month in closed],
            "claimable": _claimable(now),
        }

    return page(request, reader, "availability_region", facts, shown)


@public
def month(request: HttpRequest, reader: Reader, code: str, month: str) -> HttpResponse:
    """A closed month of a region: its days and hours, and its failure events."""
    now = timezone.now()
    facts = cached("years", lambda: queries.years(now), now)
    year = _region_year(facts.value, code)
    closed = {str(one.month): one for one in year.months if one}
    if month not in closed:
        raise Http404
    this = closed[month]

    def shown() -> dict[str, Any]:
        maps = {one.month: one for one in _maps(code, year, now).value}
        return {
            "year": year,
            "month": this,
            "events": maps[this.month].events,
            "days": pictures.days(maps[this.month]),
            "earlier": closed.get(str(this.month.previous)),
            "later": closed.get(str(this.month.next)),
            "claimable": _claimable(now),
        }

    return page(request, reader, "availability_month", facts, shown)


def _region_year(years: queries.Years, code: str) -> queries.RegionYear:
    found = next((year for year in years.regions if year.region.code == code), None)
    if found is None:
        raise Http404
    return found


def _claimable(now: datetime) -> set[ServiceMonth]:
    """The months for which a claim can be sent."""
    months = cached("claim months", lambda: claim_months(now), now).value
    return {one.month for one in months if now < one.closes_at}


def _maps(code: str, year: queries.RegionYear, now: datetime) -> Cached[Any]:
    """The maps of a region's closed months; another closing gives them another name."""
    closed = [month for month in year.months if month]
    name = f"maps {code} {[(str(month.month), month.revision, month.closed_at) for month in closed]}"
    return cached(name, lambda: queries.maps(code, closed), now, A_DAY)


@public
def notices(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The announcements, newest first."""
    now = timezone.now()
    number = _page_number(request)
    facts = cached(f"notices {number}", lambda: queries.notices(number, now), now)
    found, more = facts.value
    if number > 1 and not found:
        raise Http404
    shown = {"notices": found, "more": more, "page": number}
    return page(request, reader, "notices", facts, lambda: shown, page=number if number > 1 else None)


@public
def notice(request: HttpRequest, reader: Reader, number: str) -> HttpResponse:
    """Show an announcement at its permanent address."""
    now = timezone.now()
    facts = _found(f"notice {number}", lambda: queries.notice(number, now), now, number)
    said = facts.value.in_language(reader.language)
    return page(request, reader, "notices_one", facts, lambda: {"notice": facts.value, "said": said})


@public
def agreement(request: HttpRequest, reader: Reader, version: str = "") -> HttpResponse:
    """A published version of the agreement; without a name, the one in force."""
    now = timezone.now()
    facts = cached(f"agreement {version}", lambda: queries.agreement(version, now), now) if _sound(version) else None
    if facts is None or (version and facts.value is None):
        raise Http404
    return page(request, reader, "agreement", facts, lambda: {"agreement": facts.value, "today": _today(now)})


@public
def redline(request: HttpRequest, reader: Reader, before: str, after: str) -> HttpResponse:
    """Show the changed terms and text between two published versions."""
    now = timezone.now()
    facts = _found(f"redline {before} {after}", lambda: queries.comparison(before, after), now, before + after)
    two: queries.Comparison = facts.value

    def shown() -> dict[str, Any]:
        frozen = two.frozen.get(reader.language)
        # The comparison of two texts is made once for all readers of a language.
        text = (
            frozen.text
            if frozen
            else cached(
                f"redline {reader.language} {facts.mark}",
                lambda: text_changes(two.clauses_before, two.clauses_after, reader.language),
                now,
                A_DAY,
            ).value
        )
        return {
            "before": two.before,
            "after": two.after,
            "two": (two.before, two.after),
            "text": text,
            "terms": frozen.terms if frozen else term_changes(two.before.terms, two.after.terms),
            "frozen_at": two.frozen_at,
            "today": _today(now),
        }

    return page(request, reader, "agreement_redline", facts, shown)


@require_safe
def compare(request: HttpRequest) -> HttpResponse:
    """Go to the redline of the two versions chosen."""
    chosen = [request.GET.get(name, "") for name in ("from", "to")]
    if not all(re.fullmatch(r"[^/\0]+", version) for version in chosen):
        raise Http404
    return HttpResponseRedirect(reverse("agreement_redline", args=chosen))


@require_safe
def hashed(_request: HttpRequest, version: str) -> HttpResponse:
    """Text and terms of a version as the file that its SHA-256 is of."""
    facts = _found(f"hashed {version}", lambda: queries.hashed_content(version), timezone.now(), version)
    headers = {
        "Content-Disposition": content_disposition_header(as_attachment=True, filename=f"agreement-{version}.json")
    }
    return HttpResponse(facts.value, content_type="application/json", headers=headers)


def _today(now: datetime) -> date:
    return local_date(epoch(now), settings.SLA_ZONE)


@public
def checkpoints(request: HttpRequest, reader: Reader) -> HttpResponse:
    """The checkpoints of the audit log, newest first."""
    now = timezone.now()
    number = _page_number(request)
    facts = cached(f"checkpoints {number}", lambda: queries.checkpoints(number), now)
    found, more = facts.value
    if number > 1 and not found:
        raise Http404
    shown = {"checkpoints": found, "more": more, "page": number}
    return page(request, reader, "checkpoints", facts, lambda: shown, page=number if number > 1 else None)


@public
def data(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Feeds to subscribe to, and the read API."""
    now = timezone.now()
    return page(request, reader, "data", Cached(None, "", now, now), lambda: {"paths": API})


API = (
    "summary.json",
    "status.json",
    "components.json",
    "incidents.json",
    "incidents/unresolved.json",
    "scheduled-maintenances.json",
    "scheduled-maintenances/upcoming.json",
    "scheduled-maintenances/active.json",
)


# The reader's choices


@public
def clock(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Choose the time zone in which times are shown."""
    now = timezone.now()
    near = cached("zones of regions", queries.zones_of_regions, now)
    back = _back(request, request.GET.get("next", ""))
    shown = {
        "near": list(dict.fromkeys([str(settings.SLA_ZONE), *near.value, "UTC"])),
        "zones": zones(),
    }
    return page(request, reader, "clock", near, lambda: shown, back=back)


# Without a CSRF token: it only changes how this reader reads, and a token would need a cookie.
@csrf_exempt
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Store the chosen language or time zone in a cookie, and redirect back."""
    response = HttpResponseRedirect(_back(request, request.POST.get("next", "")))
    language, zone = request.POST.get("language", ""), request.POST.get("zone", "")
    shared = {"max_age": COOKIE_DAYS * 86400, "samesite": "Lax", "secure": settings.HTTPS, "httponly": True}
    if language in dict(settings.LANGUAGES):
        response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, **shared)
    if zone in zones():
        response.set_cookie(ZONE_COOKIE, str(ZoneInfo(zone)), **shared)
    return response


def _back(request: HttpRequest, target: str) -> str:
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return target if safe and target.startswith("/") else reverse("home")


# Icon and robots.txt


@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """Redirect to the icon."""
    return HttpResponseRedirect(static("staff/mark.svg"))


@require_safe
def robots(_request: HttpRequest) -> HttpResponse:
    """Allow indexing of everything but the staff pages."""
    return HttpResponse(f"User-agent: *\nDisallow: {reverse('admin:index')}\n", content_type="text/plain")


@for_reader
def nothing(request: HttpRequest, reader: Reader) -> HttpResponse:
    """Show that a page was not found."""
    around = frame(request, reader, "nothing", timezone.now(), {})
    return HttpResponse(render_to_string("website/nothing.html", around | {"back": reverse("home")}), status=404)


# Lists


def _month(request: HttpRequest, now: datetime) -> ServiceMonth:
    """The month asked for, `?month=2026-09`, or the present one."""
    asked = request.GET.get("month", "")
    if not asked:
        return ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    try:
        month = ServiceMonth.parse(asked)
    except ValueError as error:
        raise Http404(str(error)) from None
    if not 1970 <= month.year <= now.year + 10:
        raise Http404
    return month


def _page_number(request: HttpRequest) -> int:
    """The page asked for, `?page=2`, or the first."""
    asked = request.GET.get("page", "1")
    if not re.fullmatch(r"[1-9][0-9]{0,4}", asked):
        raise Http404
    return int(asked)


def _chosen(request: HttpRequest, number: int) -> dict[str, object]:
    return {"month": request.GET.get("month", ""), "page": number if number > 1 else None}


def _cut(rows: Any, number: int) -> tuple[Any, bool]:
    """A page of `rows`, and whether there are more."""
    found = rows[(number - 1) * PAGE : number * PAGE]
    if number > 1 and not found:
        raise Http404
    return found, len(rows) > number * PAGE


def _listed(of_month: MonthOf[Any], number: int, now: datetime) -> dict[str, Any]:
    rows, more = _cut(of_month.rows, number)
    present = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    return {
        "month": of_month.month,
        "month_name": month_name(of_month.month),
        "rows": rows,
        "count": len(of_month.rows),
        "more": more,
        "page": number,
        "earlier": of_month.earlier,
        "later": of_month.later,
        "is_present": of_month.month == present,
    }


def _sound(text: str) -> bool:
    """Whether a database can be queried for it: PostgreSQL refuses NUL."""
    return "\0" not in text


def _found(name: str, read: Callable[[], Any], now: datetime, key: str) -> Cached[Any]:
    facts = cached(name, read, now) if _sound(key) else None
    if facts is None or facts.value is None:
        raise Http404(gettext("Nothing public has this name."))
    return facts
