"""Pages protected by the key in their address: not cached, no referrer, no cross-site requests.

They use no cookie and no session, so a cross-site request has no authority to abuse: a form needs the key in the
address. A request that the browser marks as cross-site is refused as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from claims.inspection import LARGEST
from claims.operations.applying import TooManyTries
from claims.operations.proofs import MOST

from ..page import frame
from ..reader import Reader, for_reader

LARGEST_REQUEST = MOST * LARGEST + 1_000_000
"""Bytes: the maximum of files of a claim, and the other fields."""
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


class Stop(Exception):
    """Answer with an error page: heading, sentence, and optionally a link to request a new link, or to sign in `again`."""

    def __init__(self, status: int, heading: str, sentence: str, *, new_link: bool = False, again: str = "") -> None:
        self.status, self.heading, self.sentence = status, heading, sentence
        self.new_link, self.again = new_link, again


def private(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Call `view(request, reader, …)`; answer requests that are too large, truncated or cross-site with an error page."""

    @wraps(view)
    def answered(request: HttpRequest, reader: Reader, *args: object, **kwargs: object) -> HttpResponse:
        try:
            _check(request)
            response = view(request, reader, *args, **kwargs)
        except Stop as stop:
            response = show(request, reader, "claim_stopped", {"stop": stop}, status=stop.status)
        except TooManyTries as refused:
            too_often = Stop(429, _("Too many attempts"), str(refused))
            response = show(request, reader, "claim_stopped", {"stop": too_often}, status=429)
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    return csrf_exempt(require_http_methods(["GET", "HEAD", "POST"])(for_reader(answered)))


def _check(request: HttpRequest) -> None:
    """Check a request before its body is used."""
    if request.method != "POST":
        return
    if request.headers.get("Sec-Fetch-Site", "none") not in {"same-origin", "none"}:
        raise Stop(
            403,
            _("The form was not accepted"),
            _("It was sent from another website. Open the page on this site and submit it again."),
        )
    try:
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_REQUEST:
            raise Stop(
                413, _("The upload is too large"), _("Nothing was saved. Upload at most ten files of 20 MB each.")
            )
        request.POST  # noqa: B018 - reading it is what can fail
    except (ValueError, SuspiciousOperation, BadRequest, MultiPartParserError, UnreadablePostError):
        raise Stop(
            400,
            _("The form could not be read"),
            _("It contains too much data, or the transfer was interrupted. Go back and submit it again."),
        ) from None


def show(
    request: HttpRequest, reader: Reader, template: str, context: dict[str, Any], status: int = 200
) -> HttpResponse:
    """Answer with a page of `templates/website`."""
    around = frame(request, reader, template, timezone.now(), {}) | {"private": True, "largest": LARGEST}
    return HttpResponse(render_to_string(f"website/{template}.html", around | context), status=status)


def in_time_zone(reader: Reader, zone: str) -> Reader:
    """Return the reader with the time zone of the claim."""
    timezone.activate(ZoneInfo(zone))
    return replace(reader, zone=ZoneInfo(zone))


def gone(at: datetime | None) -> Stop:
    """Return the error page for an invalid key: `at` is when it became invalid, None if it never was valid."""
    if at is None:
        return Stop(
            404,
            _("This link is not valid"),
            _("The address may be incomplete. Open the link from the e-mail, or request a new one."),
            new_link=True,
        )
    return Stop(
        410,
        _("This link is no longer valid"),
        _("Links expire, and a new link replaces the earlier ones. Request a new link."),
        new_link=True,
    )
