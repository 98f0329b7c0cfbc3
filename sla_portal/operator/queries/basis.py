"""Read by which time zone and country months are counted."""

from __future__ import annotations

from django.conf import settings

from sla_portal.audit.models import ClosedMonth

from ..models import Basis


def basis_in_force() -> Basis | None:
    """Return the time zone and country on record; None before a month was closed."""
    return Basis.objects.order_by("-id").first()


def basis_differs() -> Basis | None:
    """Return what is on record where the settings say otherwise."""
    basis = basis_in_force()
    agrees = basis is None or (basis.time_zone, basis.workday_country) == (
        settings.SLA_TIME_ZONE,
        settings.SLA_WORKDAY_COUNTRY,
    )
    return None if agrees else basis


def closed_month_count() -> int:
    return ClosedMonth.objects.count()
