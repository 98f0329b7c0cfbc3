"""What a form of the staff pages passes when it is sent: it is saved once, and nothing that was typed is lost.

`{% csrf_token %}` gives each form a signed field that says who was signed in when it was made, on which page, and by which
key. Where a form arrives without a session, after it was saved already, or for a record that is gone, what was typed is put
into the session, and the page shows it unsent.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

from django.contrib import messages
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.views import redirect_to_login
from django.contrib.messages import get_messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.middleware.csrf import REASON_BAD_ORIGIN
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.template.response import SimpleTemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.crypto import salted_hmac
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.views.csrf import csrf_failure
from django.views.decorators.http import require_POST

from sla_portal.audit.versions import FIELD as VERSION

from .common import page
from .models import Submission
from .refilling import OWN, find_form, refill

FIELD = "desk_form"
SALT = "sla_portal.staff.desk_form"
SESSION_KEY = "typed"
LONGEST = 500_000
"""Characters that are kept for one person; a draft of 300 clauses has 300,000."""
WAIT_SECONDS = 10
"""How long a form that is sent twice at once waits for the first."""
GIVEN_UP = timedelta(minutes=5)
"""After which a form that is still being saved is taken for lost: no request lives as long."""
NEVER_KEPT = "password"
"""What the names of fields hold whose contents are nobody's to keep."""
REPEATABLE = {"clock", "keep_typed", "password_change", "logout"}
"""Pages that set something and create nothing."""

Typed = dict[str, list[str]]


@dataclass(frozen=True)
class Origin:
    """Where a form was made."""

    user: str
    address: str
    """Of the page that shows the form by GET."""
    key: UUID


def origin_field(request: HttpRequest) -> SafeString:
    """Return the signed field of a form of the staff pages; nothing where nobody is signed in."""
    # A request that is refused at once, as one for another host, has no user yet.
    user = getattr(request, "user", None)
    if not request.path.startswith(reverse("admin:index")) or user is None or not user.is_authenticated:
        return SafeString("")
    facts = [str(user.pk), page_address(request), uuid4().hex]
    return format_html('<input type="hidden" name="{}" value="{}">', FIELD, signing.dumps(facts, salt=SALT))


def page_address(request: HttpRequest) -> str:
    """Return the address of the page that a response shows, also where the response answers one of its forms."""
    made = origin(request) if request.method == "POST" else None
    return made.address if made else request.get_full_path()


def origin(request: HttpRequest) -> Origin | None:
    """Return where the form that was sent was made; None without the field or its signature."""
    try:
        user, address, key = signing.loads(request.POST.get(FIELD, ""), salt=SALT)
    except signing.BadSignature:
        return None
    return Origin(user, address, UUID(key))


# What was typed


def keep(request: HttpRequest, made: Origin, reason: str, *, path: str = "") -> None:
    """Keep what was typed for the page of a form that is sent to `path`. Neither files nor passwords are kept."""
    typed = {
        name: values
        for name, values in request.POST.lists()
        if name not in OWN and name != REDIRECT_FIELD_NAME and NEVER_KEPT not in name
    }
    kept = {
        "user": made.user,
        "address": made.address,
        "path": path or request.path,
        "typed": typed,
        "files": [upload.name for name in request.FILES for upload in request.FILES.getlist(name)],
        "why": reason,
        "too_long": False,
    }
    before = [one for one in request.session.get(SESSION_KEY, []) if one["path"] != kept["path"]]
    if len(json.dumps(kept)) > LONGEST:
        kept |= {"typed": {}, "too_long": True}
    if len(json.dumps([*before, kept])) > LONGEST:
        before = []
    request.session[SESSION_KEY] = [*before, kept]


