"""Legal's calendar: what comes due, by day, as a page and as a private feed for a calendar program."""

from __future__ import annotations

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from sla_portal.agreements.operations import REMINDED_DAYS_BEFORE
from sla_portal.agreements.queries import open_objections, pending_versions
from sla_portal.audit.models import Certificate
from sla_portal.audit.versions import acting
from sla_portal.clocks import month_name
from sla_portal.kernel.characters import without_hidden
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from .amendments.pending import today
from .claims.waiting import SECOND
from .common import page, require_right
from .home import months_waiting
from .models import PrivateCalendar
from .operations import give_private_calendar, revoke_private_calendar

RIGHT = "agreements.draft_version"
MOST = 200
"""Objections and claims that are listed."""
TOKEN = re.compile(r"([1-9][0-9]{0,9})-([A-Za-z0-9_-]{43})")


@dataclass(frozen=True)
class Deadline:
    """Something that comes due on a day; `key` names it for good."""

    on: date
    title: str
    url: str
    key: str


def deadlines(user: User, now: datetime) -> list[Deadline]:
    """Return what comes due for Legal, the first first; what is overdue stands on its day."""
    return sorted(
        [*_amendments(now), *_objections(), *_months(now), *_claims(user, now), *_certificates(now)],
        key=lambda one: (one.on, one.key),
    )


def _amendments(now: datetime) -> Iterator[Deadline]:
    present = today(now)
    for version in pending_versions(present):
        url = reverse("admin:amendment", args=[version.pk])
        name = {"version": version}
        yield Deadline(
            version.takes_effect_on, _("Version %(version)s takes effect") % name, url, f"effect-{version.pk}"
        )
        for days in REMINDED_DAYS_BEFORE:
            on = version.takes_effect_on - timedelta(days=days)
            if on >= present:
                title = _("Customers are reminded of version %(version)s") % name
                yield Deadline(on, title, url, f"reminder-{version.pk}-{days}")


def _objections() -> Iterator[Deadline]:
    for one in open_objections().filter(due_on__isnull=False)[:MOST]:
        title = _("Reply to the objection of %(customer)s") % {"customer": one.customer.name}
        yield Deadline(one.due_on, title, reverse("admin:objection", args=[one.pk]), f"objection-{one.pk}")


def _months(now: datetime) -> Iterator[Deadline]:
    """A month is to be closed when claims for it open (3.3.1)."""
    present = ServiceMonth.of(today(now))
    for one in months_waiting(present, now):
        opens = one.window and local_date(epoch(one.window.opens_at), settings.SLA_ZONE)
        title = _("Correct %(month)s") if one.noticed_at else _("Close %(month)s")
        yield Deadline(
            opens or one.month.next.first_day,
            title % {"month": month_name(one.month)},
            reverse("admin:close_month", args=[one.month]),
            f"month-{one.month}",
        )


def _claims(user: User, now: datetime) -> Iterator[Deadline]:
    """A claim waits for a second person until the day that the customer was told."""
    for claim in SECOND.claims(user, now)[:MOST]:
        title = _("Decide claim %(number)s") % {"number": claim.number}
        yield Deadline(claim.due_on or today(now), title, reverse("admin:claim", args=[claim.pk]), f"claim-{claim.pk}")


def _certificates(now: datetime) -> Iterator[Deadline]:
    for one in Certificate.objects.filter(valid_until__gt=now - timedelta(days=366), demonstration=False):
        title = _("The certificate of the seal ends: %(holder)s") % {"holder": one.holder}
        on = local_date(epoch(one.valid_until), settings.SLA_ZONE)
        yield Deadline(on, title, reverse("admin:index"), f"certificate-{one.pk}")


@require_http_methods(["GET", "HEAD", "POST"])
def calendar(request: HttpRequest) -> HttpResponse:
    """Show the deadlines of Legal; POST gives the reader a private address for a calendar program, or revokes it."""
    require_right(request, RIGHT)
    now = timezone.now()
    if request.method == "POST":
        if request.POST.get("do") == "revoke":
            revoke_private_calendar(actor=acting(request), user=request.user, now=now)
            messages.success(request, _("The address does not work any more."))
        else:
            language = get_language() or settings.LANGUAGE_CODE
            give_private_calendar(actor=acting(request), user=request.user, language=language, now=now)
            messages.success(request, _("Here is your address. An earlier one does not work any more."))
        return redirect("admin:legal_calendar")
    given = PrivateCalendar.objects.filter(user=request.user).first()
    response = page(
        request,
        "staff/deadlines.html",
        {
            "title": _("Calendar of Legal"),
            "deadlines": [(one, (one.on - today(now)).days) for one in deadlines(request.user, now)],
            "given": given,
            "address": given and f"{settings.SITE_URL}{reverse('private_calendar', args=[token(given)])}",
        },
    )
    response["Cache-Control"] = "no-store"
    return response


def token(given: PrivateCalendar) -> str:
    """Return the token of a private calendar: not in the database, and of no use once the row is gone."""
    return _token(given, settings.SECRET_KEY)


def _token(given: PrivateCalendar, key: str) -> str:
    said = f"{__name__}:{given.pk}:{given.nonce}".encode()
    digest = hmac.new(key.encode(), said, sha256).digest()
    return f"{given.pk}-{urlsafe_b64encode(digest).decode().rstrip('=')}"


@require_safe
def feed(_request: HttpRequest, token: str) -> HttpResponse:
    """Answer a calendar program with the deadlines of the person whose private address it has, in their language."""
    found = TOKEN.fullmatch(token)
    given = PrivateCalendar.objects.select_related("user").filter(pk=found[1]).first() if found else None
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    if given is None or not any(hmac.compare_digest(token, _token(given, key)) for key in keys):
        raise Http404
    if not given.user.is_active or not given.user.has_perm(RIGHT):
        raise Http404
    now = timezone.now()
    with translation.override(given.language):
        body = written(deadlines(given.user, now), now)
    headers = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex, nofollow"}
    return HttpResponse(body, content_type="text/calendar; charset=utf-8", headers=headers)


def written(listed: list[Deadline], now: datetime) -> bytes:
    """Return deadlines as an iCalendar, each an event of a day."""
    # 11 MB, for the processes that write calendars.
    from icalendar import Calendar, Event, vText

    made = Calendar()
    made.add("prodid", "-//SLA portal//Legal//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    # As vText, and so escaped: of a property that is not in the standard the library leaves a plain text as it is.
    made.add("x-wr-calname", vText(without_hidden(_("Calendar of Legal"))))
    host = settings.SITE_URL.partition("://")[2]
    for one in listed:
        event = Event()
        event.add("uid", f"{one.key}@{host}")
        event.add("dtstamp", now)
        event.add("dtstart", one.on)
        event.add("dtend", one.on + timedelta(days=1))
        event.add("summary", without_hidden(one.title))
        event.add("url", f"{settings.SITE_URL}{one.url}")
        event.add("transp", "TRANSPARENT")
        made.add_component(event)
    return made.to_ical()
