"""Keep the public pages of an amendment's announcement as they were answered when it was published (5.2)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from io import BytesIO
from typing import cast
from urllib.parse import urlencode, urlsplit
from wsgiref.util import setup_testing_defaults

from django.conf import settings
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone, translation

from sla_portal.agreements.models import AgreementVersion
from sla_portal.notices.models import Kind, Notice
from sla_portal.notices.operations import Answered, keep_pages
from sla_portal.operator.queries import operator_in_force

from .reader import LANGUAGE_FIELD

log = logging.getLogger(__name__)


def keep_announcements(*, clock: Callable[[], datetime]) -> int:
    """Keep the pages of each public notice of an amendment that has no copies yet; return of how many they were kept.

    A page that is not answered is logged, and tried again by the next call.
    """
    waiting = list(Notice.objects.filter(kind=Kind.AMENDMENT, public=True, page_copies__isnull=True).order_by("pk"))
    if not waiting:
        return 0
    handler = BaseHandler()
    handler.load_middleware()
    return sum(_keep(notice, handler, clock) for notice in waiting)


def _keep(notice: Notice, handler: BaseHandler, clock: Callable[[], datetime]) -> bool:
    pages = []
    for url in _addresses(notice):
        answer = _answer(url, handler)
        if answer.status_code != 200:
            log.error("%s answers with %s, so no copy of it was kept", url, answer.status_code)
            return False
        pages.append(Answered(url, clock(), answer.headers["Content-Type"], answer.content))
    return keep_pages(notice=notice, pages=pages)


def _addresses(notice: Notice) -> Iterator[str]:
    paths = [reverse("notice", args=[notice.number])]
    announced = AgreementVersion.objects.filter(notice=notice, based_on__isnull=False).select_related("based_on")
    paths += [reverse("agreement_redline", args=[one.based_on, one]) for one in announced]
    for path in paths:
        for language in operator_in_force().offered:
            yield f"{settings.SITE_URL}{path}?{urlencode({LANGUAGE_FIELD: language})}"


def _answer(url: str, handler: BaseHandler) -> HttpResponse:
    """Answer a request of a reader without cookies, in this process."""
    address = urlsplit(url)
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": address.path,
        "QUERY_STRING": address.query,
        "HTTP_HOST": address.netloc,
        "wsgi.url_scheme": address.scheme,
        "wsgi.input": BytesIO(),
    }
    setup_testing_defaults(environ)
    # A request leaves its language and time zone behind.
    with translation.override(None), timezone.override(None):
        return cast("HttpResponse", handler.get_response(WSGIRequest(environ)))