def why(reason: str) -> str:
    """Say why a page shows what was typed."""
    return {
        "signed in": _("You were signed in again; nothing was sent yet. Check what you typed and send it."),
        "expired": _("The page was out of date; nothing was sent yet. Check what you typed and send it."),
        "unknown": _(
            "The same form was sent before, and it is not known whether it was saved. Look at the record, and send the "
            "form again only if it is missing there."
        ),
        "switched": _("What you typed is still here; nothing was sent yet."),
        "gone": _("The record to which you sent this does not exist any more; nothing was saved."),
        "saved": _(
            "This form was saved already. What you changed since then is here and was not sent. Send it only if it is to be saved as well."
        ),
    }[reason]


def show_kept(request: HttpRequest, respond: Callable[[], HttpResponse]) -> HttpResponse:
    """Show a page with what was typed there in its forms, or what was typed alone if the page does not have them now."""
    everything = request.session.get(SESSION_KEY, [])
    here = request.get_full_path()
    kept = [one for one in everything if one["address"] == here and one["user"] == str(request.user.pk)]
    if not kept:
        return respond()
    for one in kept:
        request.typed_rows = _new_rows(one["typed"])
    for sentence in dict.fromkeys(sentence for one in kept for sentence in _explained(one)):
        messages.warning(request, sentence)
    lost = [line for one in kept for line in _by_label(one["typed"])]
    try:
        response = _rendered(respond())
    except (Http404, PermissionDenied):
        if not lost:
            raise
        response = HttpResponse(status=404)
    request.session[SESSION_KEY] = [one for one in everything if one not in kept]
    if not _is_page(response):
        words = {"title": _("What you typed"), "typed": lost, "back": here}
        return page(request, "staff/typed.html", words) if lost else response
    for one in kept:
        response.content = _with_typed(response.content.decode(), here, one["path"], one["typed"])
    return response


def _with_typed(content: str, address: str, path: str, typed: Typed) -> str:
    """Return a page with what was typed in its form, and beside it what it has no field for."""
    form, left = find_form(content, address, path, typed), typed
    if form:
        content, left = refill(content, form, typed)
    lines = _by_label(left)
    beside = form.start if form else content.index(">", content.index("<main")) + 1
    note = render_to_string("staff/_typed.html", {"typed": lines}) if lines else ""
    return content[:beside] + note + content[beside:]


def _explained(kept: dict[str, Any]) -> Iterator[str]:
    """Why the page shows what was typed, and what of it could not be kept."""
    if kept["why"] != "refused":  # the page says it already
        yield why(kept["why"])
    if kept["files"]:
        yield _("Files cannot be kept. Choose them again: %(names)s.") % {"names": ", ".join(kept["files"])}
    if kept["too_long"]:
        yield _("The text was too long to be kept. Go back in your browser and copy it.")


def _new_rows(typed: Typed) -> dict[str, int]:
    """Return how many rows were added to each formset."""
    rows = {}
    for prefix in [name.removesuffix("-TOTAL_FORMS") for name in typed if name.endswith("-TOTAL_FORMS")]:
        total, initial = (typed.get(f"{prefix}-{count}_FORMS", [""])[0] for count in ("TOTAL", "INITIAL"))
        if total.isdecimal() and initial.isdecimal() and len(total + initial) < 10:
            rows[prefix] = max(0, int(total) - int(initial))
    return rows


def _rendered(response: HttpResponse) -> HttpResponse:
    return response.render() if isinstance(response, SimpleTemplateResponse) else response


def _is_page(response: HttpResponse) -> bool:
    return response.status_code == 200 and response.headers.get("Content-Type", "").startswith("text/html")


def _by_label(typed: Typed) -> list[tuple[str, list[str]]]:
    """What a person typed; not the version of the page, nor the values that it showed."""
    return [
        (name.replace("_", " "), texts)
        for name, texts in typed.items()
        if name != VERSION and "initial-" not in name and any(text.strip() for text in texts)
    ]


@require_POST
def keep_typed(request: HttpRequest) -> HttpResponse:
    """Keep a form that is not sent yet while the reader changes the language or the time zone; `to` is where it is sent."""
    made, path = origin(request), request.GET.get("to", "")
    if made and made.user == str(request.user.pk):
        keep(request, made, "switched", path=path)
    return HttpResponse(status=204)


