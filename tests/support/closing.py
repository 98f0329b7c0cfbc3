"""Months closed and corrected by two persons of Legal."""

from datetime import datetime

from django.contrib.auth.models import User

from sla_portal.audit.actors import Actor
from sla_portal.availability.models import MonthClosing
from sla_portal.availability.operations import confirm_request, request_closing, request_correction
from sla_portal.availability.queries import record_of
from sla_portal.kernel.months import ServiceMonth

from .desk import a_member


def legal(name: str = "legal") -> Actor:
    return Actor.staff(User.objects.filter(username=name).first() or a_member("Legal", name))


def closed_by_two(month: ServiceMonth, now: datetime, reason: str = "") -> MonthClosing:
    """Close a month, or correct a closed one with a `reason`: requested by “legal2”, confirmed by “legal”."""
    shown = record_of(month, now).digest
    if reason:
        request = request_correction(actor=legal("legal2"), month=month, reason=reason, shown=shown, now=now)
    else:
        request = request_closing(actor=legal("legal2"), month=month, shown=shown, now=now)
    return confirm_request(actor=legal(), request=request, now=now)
