"""The wallboard: what is ongoing, readable across a room."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from ..common import page, require_right
from ..home import figures


@require_safe
def wallboard(request: HttpRequest) -> HttpResponse:
    """Show ongoing incidents, the worst first, maintenance and the month; `?part=figures` returns them alone."""
    require_right(request, "incidents.view_incident")
    now = timezone.now()
    month = ServiceMonth.of(local_date(epoch(now), settings.SLA_ZONE))
    context = figures(request, month, now)
    part = request.GET.get("part") == "figures"
    template = "staff/shift/_wallboard.html" if part else "staff/shift/wallboard.html"
    return page(request, template, {"title": _("Wallboard"), **context})
