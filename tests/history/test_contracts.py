"""Contracts in history files: charges by month, periods that renew one another, closed months."""

import json
from datetime import date

import pytest

from sla_portal.agreements.models import Charge, Contract
from sla_portal.audit.models import Entry
from sla_portal.kernel.months import ServiceMonth
from tests.history.test_refusals import refused
from tests.support.builders import at
from tests.support.closing import closed_by_two
from tests.support.histories import changed, dumped, example, loaded

pytestmark = pytest.mark.django_db
NOW = at("2026-11-20 08:00")

CHARGES = [{"from": "2026-09", "monthly_charge": "59.00"}, {"from": "2026-12", "monthly_charge": "69.00"}]


def test_charges_are_added_by_month_and_a_changed_one_supersedes(tmp_path):
    loaded(tmp_path, changed("customers[0].contracts[0].charges", CHARGES))
    dump = dumped()
    assert json.loads(dump)["customers"][0]["contracts"][0]["charges"] == CHARGES
    assert "already" in loaded(tmp_path, json.loads(dump))
    # Those that a file does not name stay.
    assert "already" in loaded(tmp_path, example())
    closed_by_two(ServiceMonth(2026, 10), NOW)
    corrected = [{"from": "2026-10", "monthly_charge": "60.00"}, {"from": "2026-12", "monthly_charge": "70.00"}]
    loaded(tmp_path, changed("customers[0].contracts[0].charges", corrected))
    assert json.loads(dumped())["customers"][0]["contracts"][0]["charges"] == [CHARGES[0], *corrected]
    assert list(Charge.objects.filter(from_month=date(2026, 12, 1)).values_list("revision", "monthly_charge")) == [
        (1, 69),
        (2, 70),
    ]
    entry = Entry.objects.latest("id")
    assert (entry.reason, entry.changes["closed_months"]) == ("A history file was loaded.", [None, ["2026-10"]])


def test_a_new_contract_in_a_closed_month_is_named(tmp_path):
    document = example()
    del document["agreements"]
    loaded(tmp_path, {**document, "customers": []})
    closed_by_two(ServiceMonth(2026, 10), NOW)
    loaded(tmp_path, document)
    assert Entry.objects.get(subject_type="customers.customer").changes["closed_months"] == [None, ["2026-10"]]


@pytest.mark.parametrize(
    ("charges", "sentence"),
    [
        (CHARGES[::-1], "charges[1].from: It must lie after the month before it (2026-12), but is 2026-09."),
        ([CHARGES[0]] * 2, "charges[1].from: It must lie after the month before it (2026-09), but is 2026-09."),
        ([{"from": "2026-13", "monthly_charge": "1"}], "charges[0].from: There is no service month 2026-13."),
        ([{"from": "2026-9", "monthly_charge": "1"}], "charges[0].from: A month such as 2026-09 is wanted here"),
        (
            [{"from": "2026-09", "monthly_charge": "-1"}],
            "charges[0].monthly_charge: This must not be negative; it is -1.",
        ),
        ([{"from": "2026-09"}], "charges[0].monthly_charge"),
    ],
)
def test_charges_that_are_out_of_order_or_no_months_are_refused_with_their_path(tmp_path, charges, sentence):
    said = refused(tmp_path, changed("customers[0].contracts[0].charges", charges))
    assert f"customers[0].contracts[0].{sentence}" in "\n".join(said)


def two_periods(first_ends: str, second_starts: str) -> dict:
    document = example()
    contract = document["customers"][0]["contracts"][0]
    renewal = {**contract, "reference": "K-002", "starts_on": second_starts, "ends_on": "2027-12-31", "payments": []}
    contract["ends_on"] = first_ends
    document["customers"][0]["contracts"].append(renewal)
    return document


def test_a_period_that_begins_the_day_after_another_renews_it_and_both_can_move_together(tmp_path):
    loaded(tmp_path, two_periods("2026-12-31", "2027-01-01"))
    for first_ends, second_starts in (
        ("2027-01-31", "2027-02-01"),
        ("2026-11-30", "2026-12-01"),
        ("2026-11-30", "2026-12-15"),
    ):
        loaded(tmp_path, two_periods(first_ends, second_starts))
        assert Contract.objects.get(reference="K-002").renews.reference == "K-001"
    before = dumped()
    sentence = "K-002 renews K-001 here. K-001 ends on 2026-12-20 and K-002 begins on 2026-12-15, so that they overlap."
    assert f"customers[0].contracts[1]: {sentence}" in refused(tmp_path, two_periods("2026-12-20", "2026-12-15"))
    assert dumped() == before
