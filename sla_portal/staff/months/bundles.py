"""Evidence bundles of a service month."""

from __future__ import annotations

from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from sla_portal.clocks import month_name
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.models import Bundle
from sla_portal.reports.operations import request_month_bundle

from ..bundles import VIEW, Evidence, bundles_page
from ..common import require_right


@require_http_methods(["GET", "HEAD", "POST"])
def bundles(request: HttpRequest, month: str) -> HttpResponse:
    """List the bundles of a month and request one."""
    require_right(request, VIEW)
    try:
        asked = ServiceMonth.parse(month)
    except ValueError as error:
        raise Http404(str(error)) from None
    evidence = Evidence(
        title=_("Evidence bundle for %(month)s") % {"month": month_name(asked)},
        contents=_(
            "One ZIP file for use in court: incidents, outages, exclusions and maintenance as recorded, the figures of every "
            "region and customer, the closing and its corrections, the reports, the audit log entries, and what is needed to "
            "verify each of them without this portal. It names every customer: do not hand it to one of them."
        ),
        url=reverse("admin:month_bundles", args=[asked]),
        back=reverse("admin:close_month", args=[asked]),
        back_name=month_name(asked),
        found=Bundle.objects.filter(month=asked.first_day),
    )
    return bundles_page(request, evidence, partial(request_month_bundle, month=asked))
