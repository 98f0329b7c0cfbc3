"""A credit note as a PDF: printed once, registered, sealed like a report, and downloaded."""

from decimal import Decimal
from io import BytesIO

import pytest
from django.urls import reverse
from pypdfium2 import PdfDocument

from claims.models import CreditNote
from claims.operations import redeem_voucher
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Document, Kind
from sla_portal.reports.operations import check_documents, print_due_credit_notes
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, granted, support, undone
from tests.support.desk import a_member, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.pdf]


def text_of_pdf(content: bytes) -> str:
    return " ".join(page.get_textpage().get_text_bounded() for page in PdfDocument(BytesIO(content)))


@pytest.mark.parametrize(("language", "called"), [("en", "Credit note"), ("zh-hans", "贷项通知单")])
def test_a_credit_note_is_printed_once_registered_and_downloaded(settings, tmp_path, language, called):
    settings.MEDIA_ROOT = tmp_path
    a_missed_september()
    of = a_claimant(monthly_charge=Decimal(43200))
    of.customer.language = language
    of.customer.save()
    voucher = granted(a_claim(of), voucher_minutes=12).voucher
    redeem_voucher(actor=Actor.staff(support()), voucher=voucher, reference="INV-7", part=Decimal("5.50"), now=OPEN)
    undone(voucher.entries.select_related("voucher").latest("number"))
    desk = signed_in(a_member("Support"))
    url = reverse("admin:credit_note", args=["CN-2026-0001"])
    assert desk.get(url).status_code == 404
    assert (print_due_credit_notes(), print_due_credit_notes()) == (2, 0)
    said = text_of_pdf(desk.get(url).content)
    for fact in (called, "CN-2026-0001", "5.50 EUR", "INV-7", of.customer.name, f"…{voucher.code[-4:]}"):
        assert fact in said
    assert "CN-2026-0002 (PDF)" in text_of(desk.get(reverse("admin:voucher", args=[voucher.pk])))
    document = Document.objects.get(kind=Kind.CREDIT_NOTE, number="CN-2026-0001")
    note = CreditNote.objects.get(number="CN-2026-0001")
    assert (document.sha256, document.pdf, document.check_code) == (note.sha256, note.pdf, note.statement["check_code"])
    assert "CN-" not in str(check_documents(now=OPEN).found)
