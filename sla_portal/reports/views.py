"""Download of the PDF of a report."""

from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from sla_portal.kernel.errors import Refused

from .models import Status
from .queries import file_of, readable_by


@require_safe
@login_required
@permission_required("reports.view_report", raise_exception=True)
@cache_control(private=True, no_store=True)
def report_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Send the PDF as a download, or inline with `?inline`, after checking its SHA-256."""
    report = get_object_or_404(readable_by(request.user), pk=pk, status=Status.READY)
    try:
        content = file_of(report)
    except Refused as reason:
        return HttpResponse(str(reason), status=500, content_type="text/plain; charset=utf-8")
    kind = "inline" if "inline" in request.GET else "attachment"
    return HttpResponse(
        content,
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'{kind}; filename="{report.file_name}"',
            "X-Content-Type-Options": "nosniff",
        },
    )
