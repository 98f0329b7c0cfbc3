"""The claims queue, by the dates that customers were told."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from claims.models import Claim
from sla_portal.customers.models import Region
from sla_portal.kernel.months import ServiceMonth

from ..common import page, require_right
from .waiting import CUSTOMER, REVIEW, SECOND, TABS, Tab, how_many, page_after, waiting

SHOWN = 100
LARGEST_KEY = 2**63 - 1


@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Show a tab of the queue: `?tab=second&month=2026-09&region=eu&after=<claim>`; ignore invalid values."""
    require_right(request, "claims.view_claim")
    now = timezone.now()
    tab = next((tab for tab in TABS if tab.key == request.GET.get("tab")), REVIEW)
    regions = list(Region.objects.all())
    region = next((region for region in regions if region.code == request.GET.get("region")), None)
    month = _month(request)
    claims = tab.claims(request.user, now)
    if month:
        claims = claims.filter(month=month.first_day)
    if region:
        claims = claims.filter(region=region)
    chosen = {
        **({"month": str(month)} if month else {}),
        **({"region": region.code} if region else {}),
    }
    last = _last(request)
    rows = list(page_after(claims, last, tab).select_related("contract__customer", "assigned_to")[: SHOWN + 1])
    address = f"{request.path}?{urlencode({'tab': tab.key, **chosen})}"
    return page(
        request,
        "staff/claims/queue.html",
        {
            "title": _("Claims"),
            "now": now,
            "tab": tab,
            "tab_name": tab.name_for(request.user),
            "tabs": [_link(one, one is tab, chosen, request, now) for one in TABS],
            "waiting": waiting(rows[:SHOWN], now),
            "first": address if last else "",
            "next": f"{address}&after={rows[SHOWN - 1].pk}" if len(rows) > SHOWN else "",
            "shown": SHOWN,
            "month": month or "",
            "region": region,
            "regions": regions,
            "together": tab is REVIEW and request.user.has_perm("claims.review_claim"),
            "decide": tab is SECOND and request.user.has_perm("claims.decide_claim"),
            "may_take": tab in (REVIEW, CUSTOMER) and request.user.has_perm("claims.review_claim"),
            "may_enter": request.user.has_perm("claims.enter_claim"),
        },
    )


def _link(tab: Tab, current: bool, chosen: dict[str, str], request: HttpRequest, now) -> dict[str, Any]:
    return {
        "name": tab.name_for(request.user),
        "url": f"{reverse('admin:claims')}?{urlencode({'tab': tab.key, **chosen})}",
        "current": current,
        "count": how_many(tab.claims(request.user, now)),
    }


def _month(request: HttpRequest) -> ServiceMonth | None:
    try:
        return ServiceMonth.parse(request.GET.get("month", ""))
    except ValueError:
        return None


def _last(request: HttpRequest) -> Claim | None:
    """Return the claim after which the page starts."""
    after = request.GET.get("after", "")
    if not (after.isascii() and after.isdigit() and int(after[:20]) <= LARGEST_KEY):
        return None
    return Claim.objects.filter(pk=int(after[:20])).first()
