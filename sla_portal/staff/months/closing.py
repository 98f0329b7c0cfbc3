"""Close a month or correct a closed one: the checklist, the figures of every region, and the form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from sla_portal.audit.models import Entry, Kind
from sla_portal.audit.queries import changes_of_closed_months, entries_about, seal_of
from sla_portal.audit.versions import acting
from sla_portal.availability.models import ClosingRequest, Deviation, MonthClosing, RegionMonth, RequestStatus
from sla_portal.availability.operations import (
    month_deviates,
    request_closing,
    request_correction,
    return_request,
    withdraw_request,
)
from sla_portal.availability.queries import closing_of, not_in_service, record_of, regions_without_first_service_day
from sla_portal.availability.rules import MonthFigures, availability, cut
from sla_portal.clocks import month_name
from sla_portal.customers.models import Region
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.models import Report
from sla_portal.reports.operations import close_and_report, confirm_and_report, correct_and_report

from ..claims.entitlements import affected_rows
from ..common import SEAL_TYPE, download, page, refusals_on, require_right, with_documents
from ..words import verdict

TOUCHED_SHOWN = 20
CHANGES_SHOWN = 10


class CloseForm(forms.Form):
    """Close a month: by the figures that were shown."""

    shown = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)


class CorrectForm(CloseForm):
    """The reason for the correction of a closed month."""

    reason = forms.CharField(
        label=gettext_lazy("Reason: what was wrong and how it was found"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        error_messages={"required": gettext_lazy("Enter the reason for the correction.")},
    )


class ReturnForm(forms.Form):
    """Why a request to close or correct a month is sent back."""

    reason = forms.CharField(
        label=gettext_lazy("Reason for sending it back"),
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        error_messages={"required": gettext_lazy("Say why the request is sent back.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, month: str) -> HttpResponse:
    """Show the checklist of a month; POST requests to close it or, where it is closed, to correct it."""
    require_right(request, "availability.view_monthclosing")
    asked = _asked(month)
    now = timezone.now()
    form = None
    if request.method == "POST":
        require_right(request, "availability.close_month")
        form = (CorrectForm if closing_of(asked) else CloseForm)(request.POST)
        if form.is_valid():
            with refusals_on(form):
                _write(request, asked, form, now)
                return redirect("admin:close_month", asked)
    return _page(request, asked, now, form=form)


@require_POST
def decide(request: HttpRequest, month: str, pk: int, step: str) -> HttpResponse:
    """Confirm, send back or withdraw the request to close or correct a month."""
    require_right(request, "availability.close_month")
    asked = _asked(month)
    now = timezone.now()
    requested = get_object_or_404(ClosingRequest, pk=pk, month=asked.first_day)
    actor = acting(request)
    form = ReturnForm(request.POST) if step == "return" else forms.Form(request.POST)
    if form.is_valid():
        with refusals_on(form):
            if step == "confirm":
                confirm_and_report(actor=actor, request=requested, now=now)
                messages.success(request, _done(requested.revision))
            elif step == "return":
                return_request(actor=actor, request=requested, reason=form.cleaned_data["reason"], now=now)
                messages.success(request, _("The request was sent back."))
            else:
                withdraw_request(actor=actor, request=requested, now=now)
                messages.success(request, _("The request was withdrawn."))
            return redirect("admin:close_month", asked)
    return _page(request, asked, now, **{"return_form" if step == "return" else "decision": form})


@require_safe
def file(request: HttpRequest, month: str, revision: int) -> HttpResponse:
    """Send a closing as the file that is sealed."""
    require_right(request, "availability.view_monthclosing")
    closing = get_object_or_404(MonthClosing, month=_asked(month).first_day, revision=revision)
    return download(closing.content(), f"closing-{month}-r{revision}.json", "application/json")


@require_safe
def seal(request: HttpRequest, month: str, revision: int) -> HttpResponse:
    """Send the seal of a closing."""
    require_right(request, "availability.view_monthclosing")
    content = seal_of(Kind.CLOSING, str(_asked(month)), revision)
    return download(content, f"closing-{month}-r{revision}.json.p7s", SEAL_TYPE)


def _asked(month: str) -> ServiceMonth:
    try:
        return ServiceMonth.parse(month)
    except ValueError as error:
        raise Http404(str(error)) from None


def _page(request: HttpRequest, month: ServiceMonth, now: datetime, **bound: forms.Form | None) -> HttpResponse:
    """Render the page; `bound` holds a form that was refused, by name."""
    closings = list(MonthClosing.objects.filter(month=month.first_day))
    reports = list(
        Report.objects.filter(month=month.first_day, region__isnull=False)
        .select_related("region")
        .defer("statement")
        .order_by("region__code", "-revision")
    )
    with_documents(Kind.CLOSING, [(str(month), one) for one in closings])
    with_documents(Kind.REPORT, [(one.about, one) for one in reports])
    requests = list(ClosingRequest.objects.filter(month=month.first_day))
    pending = next((one for one in requests if one.status == RequestStatus.PENDING), None)
    refused = not_in_service(month)
    # An earlier version of the portal closed such months, too: their figures are shown.
    present = None if refused and not closings else record_of(month, now)
    form = bound.pop("form", None) or (CorrectForm() if closings else CloseForm())
    regions = [
        _region(region, figures, month, bool(closings), now) for region, figures in (present.figures if present else ())
    ]
    changes = _changes(month, closings[0]) if closings else []
    deviation = Deviation.objects.filter(month=month.first_day).first()
    deviates = any(line.get("present") for line in regions)
    return page(
        request,
        "staff/months/close.html",
        {
            "title": month_name(month) if closings else _("Close %(month)s") % {"month": month_name(month)},
            "month": month,
            "name": month_name(month),
            "form": form,
            # Of what is shown now: after a refusal, what the next attempt requests.
            "shown": present.digest if present else "",
            "closings": closings,
            "closing": closings[0] if closings else None,
            "changes": changes,
            "deviation": deviation,
            "deviates": deviates,
            # What changed a customer's month alone, and was not looked at by the schedule yet, may be found only so.
            "may_correct": bool(deviation or deviates or (changes and month_deviates(month=month, now=now))),
            "missing": present.open if present else None,
            "refused": refused,
            "undated": regions_without_first_service_day(),
            "two_persons": settings.CLOSING_NEEDS_SECOND_PERSON,
            "pending": pending,
            "own": pending is not None and pending.requested_by_id == request.user.pk,
            "moved_on": pending is not None and present is not None and pending.digest != present.digest,
            "decided": [one for one in requests if one.status in (RequestStatus.RETURNED, RequestStatus.WITHDRAWN)],
            "return_form": ReturnForm(),
            "ends_at": instant(month.span(settings.SLA_ZONE)[1]),
            "regions": regions,
            "missed_customers": present.breached if present else 0,
            "reports": reports,
            **_claims_touched(request, month, closings, now),
            "may_see_reports": request.user.has_perm("reports.view_report"),
            "may_close": request.user.has_perm("availability.close_month"),
            "log": entries_about(*closings, *requests)[:50] if closings or requests else [],
            **bound,
        },
    )


def _claims_touched(
    request: HttpRequest, month: ServiceMonth, closings: Sequence[MonthClosing], now: datetime
) -> dict[str, Any]:
    """Return the claims affected by a correction, for users who may see claims."""
    if len(closings) < 2 or not request.user.has_perm("claims.view_claim"):
        return {}
    rows, incomplete = affected_rows(month, now)
    return {"touched": rows[:TOUCHED_SHOWN], "more_touched": incomplete or len(rows) > TOUCHED_SHOWN}


def _changes(month: ServiceMonth, closing: MonthClosing) -> list[Entry]:
    """Return the newest changes of the record of a month since it was closed or corrected."""
    written = changes_of_closed_months(closing.closed_at)
    return [entry for entry in written if str(month) in entry.changes["closed_months"][1]][:CHANGES_SHOWN]


def _write(request: HttpRequest, month: ServiceMonth, form: forms.Form, now: datetime) -> None:
    actor, given = acting(request), form.cleaned_data
    correcting = isinstance(form, CorrectForm)
    if settings.CLOSING_NEEDS_SECOND_PERSON:
        if correcting:
            request_correction(actor=actor, month=month, reason=given["reason"], shown=given["shown"], now=now)
        else:
            request_closing(actor=actor, month=month, shown=given["shown"], now=now)
        messages.success(request, _("Requested. Another person who may close months confirms it on this page."))
    elif correcting:
        correct_and_report(actor=actor, month=month, reason=given["reason"], now=now)
        messages.success(request, _done(2))
    else:
        close_and_report(actor=actor, month=month, now=now)
        messages.success(request, _done(1))


def _done(revision: int) -> str:
    if revision == 1:
        return _("The month is closed. Its figures are frozen, and the reports are being issued.")
    return _("The month is corrected. New revisions of the reports are being issued; earlier revisions are kept.")


def _region(region: Region, figures: MonthFigures, month: ServiceMonth, closed: bool, now: datetime) -> dict[str, Any]:
    """Return the frozen figures of a closed month, and those of the present record where they differ."""
    line: dict[str, Any] = {"region": region, "url": reverse("admin:month", args=[month, "region", region.code])}
    frozen = RegionMonth.objects.filter(region=region, month=month.first_day).first() if closed else None
    if frozen:
        ratio = availability(frozen.unavailable_minutes, frozen.total_minutes)
        line |= {
            "unavailable": frozen.unavailable_minutes,
            "excluded": frozen.excluded_minutes,
            "availability": ratio is not None and cut(ratio),
            "verdict": verdict(frozen.met, over=True),
            "reading_sensitive": frozen.reading_sensitive,
        }
    present = {
        "unavailable": figures.unavailable_minutes,
        "excluded": figures.excluded_minutes,
        "availability": figures.availability is not None and cut(figures.availability),
        "verdict": verdict(figures.met, over=month.span(settings.SLA_ZONE)[1] <= epoch(now)),
        "reading_sensitive": figures.reading_sensitive,
    }
    if not frozen:
        return {**line, **present}
    changed = any(line[name] != present[name] for name in ("unavailable", "excluded", "availability"))
    return {**line, "present": present if changed else None}
