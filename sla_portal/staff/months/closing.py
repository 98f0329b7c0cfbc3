"""Close a month or correct a closed one: the checklist, the figures of every region, and the form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from sla_portal.audit.queries import entries_about
from sla_portal.audit.versions import acting
from sla_portal.availability.models import CustomerMonth, Deviation, MonthClosing, RegionMonth
from sla_portal.availability.queries import open_items, region_month
from sla_portal.availability.rules import availability, cut
from sla_portal.clocks import month_name
from sla_portal.customers.models import Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.intervals import epoch, instant
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.models import Report
from sla_portal.reports.operations import close_and_report, correct_and_report

from ..claims.entitlements import affected_rows
from ..common import page, refusals_on, require_right
from ..words import verdict

TOUCHED_SHOWN = 20


class CloseForm(forms.Form):
    """Closing needs no input."""


class CorrectForm(forms.Form):
    """The reason for the correction of a closed month."""

    reason = forms.CharField(
        label=gettext_lazy("Reason: what was wrong and how it was found"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=2000,
        error_messages={"required": gettext_lazy("Enter the reason for the correction.")},
    )


@require_http_methods(["GET", "HEAD", "POST"])
def close(request: HttpRequest, month: str) -> HttpResponse:
    """Show the checklist of a month; POST closes the month, or corrects it where it is closed."""
    require_right(request, "availability.view_monthclosing")
    try:
        asked = ServiceMonth.parse(month)
    except ValueError as error:
        raise Http404(str(error)) from None
    now = timezone.now()
    closings = list(MonthClosing.objects.filter(month=asked.first_day))
    kind = CorrectForm if closings else CloseForm
    form = kind(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        require_right(request, "availability.close_month")
        if form.is_valid():
            with refusals_on(form):
                _write(request, asked, form, now)
                return redirect("admin:close_month", asked)
    return page(
        request,
        "staff/months/close.html",
        {
            "title": month_name(asked) if closings else _("Close %(month)s") % {"month": month_name(asked)},
            "month": asked,
            "name": month_name(asked),
            "form": form,
            "closings": closings,
            "closing": closings[0] if closings else None,
            "deviation": Deviation.objects.filter(month=asked.first_day).first(),
            "missing": open_items(asked, now),
            "ends_at": instant(asked.span(settings.SLA_ZONE)[1]),
            "regions": [_region(region, asked, bool(closings), now) for region in Region.objects.all()],
            "missed_customers": CustomerMonth.objects.filter(month=asked.first_day, met=False).count(),
            "reports": Report.objects.filter(month=asked.first_day, region__isnull=False)
            .select_related("region")
            .defer("statement")
            .order_by("region__code", "-revision"),
            **_claims_touched(request, asked, closings, now),
            "may_see_reports": request.user.has_perm("reports.view_report"),
            "may_close": request.user.has_perm("availability.close_month"),
            "log": entries_about(*closings)[:50] if closings else [],
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


def _write(request: HttpRequest, month: ServiceMonth, form: forms.Form, now: datetime) -> None:
    actor = acting(request)
    if isinstance(form, CorrectForm):
        correct_and_report(actor=actor, month=month, reason=form.cleaned_data["reason"], now=now)
        messages.success(
            request,
            _("The month is corrected. New revisions of the reports are being issued; earlier revisions are kept."),
        )
    else:
        close_and_report(actor=actor, month=month, now=now)
        messages.success(request, _("The month is closed. Its figures are frozen, and the reports are being issued."))


def _region(region: Region, month: ServiceMonth, closed: bool, now: datetime) -> dict[str, Any]:
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
    try:
        figures = region_month(region, month, now).figures
    except Refused as refused:
        return {**line, "refused": str(refused)}
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
