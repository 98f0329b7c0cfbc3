"""Export the lists of months of regions and of customers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from sla_portal.availability.models import CustomerMonth, RegionMonth
from sla_portal.availability.queries import closed_months
from sla_portal.availability.rules import FigureStatus, availability, cut, stored_status
from sla_portal.kernel.instants import instant_text
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth, local_date

from ..common import require_right
from ..exports import export_list

FIGURES = (
    "status",
    "service_days",
    "total_minutes",
    "unavailable_minutes",
    "excluded_minutes",
    "availability_percent",
    "sla",
    "counting_rule",
    "unavailable_all",
    "unavailable_function",
    "unavailable_any",
    "depends_on_the_counting_rule",
    "provisional",
    "calculated_at",
    "minutes_url",
)
SLA = {None: "not in service", True: "met", False: "breached"}


@require_safe
def region_months(request: HttpRequest, form: str) -> HttpResponseBase:
    """Export the months of regions, filtered as the list is."""
    require_right(request, "availability.view_regionmonth")
    columns = ("month", "region", *FIGURES)
    return export_list(request, form, RegionMonth, columns, _rows_of_regions)


@require_safe
def customer_months(request: HttpRequest, form: str) -> HttpResponseBase:
    """Export the months of customers, filtered as the list is."""
    require_right(request, "availability.view_customermonth")
    return export_list(
        request, form, CustomerMonth, ("month", "customer", "customer_name", *FIGURES), _rows_of_customers
    )


def _rows_of_regions(rows: Sequence[RegionMonth]) -> Iterator[tuple[Any, ...]]:
    status = _statuses(rows)
    for row in rows:
        yield (_month(row), row.region.code, status[row.month].value, *_figures(row, "region", row.region.code))


def _rows_of_customers(rows: Sequence[CustomerMonth]) -> Iterator[tuple[Any, ...]]:
    status = _statuses(rows)
    for row in rows:
        yield (
            _month(row),
            row.customer.code,
            row.customer.name,
            status[row.month].value,
            *_figures(row, "customer", row.customer.code),
        )


def _statuses(rows: Sequence[RegionMonth] | Sequence[CustomerMonth]) -> dict[date, FigureStatus]:
    """How far the figures of each month can be relied on; a closed month's are those that were closed."""
    months = {row.month for row in rows}
    closed = closed_months(months)
    present = ServiceMonth.of(local_date(epoch(timezone.now()), settings.SLA_ZONE))
    return {month: stored_status(month, closed, present) for month in months}


def _month(row: RegionMonth | CustomerMonth) -> str:
    return f"{row.month:%Y-%m}"


def _figures(row: RegionMonth | CustomerMonth, scope: str, code: str) -> tuple[Any, ...]:
    ratio = availability(row.unavailable_minutes, row.total_minutes)
    return (
        row.service_days,
        row.total_minutes,
        row.unavailable_minutes,
        row.excluded_minutes,
        "" if ratio is None else cut(ratio),
        SLA[row.met],
        row.reading,
        row.unavailable_all,
        row.unavailable_function,
        row.unavailable_any,
        "yes" if row.reading_sensitive else "no",
        "yes" if row.provisional else "no",
        instant_text(row.judged_at),
        f"{settings.SITE_URL}{reverse('admin:minutes', args=[_month(row), scope, code])}",
    )
