"""The pages on contracts: what follows is shown before it is done; all periods of a customer with what each month cost."""

from csv import DictReader
from io import BytesIO, StringIO

import pytest
from django.contrib.messages import get_messages
from django.urls import reverse
from openpyxl import load_workbook
from time_machine import travel

from sla_portal.agreements.models import Contract
from sla_portal.audit.models import ClosedMonth, Entry
from tests.support.builders import a_contract, a_customer, a_region, at, on
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, granted
from tests.support.desk import Opened, a_member, filled, signed_in, text_of

pytestmark = [pytest.mark.django_db, pytest.mark.sqlite]
NOW = at("2026-11-30 04:00")
WHY = "As agreed by letter"


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def admin():
    return signed_in(a_member("Administrator"))


@pytest.fixture
def contract() -> Contract:
    return a_contract(a_customer(a_region(), "C-1"), "2026-01-01", "2026-12-31", reference="K-1", trial_days=31)


def at_page(client, name: str, contract: Contract) -> Opened:
    return Opened(client, reverse(f"admin:{name}", args=[contract.pk]))


def confirmed(client, page: Opened, shown, having: str):
    return filled(client, shown, page.url, having)


def test_a_contract_is_renewed_with_one_press_on_the_terms_it_has(admin, contract):
    contract.charges.create(from_month=on("2026-12-01"), monthly_charge="59.00", recorded_at=NOW)
    page = at_page(admin, "renew_contract", contract)
    assert "The new period begins on 2027-01-01" in text_of(page.response)
    assert page.fill("reference").status_code == 302
    renewal = Contract.objects.get(renews=contract)
    said = (renewal.reference, str(renewal.starts_on), str(renewal.ends_on), renewal.monthly_charge, renewal.trial_days)
    assert said == ("K-1-2", "2027-01-01", "2027-12-31", 59, 0)
    again = text_of(admin.get(page.url))
    assert "Renewed by K-1-2 from 2027-01-01." in again
    assert 'name="reference"' not in again
    following = at_page(admin, "renew_contract", renewal)
    assert following.response.context["form"]["reference"].value() == "K-1-3"


def test_a_contract_is_renewed_on_other_terms_typed_over(admin, contract):
    page = at_page(admin, "renew_contract", contract)
    short = page.fill("reference", ends_on="2027-01-15", currency="cny")
    assert "A contract lasts at least one month" in text_of(short)
    assert "BGN was withdrawn on 2026-01-31." in text_of(page.fill("reference", currency="bgn"))
    given = {"reference": "K-2027", "ends_on": "2027-06-30", "monthly_charge": "70", "currency": "cny"}
    assert page.fill("reference", **given).status_code == 302
    renewal = Contract.objects.get(renews=contract)
    assert (renewal.reference, renewal.monthly_charge, renewal.currency) == ("K-2027", 70, "CNY")


def test_a_renewal_into_a_closed_month_asks_for_its_reason(admin):
    contract = a_contract(a_customer(a_region(), "C-1"), "2025-09-01", "2026-08-31", reference="K-1")
    ClosedMonth.objects.create(month=on("2026-09-01"))
    page = at_page(admin, "renew_contract", contract)
    assert "This is a correction: September 2026 is closed." in text_of(page.response)
    unsaid = page.fill("reference")
    assert (unsaid.status_code, list(unsaid.context["form"].errors)) == (422, ["reason"])
    assert page.fill("reference", reason=WHY).status_code == 302


def test_a_new_charge_names_the_months_it_touches_and_the_claims_before_it_is_saved(admin):
    with travel(OPEN, tick=False):
        a_missed_september()
        of = a_claimant(monthly_charge="4900.00")
        claim = a_claim(of)
        granted(claim)
    page = at_page(admin, "change_charge", of.contract)
    form = page.response.context["form"]
    assert (form["from_month"].value(), str(form["monthly_charge"].value())) == ("2026-12", "4900.00")
    shown = page.fill("from_month", monthly_charge="5900", reason=WHY)
    assert "Service or worth changes in 2 months, December 2026 to January 2027." in text_of(shown)
    assert "This is a correction" not in text_of(shown)
    assert not of.contract.charges.exists()
    touched = text_of(page.fill("from_month", from_month="2026-09", monthly_charge="5900", reason=WHY))
    assert "Service or worth changes in 5 months, September 2026 to January 2027." in touched
    assert "This is a correction: September 2026 is closed." in touched
    assert f"{claim.number} ✓ granted 2026-09 4900.00 EUR 5900.00 EUR" in touched.replace("Granted", "granted")
    assert "What was granted stays as it is." in touched
    assert confirmed(admin, page, shown, "from_month").status_code == 302
    assert of.contract.charges.get().monthly_charge == 5900
    assert Entry.objects.latest("id").reason == WHY


