"""The reader of a public page: which language and clock, and how a page is answered without a session or a cookie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache, wraps
from gzip import compress
from hashlib import sha256
from threading import Lock
from zoneinfo import ZoneInfo, available_timezones

from django.conf import settings
from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.http import http_date, quote_etag
from django.utils.translation.trans_real import parse_accept_lang_header

from .operator import operator_now

ZONE_COOKIE = "time_zone"
LANGUAGE_FIELD = "lang"


@cache
def zones() -> tuple[str, ...]:
    """The zones that a reader can choose, by name: places, and UTC."""
    places = (
        zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/", "posix/"))
    )
    return ("UTC", *sorted(places))


@dataclass(frozen=True)
class Reader:
    """Who reads: the language, whether the address itself names it, and the clock."""

    language: str
    language_in_address: bool
    zone: ZoneInfo

    @classmethod
    def of(cls, request: HttpRequest) -> Reader:
        """What the address says of the language, or else the reader's cookie or browser; the clock chosen, or the SLA time zone."""
        operator = operator_now(timezone.now()).value
        asked = request.GET.get(LANGUAGE_FIELD, "").lower()
        named = asked in operator.offered
        chosen = request.COOKIES.get(ZONE_COOKIE, "")
        return cls(
            language=asked if named else operator.language_for(_language(request)),
            language_in_address=named,
            zone=ZoneInfo(chosen) if chosen in zones() else settings.SLA_ZONE,
        )


def _language(request: HttpRequest) -> str | None:
    """What the cookie or the browser asks for; None where they ask for none of ours."""
    found = translation.get_language() or settings.LANGUAGE_CODE
    if found != settings.LANGUAGE_CODE or request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME) == found:
        return found
    accepted = [code for code, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", ""))]
    return found if any(code.partition("-")[0] == found for code in accepted) else None


def for_reader(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Call `view(request, reader, …)` in the reader's language and on the reader's clock."""

    @wraps(view)
    def answered(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        reader = Reader.of(request)
        with translation.override(reader.language), timezone.override(reader.zone):
            response = view(request, reader, *args, **kwargs)
        response.headers.setdefault("Content-Language", reader.language)
        patch_vary_headers(response, ["Accept-Language", "Cookie"])
        return response

    return answered


MAKERS = tuple(Lock() for _ in range(16))
PAGE_SECONDS = 60


def finished(page: tuple[object, ...], follows_from: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
    """Return what `make` makes of a `page`, made anew where what it follows from has changed.

    One thread makes it; whoever asks meanwhile gets the page as it was, or waits where there was none. Each process keeps
    some hundred pages, each for a minute.
    """
    pages = caches["pages"]
    key = sha256(repr(page).encode()).hexdigest()
    found: tuple[object, bytes] | None = pages.get(key)
    if found and found[0] == follows_from:
        return found[1]
    maker = MAKERS[int(key[0], 16)]
    if not maker.acquire(blocking=found is None) and found:
        return found[1]
    try:
        found = pages.get(key)
        if not found or found[0] != follows_from:
            found = (follows_from, make())
            pages.set(key, found, PAGE_SECONDS)
        return found[1]
    finally:
        maker.release()


def answer(
    request: HttpRequest, body: bytes, content_type: str, changed_at: datetime, cache_control: str
) -> HttpResponse:
    """Answer with `body`, packed where the reader can unpack, or that it has not changed since the reader last saw it."""
    etag = quote_etag(sha256(body).hexdigest()[:32])
    modified = int(changed_at.timestamp())
    headers = {
        "Content-Type": content_type,
        "ETag": f"W/{etag}",
        "Last-Modified": http_date(modified),
        "Cache-Control": cache_control,
        "Vary": "Accept-Encoding",
    }
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = packed(body)
        headers["Content-Encoding"] = "gzip"
    response = HttpResponse(body, headers=headers)
    return get_conditional_response(request, headers["ETag"], modified, response) or response


@lru_cache(maxsize=256)
def packed(body: bytes) -> bytes:
    """Nothing here is secret, so nothing is given away by its length."""
    return compress(body, mtime=0)
