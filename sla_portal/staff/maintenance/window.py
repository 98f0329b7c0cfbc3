"""A maintenance window: what was told of it, what its notices cover, and the buttons of the night."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maintenance.models import MaintenanceWindow
from maintenance.operations import finish_work, start_work
from maintenance.queries import overlapping
from maintenance.words import overlap, regions
from sla_portal.audit.actors import Actor
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.notices.tasks import deliver_soon
from sla_portal.notices.views import status_badges

from ..common import page, refusals_on, require_right
from ..forms import KeyedForm
from ..operations import save_once
from .forms import (
    MINUTES_LONGER,
    AnnouncementForm,
    CancellationForm,
    LengtheningForm,
    SendCancellationForm,
    SendForm,
)
from .operations import announce_as_shown
from .preview import Preview, preview
from .timeline import timeline
from .windows import Standing, given, standing

VIEW, CHANGE, ANNOUNCE = (
    "maintenance.view_maintenancewindow",
    "maintenance.change_maintenancewindow",
    "maintenance.announce_maintenancewindow",
)


def _found(pk: int) -> MaintenanceWindow:
    rows = MaintenanceWindow.objects.prefetch_related("notices__notice", "regions", "functions", "clients")
    return get_object_or_404(rows, pk=pk)


@require_safe
def window(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a window; `?part=figures` what runs alone, for the page to refresh itself."""
    require_right(request, VIEW)
    now = timezone.now()
    found = _found(pk)
    stands = standing(found, now)
    told = given(found)
    context = {
        "window": found,
        "stands": stands,
        "where": regions(found),
        "now": now,
        "timeline": timeline(stands, told),
        "part": f"{reverse('admin:maintenance_window', args=[pk])}?part=figures",
    }
    if request.GET.get("part") == "figures":
        return page(request, "staff/maintenance/_figures.html", context)
    may = {name: request.user.has_perm(right) for name, right in (("change", CHANGE), ("announce", ANNOUNCE))}
    context |= {
        "title": f"{found.reference} {found.title}",
        "may": may,
        "notices": [(notice, status_badges(notice.progress) if notice.progress else "") for notice in told],
        "overlaps": overlap(overlapping(found, stands.starts_at, stands.ends_at)) if stands.is_open else [],
        "longer": MINUTES_LONGER,
        "key": uuid4(),
        "log": audit_log(found),
    }
    return page(request, "staff/maintenance/window.html", context)


# Tell everyone


@require_http_methods(["GET", "HEAD", "POST"])
def announce(request: HttpRequest, pk: int) -> HttpResponse:
    """Announce a window for the first time, or anew for another time."""

    def asked(stands: Standing) -> AnnouncementForm:
        given = request.POST if "show" in request.POST else None
        return AnnouncementForm(given, initial={"starts_at": stands.starts_at, "ends_at": stands.ends_at})

    def title(stands: Standing) -> str:
        return _("Move the window") if stands.announced else _("Announce the window")

    return _tell(request, pk, asked, title)


