"""A contract's end moved by compensation (3.2), beside history files and the desk's form."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from sla_portal.agreements.models import Contract
from sla_portal.audit.models import Entry
from tests.support.builders import on
from tests.support.desk import a_member, signed_in, text_of
from tests.support.histories import example, loaded

pytestmark = pytest.mark.django_db


@pytest.fixture
def extended(tmp_path) -> Contract:
    """K-001 of the example, agreed until 31 December 2026 and extended by a day and a minute."""
    loaded(tmp_path, example())
    contract = Contract.objects.get()
    contract.extended_minutes, contract.extended_to = 1441, on("2027-01-02")
    contract.save()
    return contract


def dumped() -> dict:
    output = StringIO()
    call_command("dumphistory", stdout=output)
    return json.loads(output.getvalue())


def ends(contract: Contract) -> tuple[str, int, str]:
    contract.refresh_from_db()
    return str(contract.ends_on), contract.extended_minutes, str(contract.extended_to)


def test_a_dump_says_the_last_service_day_with_the_extension(extended):
    assert dumped()["customers"][0]["contracts"][0]["ends_on"] == "2027-01-02"


def test_another_portal_has_the_same_service_days(extended, tmp_path):
    document = dumped()
    document["customers"][0]["contracts"][0]["reference"] = "K-002"
    loaded(tmp_path, document)
    other = Contract.objects.get(reference="K-002")
    assert (str(other.ends_on), other.extended_minutes, other.last_day) == ("2027-01-02", 0, extended.last_day)


def test_loading_what_was_dumped_changes_nothing(extended, tmp_path):
    entries = Entry.objects.count()
    loaded(tmp_path, dumped())
    assert ends(extended) == ("2026-12-31", 1441, "2027-01-02")
    assert Entry.objects.count() == entries


def test_loading_the_file_with_the_end_as_agreed_changes_nothing(extended, tmp_path):
    entries = Entry.objects.count()
    loaded(tmp_path, example())
    assert ends(extended) == ("2026-12-31", 1441, "2027-01-02")
    assert Entry.objects.count() == entries


@pytest.mark.parametrize(("agreed", "until"), [("2027-06-30", "2027-07-02"), ("2026-12-30", "2027-01-01")])
def test_another_end_in_a_file_is_the_agreed_one_and_the_extension_moves_with_it(extended, tmp_path, agreed, until):
    document = dumped()
    document["customers"][0]["contracts"][0]["ends_on"] = agreed
    loaded(tmp_path, document)
    assert ends(extended) == (agreed, 1441, until)
    (contracts,) = (Entry.objects.order_by("-id").first().changes["contracts"],)
    assert [side[0]["ends_on"] for side in contracts] == ["2027-01-02", until]
    loaded(tmp_path, document)
    assert ends(extended) == (agreed, 1441, until)


def test_another_change_in_a_file_leaves_the_end_alone(extended, tmp_path):
    document = dumped()
    document["customers"][0]["contracts"][0]["monthly_charge"] = "60.00"
    loaded(tmp_path, document)
    assert ends(extended) == ("2026-12-31", 1441, "2027-01-02")


def test_a_contract_terminated_on_a_day_that_extends_it_comes_back_as_it_is(extended, tmp_path):
    extended.terminated_on = on("2027-01-01")
    extended.save()
    document = dumped()
    loaded(tmp_path, document)
    assert dumped() == document


def form_of(contract: Contract, **changed: str) -> dict[str, str]:
    given = {
        "customer": contract.customer_id, "reference": contract.reference, "starts_on": contract.starts_on,
        "ends_on": contract.ends_on, "monthly_charge": contract.monthly_charge, "currency": contract.currency,
        "trial_days": contract.trial_days, "terminated_on": "", "why": "As agreed by letter",
    }  # fmt: skip
    inlines = {
        f"{rows}-{name}": value
        for rows in ("suspensions", "payments")
        for name, value in (("TOTAL_FORMS", 0), ("INITIAL_FORMS", 0))
    }
    return {**given, **inlines, **changed}


def test_the_end_entered_by_staff_is_the_agreed_one_and_the_audit_log_records_both(extended):
    administrator = signed_in(a_member("Administrator"))
    url = reverse("admin:agreements_contract_change", args=[extended.pk])
    administrator.post(url, form_of(extended, ends_on="2027-06-30"))
    assert ends(extended) == ("2027-06-30", 1441, "2027-07-02")
    assert Entry.objects.order_by("-id").first().changes == {
        "ends_on": ["2026-12-31", "2027-06-30"],
        "extended_to": ["2027-01-02", "2027-07-02"],
    }
    administrator.post(url, form_of(extended, extended_minutes="1", extended_to="2030-01-01"))
    assert ends(extended) == ("2027-06-30", 1441, "2027-07-02")


@pytest.mark.parametrize(("day", "taken"), [("2027-01-02", True), ("2027-01-03", False)])
def test_an_extended_contract_is_terminated_within_its_extended_days(extended, day, taken):
    administrator = signed_in(a_member("Administrator"))
    url = reverse("admin:agreements_contract_change", args=[extended.pk])
    said = administrator.post(url, form_of(extended, terminated_on=day), follow=True)
    extended.refresh_from_db()
    assert (extended.terminated_on is not None) is taken
    assert ("must be one of the contract's service days" in text_of(said)) is not taken
