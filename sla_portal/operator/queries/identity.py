"""Read who the operator is."""

from __future__ import annotations

from django.conf import settings
from django.db.models import QuerySet

from sla_portal.kernel.remembering import remembered

from ..models import ALL_LANGUAGES, Identity, Logo
from ..rules import Operator


def identities() -> QuerySet[Identity]:
    """Return the identities, the one in force first, without the bytes of their logos."""
    return Identity.objects.select_related("logo").defer("logo__content").order_by("-id")


@remembered
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
        languages=ALL_LANGUAGES,
        default_language=settings.LANGUAGE_CODE,
        customer_language=settings.LANGUAGE_CODE,
    )


def logo_file(sha256: str) -> Logo | None:
    """Return a logo that is or was shown, with its bytes."""
    return Logo.objects.filter(sha256=sha256).first()