@require_http_methods(["GET", "HEAD", "POST"])
def lengthen(request: HttpRequest, pk: int) -> HttpResponse:
    """Announce that a window takes longer; `?by=15` shows at once what goes out."""

    def asked(stands: Standing) -> LengtheningForm:
        given = request.POST if "show" in request.POST else request.GET if "by" in request.GET else None
        return LengtheningForm(
            given,
            announced=(stands.starts_at, stands.ends_at),
            initial={"by": str(MINUTES_LONGER[0]), "ends_at": stands.ends_at},
            now=timezone.now(),
        )

    return _tell(request, pk, asked, lambda _stands: _("Lengthen the window"), announced=True)


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Announce that a window will not be."""

    def asked(_stands: Standing) -> CancellationForm:
        return CancellationForm(request.POST if "show" in request.POST else None)

    return _tell(
        request, pk, asked, lambda _stands: _("Cancel the window"), announced=True, sending=SendCancellationForm
    )


def _tell(
    request: HttpRequest,
    pk: int,
    asked: Callable[[Standing], AnnouncementForm | LengtheningForm | CancellationForm],
    title: Callable[[Standing], str],
    *,
    announced: bool = False,
    sending: type[SendCancellationForm] = SendForm,
) -> HttpResponse:
    """Ask what is to be told, show just that, and send it just as it was shown.

    `announced`: there must have been a notice already.
    """
    require_right(request, ANNOUNCE)
    now = timezone.now()
    found = _found(pk)
    back = reverse("admin:maintenance_window", args=[pk])
    send = sending(request.POST) if "send" in request.POST else None
    if send and send.is_valid():
        with refusals_on(send):
            return redirect(save_once(key=send.cleaned_data["key"], write=lambda: _send(request, found, send), now=now))
    stands = standing(found, now)
    if not stands.is_open or (announced and not stands.announced):
        messages.error(request, _not_told(stands))
        return redirect(back)
    form = asked(stands)
    shown = None
    if form.is_valid():
        starts_at, ends_at = form.stretch
        shown = preview(found, starts_at, ends_at, form.cleaned_data["reason"], now)
    elif not form.is_bound and not stands.announced:
        # A draft is a whole proposal already.
        shown = preview(found, stands.starts_at, stands.ends_at, "", now)
    return page(
        request,
        "staff/maintenance/announce.html",
        {
            "title": title(stands),
            "window": found,
            "where": regions(found),
            "stands": stands,
            "form": form,
            "refused": [bound for bound in (send, form) if bound and bound.errors],
            "preview": shown,
            "calendar": shown.calendar.content.decode() if shown else "",
            "overlaps": overlap(shown.overlapping) if shown else [],
            "send": sending(initial=_as_shown(shown, form), auto_id="send-%s") if shown else None,
            "cancelling": sending is SendCancellationForm,
            "now": now,
        },
        status=422 if form.errors or (send and send.errors) else 200,
    )


def _not_told(stands: Standing) -> str:
    if stands.window.completed_at:
        return _("The work is finished: there is nothing more to announce.")
    if stands.announced:
        return _("This window was cancelled. Plan a new one.")
    return _("This window was never announced. Announce it first.")


def _as_shown(shown: Preview, form: forms.Form) -> dict[str, object]:
    return {
        "after": shown.after,
        "starts": epoch(shown.starts_at) if shown.starts_at else None,
        "ends": epoch(shown.ends_at) if shown.ends_at else None,
        "reason": form.cleaned_data["reason"] if form.is_bound else "",
    }


def _send(request: HttpRequest, found: MaintenanceWindow, send: SendCancellationForm) -> str:
    given = send.cleaned_data
    announce_as_shown(
        actor=Actor.staff(request.user),
        window=found,
        stretch=send.stretch,
        reason=given["reason"],
        after=given["after"],
        # What is covered follows from the moment of sending, so the clock is read as late as can be.
        now=timezone.now(),
    )
    deliver_soon()
    messages.success(request, _("Told. The mails are on their way."))
    return reverse("admin:maintenance_window", args=[found.pk])


# The work


@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the work has begun."""
    return _work(request, pk, start_work, _("The work has begun."))


@require_POST
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that the work is done."""
    return _work(request, pk, finish_work, _("The work is finished."))


def _work(request: HttpRequest, pk: int, operation, said: str) -> HttpResponse:
    require_right(request, CHANGE)
    now = timezone.now()
    found = get_object_or_404(MaintenanceWindow, pk=pk)
    back = reverse("admin:maintenance_window", args=[pk])
    form = KeyedForm(request.POST)

    def write() -> str:
        operation(actor=Actor.staff(request.user), window=found, now=now)
        messages.success(request, said)
        return back

    if not form.is_valid():
        messages.error(request, _("The page was not complete. Tap once more."))
        return redirect(back)
    try:
        return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(back)
