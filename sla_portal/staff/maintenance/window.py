"""The page of a maintenance window, and the actions on it: announce, extend, cancel, record the work, discard."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from maintenance.models import MaintenanceWindow, RequestStatus
from maintenance.operations import (
    ReasonMissing,
    finish_work,
    mark_not_carried_out,
    record_work,
    start_work,
)
from maintenance.queries import overlapping, pending_request
from maintenance.words import format_regions, overlap_warnings
from sla_portal.audit.actors import Actor
from sla_portal.audit.templatetags.audit_log import audit_log
from sla_portal.availability.queries import exclusions_resting_on
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch
from sla_portal.notices.tasks import deliver_soon
from sla_portal.notices.views import status_badges

from ..common import page, refusals_on, require_right
from ..forms import TYPED, KeyedForm
from ..incidents.service_months import touched_months
from ..operations import save_once
from .forms import (
    EXTENSION_MINUTES,
    AnnouncementForm,
    CancellationForm,
    DiscardForm,
    ExtensionForm,
    NotCarriedOutForm,
    SendCancellationForm,
    SendForm,
    WithdrawForm,
    WorkForm,
)
from .operations import announce_as_shown, discard_unused
from .preview import Preview, preview
from .timeline import timeline
from .windows import WindowStatus, format_months, months_of_each, sent_notices, window_status

VIEW, CHANGE, ANNOUNCE, CONFIRM = (
    "maintenance.view_maintenancewindow",
    "maintenance.change_maintenancewindow",
    "maintenance.announce_maintenancewindow",
    "maintenance.confirm_maintenancewindow",
)


def _get_window(pk: int) -> MaintenanceWindow:
    rows = MaintenanceWindow.objects.prefetch_related("notices__notice", "requests", "regions", "functions", "clients")
    return get_object_or_404(rows, pk=pk)


@require_safe
def window(request: HttpRequest, pk: int) -> HttpResponse:
    """Show a window; `?part=figures` returns the figures alone, for the refresh of the page."""
    require_right(request, VIEW)
    return window_page(request, _get_window(pk), timezone.now())


def window_page(request: HttpRequest, found: MaintenanceWindow, now: datetime, **bound: forms.Form) -> HttpResponse:
    """Show a window; `bound` are refused forms by name."""
    status = window_status(found, now)
    notices = sent_notices(found)
    context = {
        "window": found,
        "status": status,
        "where": format_regions(found),
        "now": now,
        "timeline": timeline(status, notices),
        "service_months": touched_months([(status.starts_at, found.completed_at or status.ends_at)]),
        "part": f"{reverse('admin:maintenance_window', args=[found.pk])}?part=figures",
    }
    if request.GET.get("part") == "figures":
        return page(request, "staff/maintenance/_figures.html", context)
    rights = (("change", CHANGE), ("announce", ANNOUNCE), ("confirm", CONFIRM))
    may = {name: request.user.has_perm(right) for name, right in rights}
    pending = pending_request(found)
    context |= {
        "title": f"{found.reference} {found.title}",
        "may": may,
        "notices": [(notice, status_badges(notice.progress) if notice.progress else "") for notice in notices],
        "overlaps": overlap_warnings(overlapping(found, status.starts_at, status.ends_at)) if status.is_open else [],
        "longer": EXTENSION_MINUTES,
        "months": format_months(months_of_each([status.span])[0]),
        "resting": exclusions_resting_on(found) if status.may_be_not_carried_out else [],
        "pending": pending,
        "own": pending is not None and pending.requested_by_id == request.user.pk,
        "decided": [one for one in found.requests.all() if one.status != RequestStatus.PENDING],
        "key": uuid4(),
        "log": audit_log(found),
        "not_carried_out": NotCarriedOutForm(auto_id="not-carried-out-%s"),
        "discard": DiscardForm(auto_id="discard-%s"),
        "withdraw": WithdrawForm(auto_id="withdraw-%s"),
        "work": _work_form(status, now),
        "refused": [*bound.values()],
        **bound,
    }
    return page(request, "staff/maintenance/window.html", context, status=422 if bound else 200)


def _work_form(status: WindowStatus, now: datetime, given: Any = None) -> WorkForm:
    return WorkForm(
        given,
        window=status.window,
        announced_from=status.starts_at,
        initial={
            "started_at": status.window.started_at or status.starts_at,
            "completed_at": now.replace(microsecond=0) if status.window.started_at else min(status.ends_at, now),
        },
        now=now,
        auto_id="work-%s",
    )


# Notices


@require_http_methods(["GET", "HEAD", "POST"])
def announce(request: HttpRequest, pk: int) -> HttpResponse:
    """Announce a window, or reschedule an announced one."""

    def asked(status: WindowStatus) -> AnnouncementForm:
        given = request.POST if "show" in request.POST else None
        return AnnouncementForm(
            given, initial={"starts_at": status.starts_at, "ends_at": status.ends_at}, now=timezone.now()
        )

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
    send = sending(request.POST, auto_id="send-%s") if "send" in request.POST else None
    unexplained = None
    if send and send.is_valid():
        with refusals_on(send):
            try:
                return redirect(
                    save_once(key=send.cleaned_data["key"], write=lambda: _send(request, found, send), now=now)
                )
            except ReasonMissing as refused:
                send.add_error("why", str(refused))
                unexplained = send.period
    status = window_status(found, now)
    if not status.is_open or (announced and not status.announced):
        messages.error(request, _why_closed(status))
        return redirect(back)
    form = asked(status)
    shown = None
    if send and unexplained:
        starts_at, ends_at = unexplained
        shown = preview(found, starts_at, ends_at, send.cleaned_data["reason"], now)
        form.initial |= {
            "by": TYPED, "starts_at": starts_at, "ends_at": ends_at, "reason": send.cleaned_data["reason"],
        }  # fmt: skip
    elif form.is_valid():
        starts_at, ends_at = form.period
        shown = preview(found, starts_at, ends_at, form.cleaned_data["reason"], now)
    elif not form.is_bound and not status.announced and status.ends_at > now:
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
            "send": send
            if unexplained
            else sending(initial=_as_shown(shown, form), auto_id="send-%s")
            if shown
            else None,
            "cancelling": sending is SendCancellationForm,
            "for_two": shown is not None and shown.for_two,
            "pending": pending_request(found),
            "now": now,
        },
        status=422 if form.errors or (send and send.errors) else 200,
    )


def _why_closed(status: WindowStatus) -> str:
    if status.window.discarded_at:
        return _("This draft was discarded. Plan a new window.")
    if status.window.completed_at:
        return _("The maintenance is completed, so nothing more can be announced.")
    if status.window.not_carried_out_at:
        return _("This window is marked as not carried out. Plan a new one.")
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
    requested = announce_as_shown(
        actor=Actor.staff(request.user),
        window=found,
        period=send.period,
        reason=given["reason"],
        why=given.get("why", ""),
        after=given["after"],
        # What is covered depends on the time of sending, so read the clock as late as possible.
        now=timezone.now(),
    )
    if requested:
        messages.success(
            request,
            _("Requested. Nothing is announced until another person confirms it, and downtime counts until then."),
        )
    else:
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


@require_POST
def work(request: HttpRequest, pk: int) -> HttpResponse:
    """Record when work took place that nobody recorded as it happened."""
    require_right(request, CHANGE)
    now = timezone.now()
    found = _get_window(pk)
    form = _work_form(window_status(found, now), now, request.POST)
    done = _("Maintenance completed.")
    return _recorded(request, found, now, "work", form, record_work, ("started_at", "completed_at"), done)


@require_POST
def not_carried_out(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a window as not carried out."""
    require_right(request, CHANGE)
    form = NotCarriedOutForm(request.POST, auto_id="not-carried-out-%s")
    done = _("Marked as not carried out. No notice was sent.")
    found, now = _get_window(pk), timezone.now()
    return _recorded(request, found, now, "not_carried_out", form, mark_not_carried_out, ("reason",), done)


@require_POST
def discard(request: HttpRequest, pk: int) -> HttpResponse:
    """Discard a draft."""
    require_right(request, CHANGE)
    form = DiscardForm(request.POST, auto_id="discard-%s")
    done = _("Discarded. The draft stays on record and is not listed any more.")
    return _recorded(request, _get_window(pk), timezone.now(), "discard", form, discard_unused, ("reason",), done)


def _recorded(
    request: HttpRequest,
    found: MaintenanceWindow,
    now: datetime,
    name: str,
    form: KeyedForm,
    operation: Callable[..., None],
    given: tuple[str, ...],
    done: str,
) -> HttpResponse:
    """Call `operation` once with the fields `given` of the form; the page shows a refused form under its `name`."""

    def write() -> str:
        typed = {field: form.cleaned_data[field] for field in given}
        operation(actor=Actor.staff(request.user), window=found, now=now, **typed)
        messages.success(request, done)
        return reverse("admin:maintenance_window", args=[found.pk])

    if form.is_valid():
        with refusals_on(form):
            return redirect(save_once(key=form.cleaned_data["key"], write=write, now=now))
    return window_page(request, found, now, **{name: form})


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