def test_what_was_changed_after_its_consequences_were_shown_is_shown_again(admin, contract):
    page = at_page(admin, "end_contract", contract)
    shown = page.fill("last_day", last_day="2026-12-20", reason=WHY)
    other = filled(admin, shown, page.url, "last_day", last_day="2026-12-10")
    assert "Last service day then: 2026-12-10." in text_of(other)
    contract.refresh_from_db()
    assert contract.terminated_on is None
    assert confirmed(admin, page, other, "last_day").status_code == 302
    contract.refresh_from_db()
    assert contract.terminated_on == on("2026-12-10")


def test_an_early_end_names_the_renewal_that_it_withdraws(admin, contract):
    renewal = a_contract(contract.customer, "2027-01-01", "2027-12-31", renews=contract, reference="K-1-2")
    shown = at_page(admin, "end_contract", contract).fill("last_day", last_day="2026-12-20", reason=WHY)
    assert "The renewal K-1-2 has not begun and is withdrawn." in text_of(shown)
    page = at_page(admin, "withdraw_renewal", renewal)
    assert confirmed(admin, page, page.fill("reason", reason=WHY), "reason").status_code == 302
    assert list(Contract.objects.all()) == [contract]


def test_what_an_operation_refuses_stands_on_the_form(admin, contract):
    refused = at_page(admin, "agree_later_end", contract).fill("ends_on", ends_on="2026-12-31", reason=WHY)
    assert "The agreed last service day is 2026-12-31. Enter a later one" in text_of(refused)
    far = at_page(admin, "correct_contract", contract).fill("starts_on", starts_on="9999-12-31", reason=WHY)
    assert list(far.context["form"].errors) == ["starts_on"]


def test_a_contract_page_leads_to_what_can_be_done_with_it(admin, contract):
    names = {
        link.name for link in at_page(admin, "agreements_contract_change", contract).response.context["record_links"]
    }
    assert {"Renew", "Change the charge", "End early", "Agree on a later end", "Correct the days"} <= names
    reader = signed_in(a_member("Support")).get(reverse("admin:agreements_contract_change", args=[contract.pk]))
    assert [link.name for link in reader.context["record_links"]] == ["Contract periods"]


def test_a_contract_beside_another_of_the_customer_is_pointed_out(admin, contract):
    page = Opened(admin, reverse("admin:agreements_contract_add"))
    typed = {"customer": contract.customer_id, "reference": "K-9", "starts_on": "2026-12-01", "ends_on": "2027-12-31",
             "monthly_charge": "49", "currency": "EUR", "trial_days": "0"}  # fmt: skip
    answer = page.fill("starts_on", **typed)
    assert any("other contracts on some of these days: K-1." in str(one) for one in get_messages(answer.wsgi_request))


def test_all_periods_of_a_customer_are_listed_and_exported_with_what_each_month_cost(contract):
    contract.charges.create(from_month=on("2026-03-01"), monthly_charge="59.00", recorded_at=NOW)
    contract.suspensions.create(starts_on=on("2026-04-01"), ends_on=on("2026-04-05"))
    contract.payments.create(reference="P-1", paid_on=on("2026-04-20"), amount="59.00")
    a_contract(contract.customer, "2027-01-11", "2027-02-10", renews=contract, reference="=K-2")
    reader = signed_in(a_member("Auditor"))
    page = reader.get(reverse("admin:customer_periods", args=[contract.customer_id]))
    assert "Between K-1 and this period no contract is in force, from 2027-01-01 to 2027-01-10." in text_of(page)
    assert "paid 59.00 EUR" in text_of(page)
    answer = reader.get(reverse("admin:export_customer_periods", args=[contract.customer_id, "csv"]))
    rows = list(DictReader(StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    columns = ("contract", "month", "service_days", "trial_days", "suspended_days", "monthly_charge", "paid")
    assert [tuple(row[name] for name in columns) for row in (rows[0], rows[1], rows[3], rows[-1])] == [
        ("K-1", "2026-01", "31", "31", "0", "", "0.00"),
        ("K-1", "2026-02", "28", "0", "0", "49.00", "0.00"),
        ("K-1", "2026-04", "30", "0", "5", "59.00", "59.00"),
        ("'=K-2", "2027-02", "10", "0", "0", "49.00", "0.00"),
    ]
    sheet = reader.get(reverse("admin:export_customer_periods", args=[contract.customer_id, "xlsx"]))
    assert len(list(load_workbook(BytesIO(b"".join(sheet.streaming_content))).active.iter_rows())) == len(rows) + 1
    assert reader.get(reverse("admin:export_customer_periods", args=[contract.customer_id, "pdf"])).status_code == 404
