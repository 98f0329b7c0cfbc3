"""The version of what a page shows: the number of the newest audit log entry when the page was made.

Every form of a page carries it (`csrf_token`), the actor of the submitted form has it (`acting`), and operations refuse
what was decided on another version (`check_unchanged`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from .actors import Actor, Seen
from .models import Entry
from .operations import ChangedMeanwhile
from .queries import newest_entry
from .templatetags.audit_log import subject
from .verbs import verb

FIELD = "seen"
VERSION = re.compile(r"[0-9]{1,18}(,[0-9]{1,18}){0,500}")
NEWS_SHOWN = 5


def acting(request: HttpRequest) -> Actor:
    """Return the person signed in, acting on what the submitted page showed."""
    return Actor.staff(request.user, getattr(request, "seen", None))


def seen_on(request: HttpRequest) -> Seen:
    """Return what the submitted page showed; what the page in the making will show if none was submitted.

    A form without a version shows nothing. A version that does not exist yet is the newest.
    """
    newest = newest_entry()
    if request.method != "POST":
        return Seen(newest, page=request.get_full_path())
    version, _space, page = request.POST.get(FIELD, "").partition(" ")
    number, *shown = [int(n) for n in version.split(",")] if VERSION.fullmatch(version) else [0]
    own = url_has_allowed_host_and_scheme(page, {request.get_host()}, request.is_secure())
    return Seen(min(number, newest), set(shown), page if own else "")


def versioned(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Tell a view which version the submitted form was made from, and show a person what has changed since.

    The answer is 409: the page with what was typed, or where the view would redirect, the changes alone.
    """

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        # Before the view reads anything: what is written meanwhile counts as not shown.
        request.seen = seen = seen_on(request)  # type: ignore[attr-defined]
        try:
            response = view(request, *args, **kwargs)
        except ChangedMeanwhile as refused:
            messages.error(request, str(refused))
            return _changed(request, seen, None)
        if seen.changed:
            return _changed(request, seen, response)
        if seen.news and isinstance(response, HttpResponseRedirect):
            messages.info(request, _news(seen.news))
        return response

    return wrapped


def _changed(request: HttpRequest, seen: Seen, response: HttpResponse | None) -> HttpResponse:
    seen.shown |= {entry.pk for entry in seen.changed.entries}
    if response is None or isinstance(response, HttpResponseRedirect):
        context = {**admin.site.each_context(request), "title": subject(seen.changed.entries[-1]), "alone": True}
        response = TemplateResponse(request, "audit/changed.html", context)
    response.status_code = 409
    return response


def _news(entries: list[Entry]) -> str:
    said = [f"{entry.actor_name} {verb(entry.action)} {entry.subject}" for entry in entries[-NEWS_SHOWN:]]
    return _("New since you opened the page: %(news)s.") % {"news": "; ".join(said)}