# A form without a session


def sign_in_again(request: HttpRequest) -> HttpResponse:
    """Keep what a signed-out person sent, and lead to the sign-in page and from there to the form's page."""
    made = origin(request)
    if made is None:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    keep(request, made, "signed in")
    return redirect_to_login(made.address, reverse("admin:login"))


def forget_others(request: HttpRequest) -> None:
    """Let nobody read what another person typed."""
    kept = request.session.get(SESSION_KEY)
    if kept and any(one["user"] != str(request.user.pk) for one in kept):
        request.session[SESSION_KEY] = [one for one in kept if one["user"] == str(request.user.pk)]
        messages.warning(request, _("What was typed before was typed by another user and is not shown."))


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form whose CSRF token is not that of the session: keep what was typed, for the one who typed it.

    The signed field proves that the form was made here, and for whom.
    """
    made = origin(request)
    if made is None or reason.startswith(REASON_BAD_ORIGIN.partition("%")[0]):
        return csrf_failure(request, reason)
    if not request.user.is_authenticated:
        return sign_in_again(request)
    if made.user != str(request.user.pk):
        return csrf_failure(request, reason)
    keep(request, made, "expired")
    return redirect(made.address)


# A form that is sent several times


def saved_once(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a form of the view be saved once; sent again, it leads where the first led.

    An answer that redirects without an error message has saved. The key is taken before the view runs and let go if
    nothing was saved, so that of two at once the second waits for the first.
    """

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return show_kept(request, lambda: view(request, *args, **kwargs))
        made = origin(request)
        if made is None or request.resolver_match.url_name in REPEATABLE:
            return view(request, *args, **kwargs)
        try:
            submission = _take(made.key, _digest(request), timezone.now())
        except StillBeingSaved:
            keep(request, made, "unknown")
            return redirect(made.address)
        if submission.location:
            return _sent_again(request, made, submission)
        try:
            response = view(request, *args, **kwargs)
        except Http404:
            submission.delete()
            keep(request, made, "gone")
            return redirect(made.address)
        except BaseException:
            submission.delete()
            raise
        location = response.headers.get("Location", "").partition("#")[0]
        if location and not _told_an_error(request):
            submission.location = response.headers["Location"]
            submission.save(update_fields=["location"])
            return response
        submission.delete()
        if urlsplit(location).path == urlsplit(made.address).path:
            keep(request, replace(made, address=location), "refused")
        return response

    return guarded


class StillBeingSaved(Exception):
    """The same form was sent before, and nobody knows what became of it."""


def _take(key: UUID, digest: str, now: datetime) -> Submission:
    """Take a key for this request, or return what was saved by it; wait while another request saves it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            with transaction.atomic():
                return Submission.objects.create(key=key, digest=digest, at=now)
        except IntegrityError:
            pass
        found = Submission.objects.filter(key=key).first()
        if found and found.location:
            return found
        if found and (time.monotonic() > deadline or now - found.at > GIVEN_UP):
            raise StillBeingSaved
        time.sleep(0.05)


def _digest(request: HttpRequest) -> str:
    """Identify the contents of a form, whatever version it was made from."""
    sent = sorted((name, values) for name, values in request.POST.lists() if name not in (*OWN, VERSION))
    files = sorted((name, upload.name, upload.size) for name in request.FILES for upload in request.FILES.getlist(name))
    return salted_hmac(SALT, json.dumps([request.path, sent, files])).hexdigest()


def _sent_again(request: HttpRequest, made: Origin, submission: Submission) -> HttpResponse:
    if submission.digest != _digest(request):
        keep(request, made, "saved")
        return redirect(made.address)
    messages.info(request, _("This form was saved already. It was not saved a second time."))
    return redirect(submission.location)


def _told_an_error(request: HttpRequest) -> bool:
    return any(message.level >= messages.ERROR for message in get_messages(request)._queued_messages)
