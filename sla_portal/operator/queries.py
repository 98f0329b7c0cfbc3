"""Read who the operator is, and by which time zone and country months are counted."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet

from sla_portal.audit.models import ClosedMonth

from .models import Basis, Identity, Logo
from .rules import Operator

# Identity


def identities() -> QuerySet[Identity]:
    """Return the identities, the one in force first, without the bytes of their logos."""
    return Identity.objects.select_related("logo").defer("logo__content").order_by("-id")


def operator_in_force() -> Operator:
    """Return who the operator is now; until an identity was saved, what the settings say."""
    identity = identities().first()
    return identity.operator if identity else operator_of_settings()


def operator_of_settings() -> Operator:
    return Operator(
        number=None,
        name=settings.OPERATOR_NAME,
        name_zh="",
        address=settings.OPERATOR_ADDRESS,
        address_zh="",
        contact_email="",
        contact_phone="",
        imprint_url="",
        privacy_url="",
        sender="",
        reply_to="",
        accent_light="",
        accent_dark="",
        logo=None,
        default_language=settings.LANGUAGE_CODE,
        customer_language=settings.LANGUAGE_CODE,
    )


def logo_file(sha256: str) -> Logo | None:
    """Return a logo that is or was shown, with its bytes."""
    return Logo.objects.filter(sha256=sha256).first()


# Time zone and country


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
