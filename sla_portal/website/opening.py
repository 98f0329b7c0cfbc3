"""Until the portal is opened to the public, its website says from which day the service will be reported, and nothing else.

Closed is the default: a page that is added later is closed until it is named in `REACHABLE`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.urls import ResolverMatch, reverse
from django.utils import timezone
from django.utils.http import http_date
from django.utils.translation import gettext as _

from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import day_span, local_date
from sla_portal.notices.models import Kind, Notice
from sla_portal.operator.models import Opening
from sla_portal.operator.queries import opening
from sla_portal.operator.rules import Mark

from .page import frame, site_mark
from .queries import opened
from .reader import Reader, for_reader
from .words import day_name

BESIDE = ("admin/", "anymail/", "healthz", "i18n/", "reports/<int:pk>/file")
"""Beginnings of the routes that are no part of the website: the desk, what signs people in, and what machines call."""

REACHABLE = frozenset(
    {
        # An amendment is announced here (5.2), and a window, too (4.1): their e-mails name these addresses.
        "notices", "notice", "notice_content", "notice_seal", "feed_notices", "agreement_answer",
        # Whoever holds a document verifies it.
        "checkpoints", "checkpoint_content", "checkpoint_seal", "feed_checkpoints", "verify", "certificate",
        # The personal link of a claim that staff entered.
        "claim_status", "claim_proof", "claim_minutes", "claim_answer", "claim_withdraw", "claim_appeal",
        # The reader's language and time zone.
        "clock", "choose",
        # How the operator looks, on these pages and on the desk's.
        "operator_colours", "operator_logo",
    }
)  # fmt: skip
"""Names of public pages that answer before the opening: none reports how the service was."""
NO_NAME = ("favicon.ico", "robots.txt")
ONCE_ANNOUNCED = frozenset(
    {
        "agreement", "agreement_compare", "agreement_hashed", "agreement_redline", "agreement_seal", "agreement_version",
    }
)  # fmt: skip
"""Names of pages that answer before the opening once an amendment was announced: until then a first version is being set up."""


class UntilOpened:
    """Answer every page that reports the service, and the claim form, with the day from which it is reported."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Callable[..., HttpResponse], _args: object, _kwargs: object
    ) -> HttpResponse | None:
        match = request.resolver_match
        if match is None or match.route.startswith(BESIDE):
            return None
        # In a rehearsal the website is tried out, too; each page says so.
        if opened() or site_mark() == Mark.REHEARSAL or _is_reachable(match):
            return None
        return not_yet(request, timezone.now())


def _is_reachable(match: ResolverMatch) -> bool:
    if match.url_name in ONCE_ANNOUNCED:
        return Notice.objects.filter(kind=Kind.AMENDMENT, public=True).exists()
    return match.url_name in REACHABLE or match.route in NO_NAME


def not_yet(request: HttpRequest, now: datetime) -> HttpResponse:
    """Answer as what was asked for: a page, JSON, or a sentence for programs that come back later."""
    row, path = opening(), request.path
    if path.startswith("/api/"):
        response: HttpResponse = JsonResponse({"error": _sentence(row, now)}, status=503)
        response["Access-Control-Allow-Origin"] = "*"
    elif path.endswith((".atom", ".ics", ".json", ".p7s")):
        response = HttpResponse(_sentence(row, now), status=503, content_type="text/plain; charset=utf-8")
    else:
        response = _page(request, row, now)
    response["Cache-Control"] = "no-store"
    if response.status_code == 503 and (day := _day_ahead(row, now)):
        response["Retry-After"] = http_date(day_span(day, settings.SLA_ZONE)[0])
    return response


@for_reader
def _page(request: HttpRequest, reader: Reader, row: Opening, now: datetime) -> HttpResponse:
    around = frame(request, reader, "not_yet", now, {})
    body = render_to_string("website/not_yet.html", around | {"sentence": _sentence(row, now)})
    return HttpResponse(body, status=200 if request.path == reverse("home") else 503)


def _sentence(row: Opening, now: datetime) -> str:
    if day := _day_ahead(row, now):
        return _("The availability of the service will be reported here from %(day)s.") % {"day": day_name(day)}
    return _("The availability of the service will be reported here soon.")


def _day_ahead(row: Opening, now: datetime) -> date | None:
    """Return the day from which the service is reported, unless it is here already."""
    day = row.reported_from
    return day if day and day > local_date(epoch(now), settings.SLA_ZONE) else None
