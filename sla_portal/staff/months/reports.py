"""Request the reports of a month, and show the progress of a request."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from incidents.models import Incident
from sla_portal.audit.versions import acting
from sla_portal.clocks import month_name
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.errors import Refused
from sla_portal.kernel.months import ServiceMonth
from sla_portal.minutes import anchor, turned_to
from sla_portal.reports.minutes import stated_runs
from sla_portal.reports.models import ReportRun, Status
from sla_portal.reports.operations import request_reports
from sla_portal.reports.queries import progress, readable_by
from sla_portal.reports.tasks import queue_reports

from ..common import page, require_right

SHOWN = 50
RUNS_SHOWN = 200


@require_POST
def issue(request: HttpRequest, month: str) -> HttpResponse:
    """Request the report of one region or customer (`region` or `customer`, a code), or all of a month."""
    require_right(request, "reports.issue_report")
    try:
        asked = ServiceMonth.parse(month)
    except ValueError as error:
        raise Http404(str(error)) from None
    if any("\0" in code for name in ("region", "customer") for code in request.POST.getlist(name)):
        # PostgreSQL rejects NUL characters in text.
        raise Http404
    named = {
        "regions": [get_object_or_404(Region, code=code) for code in request.POST.getlist("region")[:1]],
        "customers": [get_object_or_404(Customer, code=code) for code in request.POST.getlist("customer")[:1]],
    }
    try:
        run = request_reports(actor=acting(request), month=asked, **named, now=timezone.now())
    except Refused as refused:
        messages.error(request, str(refused))
        for scope, subjects in (("region", named["regions"]), ("customer", named["customers"])):
            for subject in subjects:
                return redirect("admin:month", asked, scope, subject.code)
        return redirect("admin:close_month", asked)
    # Only saves time: if the message is lost, the periodic task finds the row.
    queue_reports.delay_on_commit(run.pk)
    return redirect("admin:report_run", run.pk)


@require_safe
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """Show the progress of a report request; `?part=progress` is the fragment that the page polls."""
    require_right(request, "reports.view_reportrun")
    requested = get_object_or_404(ReportRun.objects.prefetch_related("regions", "customers"), pk=pk)
    state = progress(requested, timezone.now())
    rows = requested.reports.select_related("region", "customer").defer("statement")
    context = {
        "title": _("Reports of %(month)s") % {"month": month_name(ServiceMonth.of(requested.month))},
        "month": ServiceMonth.of(requested.month),
        "run": requested,
        "progress": state,
        "failed": rows.filter(status=Status.FAILED).order_by("number")[:SHOWN],
        "ready": rows.filter(status=Status.READY).order_by("-rendered_at")[:SHOWN],
        "shown": SHOWN,
        "may_see_reports": request.user.has_perm("reports.view_report"),
    }
    template = (
        "staff/months/_run_progress.html" if request.GET.get("part") == "progress" else "staff/months/report_run.html"
    )
    return page(request, template, context)


@require_safe
def minutes(request: HttpRequest, pk: int) -> HttpResponse:
    """List the minutes that a report states as counted and as excluded; what it was issued with, not the present record."""
    require_right(request, "reports.view_report")
    report = get_object_or_404(readable_by(request.user).select_related("region", "customer"), pk=pk)
    figures = report.statement["figures"]
    runs, shown, pages = turned_to(stated_runs(figures), None, request.GET.get("page", ""), RUNS_SHOWN)
    named = [{one["reference"]: one for event in run.events for one in event["incidents"]} for run in runs]
    references = {reference for incidents in named for reference in incidents}
    known = dict(Incident.objects.filter(reference__in=references).values_list("reference", "pk"))
    return page(
        request,
        "staff/months/report_minutes.html",
        {
            "title": _("Minutes"),
            "report": report,
            "subject": report.customer or report.region,
            "scope": "customer" if report.customer else "region",
            "month": ServiceMonth.of(report.month),
            "figures": figures,
            "runs": [
                (anchor(run.start), run, [one | {"pk": known.get(reference)} for reference, one in incidents.items()])
                for run, incidents in zip(runs, named, strict=True)
            ],
            "page": shown,
            "pages": pages,
            "before": shown - 1,
            "after": shown + 1,
        },
    )
