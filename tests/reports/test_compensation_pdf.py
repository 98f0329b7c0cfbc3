"""Compensation on a customer's report: the ledger, the PDF, its attachment, the exports and the letter agree to the cent."""

import json
from datetime import timedelta
from decimal import Decimal
from io import BytesIO

import pikepdf
import pytest
from django.urls import reverse
from time_machine import travel

from claims.models import Entry, Step, Voucher
from claims.operations import redeem_voucher
from sla_portal.audit.actors import Actor
from sla_portal.kernel.months import ServiceMonth
from sla_portal.notices.models import Notice
from sla_portal.reports.pdf.printing import render
from sla_portal.reports.queries import RegionRecord
from sla_portal.reports.rules import changes
from tests.staff.claims.test_ledger import csv_of, sheet_of, taken
from tests.support.builders import a_region, at
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, granted, support, undone
from tests.support.desk import a_member, signed_in
from tests.support.printed import texts
from tests.support.statements import customer, issued, quiet_month

pytestmark = pytest.mark.django_db
OCTOBER = ServiceMonth(2026, 10)


def opened(content: bytes) -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(content))


def stated(of, month: ServiceMonth = OCTOBER):
    return RegionRecord(a_region(), month, at("2026-11-10 00:00")).of_customers([of.customer])[0]


@pytest.fixture
def of():
    a_missed_september()
    claimant = a_claimant(monthly_charge="1234.56")
    granted(a_claim(claimant), voucher_minutes=12)
    return claimant


def test_ledger_pdf_exports_and_letter_agree_to_the_cent(of):
    by = Actor.staff(support())
    redeem_voucher(actor=by, voucher=Voucher.objects.get(), reference="R-1", now=OPEN + timedelta(seconds=1))
    undone(Entry.objects.get(step=Step.EXTENDED), now=OPEN + timedelta(seconds=2))
    # 1234.56 × 37 / 43200 = 1.0573…, of which × 12 / 43200 = 0.3429…, and the extension is the rest
    amounts = {"issued": "0.34", "extended": "0.72", "redeemed": "0.00", "shortened": "-0.72"}
    assert {entry.step: str(entry.value.quantize(Decimal("0.01"))) for entry in Entry.objects.all()} == amounts

    figures = stated(of)
    assert {given["step"]: given["value"] for given in figures["compensation"]} == amounts
    pdf = opened(render(issued(figures)))
    (page,) = (text for text in texts(pdf) if "Compensation posted in October 2026" in text)
    for step, value in amounts.items():
        assert f"{Step(step).label}" in " ".join(page.split())
        assert f"{value} EUR" in page
    attached = json.loads(pdf.attachments["figures.json"].get_file().read_bytes())
    assert {given["step"]: given["value"] for given in attached["compensation"]} == amounts

    with travel(OPEN, tick=False):
        desk = signed_in(a_member("Support"))
        rows = desk.get(reverse("admin:ledger")).context["rows"]
        assert {row["entry"].step: row["value"] for row in rows} == {
            step: f"{value} EUR" for step, value in amounts.items()
        }
        assert {row["step"]: row["value"] for row in csv_of(taken(desk, "csv", month="2026-10"))} == amounts
        cells = {row["step"]: row["value"] for row in sheet_of(taken(desk, "xlsx", month="2026-10"))}
        assert {step: f"{value:.2f}" for step, value in cells.items()} == amounts
    letter = next(text for notice in Notice.objects.order_by("id") if "12 min" in (text := notice.wording("en").text))
    assert "0.34 EUR" in letter


def test_a_report_lists_the_entries_of_its_month_and_no_other(of):
    assert "compensation" in stated(of)
    for month in ("2026-09", "2026-11"):
        assert "compensation" not in stated(of, ServiceMonth.parse(month))
    assert "compensation" not in RegionRecord(a_region(), OCTOBER, at("2026-11-10 00:00")).of_region()


def test_the_same_statement_is_the_same_bytes_and_the_code_is_not_in_it(of):
    figures = stated(of)
    assert render(issued(figures)) == render(issued(stated(of)))
    code = Voucher.objects.get().code
    assert code not in json.dumps(figures)
    assert code not in " ".join(texts(opened(render(issued(figures)))))


def test_figures_from_before_the_ledger_keep_their_hash():
    figures = customer(quiet_month())
    assert "compensation" not in figures
    given = {
        "claim": "C-2026-0001", "month": "2026-08", "contract": "K-1", "step": "issued", "minutes": 5, "value": "0.10",
        "currency": "EUR",
    }  # fmt: skip
    assert changes(figures, customer(quiet_month(), compensation=[given])) == [
        {"what": "compensation", "before": None, "after": None}
    ]


def test_a_revision_with_compensation_keeps_its_pages_in_order(of):
    figures = stated(of)
    told = [{"what": "compensation", "before": None, "after": None}]
    pages = texts(opened(render(issued(figures, revision=2, changes=told))))
    # Of each page, what reports share comes before what is this one's own.
    said = "\n".join(pages)
    order = [
        "Claims", "Changes since revision 1", "Compensation posted in October 2026", "Parties, issue and signatures",
    ]  # fmt: skip
    places = [said.index(f"{heading}\n") for heading in order]
    assert places == sorted(places)
    assert order[-1] in pages[-1]
    assert f"Page {len(pages)} / {len(pages)}" in " ".join(pages[-1].split())


def test_the_pdf_says_where_to_submit_a_claim():
    said = " ".join(" ".join(texts(opened(render(issued(quiet_month()))))).split())
    assert "Claims are submitted at https://sla.example.com/claim/, each for one contract and one month." in said
