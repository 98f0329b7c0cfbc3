"""Statistics of claims over a period: received, granted, how soon, and what they cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from claims.queries.statistics import Cost, Received, statistics
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.money import format_amount as amount
from sla_portal.kernel.months import ServiceMonth, local_date

from ..common import page, require_right
from .claim import VIEW

MOST_MONTHS = 60
SHOWN = 100


@require_safe
def claim_statistics(request: HttpRequest) -> HttpResponse:
    """Show the statistics of a period: `?from=2026-01&to=2026-06`, the last twelve months unless said; ignore invalid values."""
    require_right(request, VIEW)
    present = ServiceMonth.of(local_date(epoch(timezone.now()), settings.SLA_ZONE))
    last = _month(request, "to", present)
    first = _month(request, "from", last + -11)
    first = min(max(first, last + -(MOST_MONTHS - 1)), last)
    found = statistics(first, last)
    return page(
        request,
        "staff/claims/statistics.html",
        {
            "title": _("Statistics of claims"),
            "first": first,
            "last": last,
            "whole": _row(found.whole),
            "rows": [_row(one) for one in found.received],
            "regions": [_cost(one) for one in found.by_region],
            "incidents": [_cost(one) for one in found.by_incident[:SHOWN]],
            "more": len(found.by_incident) > SHOWN,
            "shown": SHOWN,
            "may_see_costs": request.user.has_perm("claims.view_entry"),
        },
    )


def _month(request: HttpRequest, name: str, default: ServiceMonth) -> ServiceMonth:
    try:
        return ServiceMonth.parse(request.GET.get(name, ""))
    except ValueError:
        return default


def _row(received: Received) -> dict[str, Any]:
    decided = received.granted + received.refused
    return {
        "one": received,
        "share": f"{100 * received.granted / decided:.0f} %" if decided else "–",
        "to_answer": _days(received.to_answer),
        "to_decision": _days(received.to_decision),
        "kept": f"{received.kept} / {received.promised}" if received.promised else "–",
    }


def _days(length: timedelta | None) -> str:
    if length is None:
        return "–"
    days = round(length / timedelta(days=1), 1)
    return ngettext("%(count)s day", "%(count)s days", 1 if days == 1 else 2) % {"count": f"{days:.1f}"}


def _cost(cost: Cost) -> dict[str, Any]:
    return {"of": cost.of, "value": amount(cost.value, cost.currency)}
