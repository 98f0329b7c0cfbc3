"""A contract's end moved by compensation (3.2), beside history files and the desk's form."""

import json
from contextlib import nullcontext
from io import StringIO

import pytest
from django.core.management import call_command
from django.urls import reverse

from sla_portal.agreements.models import Contract
from sla_portal.agreements.operations import DaysOutsideContract, agree_later_end, terminate_contract
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from tests.support.builders import at, on
from tests.support.desk import Opened, a_member, signed_in
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


def test_a_later_end_is_the_agreed_one_and_the_audit_log_records_both(extended):
    administrator = Actor.staff(a_member("Administrator"))
    now = at("2026-12-20 08:00")
    agree_later_end(actor=administrator, contract=extended, ends_on=on("2027-06-30"), reason="As agreed", now=now)
    assert ends(extended) == ("2027-06-30", 1441, "2027-07-02")
    assert Entry.objects.order_by("-id").first().changes == {
        "ends_on": ["2026-12-31", "2027-06-30"],
        "extended_to": ["2027-01-02", "2027-07-02"],
    }


def test_the_form_of_a_contract_writes_neither_its_days_nor_its_charge(extended):
    written = {"starts_on": "2026-02-01", "ends_on": "2027-06-30", "terminated_on": "2026-03-01", "monthly_charge": "1",
               "extended_minutes": "1", "extended_to": "2030-01-01"}  # fmt: skip
    page = Opened(signed_in(a_member("Administrator")), reverse("admin:agreements_contract_change", args=[extended.pk]))
    assert page.fill("trial_days", reference="K-1", why="Its number", **written).status_code == 302
    assert ends(extended) == ("2026-12-31", 1441, "2027-01-02")
    assert (extended.reference, str(extended.starts_on), extended.monthly_charge) == ("K-1", "2026-01-01", 49)
    assert extended.terminated_on is None


@pytest.mark.parametrize(("day", "taken"), [("2027-01-02", True), ("2027-01-03", False)])
def test_an_extended_contract_is_terminated_within_its_extended_days(extended, day, taken):
    said = {"contract": extended, "last_day": on(day), "reason": "They move out", "now": at("2026-12-20 08:00")}
    with nullcontext() if taken else pytest.raises(DaysOutsideContract):
        terminate_contract(actor=Actor.staff(a_member("Administrator")), **said)
    extended.refresh_from_db()
    assert (extended.terminated_on is not None) is taken
