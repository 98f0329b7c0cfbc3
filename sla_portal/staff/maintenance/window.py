"""The page of a maintenance window, and the actions on it: announce, extend, cancel, start, complete."""

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
from maintenance.words import format_regions, overlap_warnings
from sla_portal.audit.actors import Actor
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.notices.tasks import deliver_soon
from sla_portal.notices.views import status_badges

from ..common import page, refusals_on, require_right
from ..forms import KeyedForm
from ..incidents.service_months import touched_months
from ..operations import save_once
from .forms import (
    EXTENSION_MINUTES,
    AnnouncementForm,
    CancellationForm,
    ExtensionForm,
    SendCancellationForm,
    SendForm,
)
from .operations import announce_as_shown
from .preview import Preview, preview
from .timeline import timeline
from .windows import WindowStatus, sent_notices, window_status

VIEW, CHANGE, ANNOUNCE = (
    "maintenance.view_maintenancewindow",
    "maintenance.change_maintenancewindow",
    "maintenance.announce_maintenancewindow",
)


def _get_window(pk: int) -> MaintenanceWindow:
    rows = MaintenanceWindow.objects.prefetch_related("notices__notice", "regions", "functions", "clients")
    return get_object_or_404(rows, pk=pk)


@require_safe
def window(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a window; `?part=figures` returns the figures alone, for the refresh of the page."""
    require_right(request, VIEW)
    now = timezone.now()
    found = _get_window(pk)
    status = window_status(found, now)
    notices = sent_notices(found)
    context = {
        "window": found,
        "status": status,
        "where": format_regions(found),
        "now": now,
        "timeline": timeline(status, notices),
        "service_months": touched_months([(status.starts_at, found.completed_at or status.ends_at)]),
        "part": f"{reverse('admin:maintenance_window', args=[pk])}?part=figures",
    }
    if request.GET.get("part") == "figures":
        return page(request, "staff/maintenance/_figures.html", context)
    may = {name: request.user.has_perm(right) for name, right in (("change", CHANGE), ("announce", ANNOUNCE))}
    context |= {
        "title": f"{found.reference} {found.title}",
        "may": may,
        "notices": [(notice, status_badges(notice.progress) if notice.progress else "") for notice in notices],
        "overlaps": overlap_warnings(overlapping(found, status.starts_at, status.ends_at)) if status.is_open else [],
        "longer": EXTENSION_MINUTES,
        "key": uuid4(),
        "log": audit_log(found),
    }
    return page(request, "staff/maintenance/window.html", context)


# Notices


@require_http_methods(["GET", "HEAD", "POST"])
def announce(request: HttpRequest, pk: int) -> HttpResponse:
    """Announce a window, or reschedule an announced one."""

    def asked(status: WindowStatus) -> AnnouncementForm:
        given = request.POST if "show" in request.POST else None
        return AnnouncementForm(given, initial={"starts_at": status.starts_at, "ends_at": status.ends_at})

    def title(status: WindowStatus) -> str:
        return _("Reschedule the window") if status.announced else _("Announce the window")

    return _preview_and_send(request, pk, asked, title)


@require_http_methods(["GET", "HEAD", "POST"])
def extend(request: HttpRequest, pk: int) -> HttpResponse:
    """Extend an announced window; `?by=15` previews an extension by 15 minutes."""

    def asked(status: WindowStatus) -> ExtensionForm:
        given = request.POST if "show" in request.POST else request.GET if "by" in request.GET else None
        return ExtensionForm(
            given,
            announced=(status.starts_at, status.ends_at),
            initial={"by": str(EXTENSION_MINUTES[0]), "ends_at": status.ends_at},
            now=timezone.now(),
        )

    return _preview_and_send(request, pk, asked, lambda _status: _("Extend the window"), announced=True)


@require_http_methods(["GET", "HEAD", "POST"])
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    """Cancel an announced window."""

    def asked(_status: WindowStatus) -> CancellationForm:
        return CancellationForm(request.POST if "show" in request.POST else None)

    return _preview_and_send(
        request, pk, asked, lambda _status: _("Cancel the window"), announced=True, sending=SendCancellationForm
    )


def _preview_and_send(
    request: HttpRequest,
    pk: int,
    asked: Callable[[WindowStatus], AnnouncementForm | ExtensionForm | CancellationForm],
    title: Callable[[WindowStatus], str],
    *,
    announced: bool = False,
    sending: type[SendCancellationForm] = SendForm,
) -> HttpResponse:
    """Show the form, preview the notice, and send it as previewed.

    `announced`: the window must have been announced before.
    """
    require_right(request, ANNOUNCE)
    now = timezone.now()
    found = _get_window(pk)
    back = reverse("admin:maintenance_window", args=[pk])
    send = sending(request.POST) if "send" in request.POST else None
    if send and send.is_valid():
        with refusals_on(send):
            return redirect(save_once(key=send.cleaned_data["key"], write=lambda: _send(request, found, send), now=now))
    status = window_status(found, now)
    if not status.is_open or (announced and not status.announced):
        messages.error(request, _why_closed(status))
        return redirect(back)
    form = asked(status)
    shown = None
    if form.is_valid():
        starts_at, ends_at = form.period
        shown = preview(found, starts_at, ends_at, form.cleaned_data["reason"], now)
    elif not form.is_bound and not status.announced:
        # A draft has a period already.
        shown = preview(found, status.starts_at, status.ends_at, "", now)
    return page(
        request,
        "staff/maintenance/announce.html",
        {
            "title": title(status),
            "window": found,
            "where": format_regions(found),
            "status": status,
            "form": form,
            "refused": [bound for bound in (send, form) if bound and bound.errors],
            "preview": shown,
            "calendar": shown.calendar.content.decode() if shown else "",
            "overlaps": overlap_warnings(shown.overlapping) if shown else [],
            "send": sending(initial=_as_shown(shown, form), auto_id="send-%s") if shown else None,
            "cancelling": sending is SendCancellationForm,
            "now": now,
        },
        status=422 if form.errors or (send and send.errors) else 200,
    )


def _why_closed(status: WindowStatus) -> str:
    if status.window.completed_at:
        return _("The maintenance is completed, so nothing more can be announced.")
    if status.announced:
        return _("This window is cancelled. Plan a new one.")
    return _("This window has not been announced. Announce it first.")


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
        period=send.period,
        reason=given["reason"],
        after=given["after"],
        # What is covered depends on the time of sending, so read the clock as late as possible.
        now=timezone.now(),
    )
    deliver_soon()
    messages.success(request, _("Notice published. The e-mails are being sent."))
    return reverse("admin:maintenance_window", args=[found.pk])


# Work


@require_POST
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Record the start of the work."""
    return _work(request, pk, start_work, _("Maintenance started."))


@require_POST
def finish(request: HttpRequest, pk: int) -> HttpResponse:
    """Record the completion of the work."""
    return _work(request, pk, finish_work, _("Maintenance completed."))


def _work(request: HttpRequest, pk: int, operation, message: str) -> HttpResponse:
    require_right(request, CHANGE)
    now = timezone.now()
    found = get_object_or_404(MaintenanceWindow, pk=pk)
    back = reverse("admin:maintenance_window", args=[pk])
    form = KeyedForm(request.POST)

    def write() -> str:
        operation(actor=Actor.staff(request.user), window=found, now=now)
        messages.success(request, message)
        return back

    if not form.is_valid():
        messages.error(request, _("The form was incomplete, so nothing was saved. Try again."))
        return redirect(back)
    try:
        return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(back)
