"""A letter to a claimant as a PDF with the operator's letterhead."""

from __future__ import annotations

from django.conf import settings
from django.utils import translation

from claims.models import Letter
from sla_portal.kernel.instants import instant_text
from sla_portal.notices.mail.message import salutation
from sla_portal.notices.models import Delivery
from sla_portal.notices.private import MARKER
from sla_portal.operator.queries import logo_file, operator_in_force, present_mark

from . import words
from .printing import data_address, print_page

STYLESHEET = "letter.css"


def letter_pdf(letter: Letter) -> bytes:
    """Print a letter as it was sent, without the personal links; from whom it comes was frozen with its notice."""
    notice, language = letter.notice, letter.language
    operator = notice.identity.operator if notice.identity else operator_in_force()
    wording, deliveries = notice.wording(language), list(notice.deliveries.order_by("pk"))
    logo = logo_file(operator.logo.sha256) if operator.logo else None
    with translation.override(language):
        mark = words.mark(present_mark())
    context = {
        "language": language,
        "mark": mark,
        "address": settings.SITE_URL,
        "operator_name": operator.name_in(language),
        "operator_address": operator.address_in(language),
        "operator_contact": list(filter(None, [operator.contact_email, operator.contact_phone])),
        "logo": data_address(bytes(logo.content)) if logo else "",
        "customer": letter.claim.contract.customer,
        "recipients": deliveries,
        "salutation": salutation(_name(deliveries), language),
        "number": notice.number,
        "given_at": instant_text(notice.given_at),
        "day": notice.given_at.astimezone(settings.SLA_ZONE).date(),
        "subject": wording.subject,
        "paragraphs": [part for part in wording.text.split("\n\n") if not MARKER.search(part)],
        "attached": [file.name for file in notice.attachments.all()],
        "sha256": notice.sha256,
    }
    return print_page("reports/letter.html", context, language, STYLESHEET)


def _name(deliveries: list[Delivery]) -> str:
    """Return who is greeted by name: the only recipient."""
    return deliveries[0].name if len(deliveries) == 1 else ""
