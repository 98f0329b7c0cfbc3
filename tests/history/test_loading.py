"""loadhistory: what is recorded, and what a second file changes."""

import io
import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from incidents.models import Incident, Outage, Update
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.models import AgreementVersion, Clause, Contract, Payment
from sla_portal.audit.models import Entry
from sla_portal.audit.queries import entries_about, first_broken_link
from sla_portal.availability.models import Exclusion
from sla_portal.customers.models import Client, Contact, CoreFunction, Customer
from tests.support.builders import at
from tests.support.histories import changed, dumped, example, exclusion, incident, loaded, outage, smallest

pytestmark = pytest.mark.django_db


# What is recorded


def test_an_incident_that_a_file_reopens_gets_the_public_update_of_a_reopening(tmp_path):
    loaded(tmp_path, example())
    assert not Update.objects.exists()
    ongoing = changed("incidents[0].resolved_at", None)
    for _again in range(2):
        loaded(tmp_path, ongoing)
        update = Update.objects.get()
        assert (update.incident.reference, update.public) == ("INC-1", True)
        assert update.text == "This incident was reopened. We are investigating."
        assert "重新打开" in update.text_zh


def test_the_example_is_recorded(tmp_path):
    loaded(tmp_path, example())
    contract = Contract.objects.get(reference="K-001")
    assert (contract.customer.code, contract.monthly_charge, contract.trial_days) == ("C-001", Decimal(49), 31)
    assert contract.suspensions.get().ends_on == date(2026, 3, 5)
    found = Incident.objects.get(reference="INC-1")
    assert found.attributable is True
    assert found.outages.get().started_at == datetime(2026, 9, 10, 1, 2, 3, tzinfo=UTC)
    assert found.exclusions.get().third_party == "Example Cloud"
    assert AgreementVersion.objects.get(version="1.0").effective_on == date(2024, 1, 1)


def test_a_scope_left_out_or_empty_means_all_and_names_no_row(tmp_path):
    window = example()["maintenance"][0] | {"regions": []}
    del window["functions"], window["clients"]
    document = smallest(
        regions=[{"code": "eu", "name": "Europe"}],
        maintenance=[window],
        incidents=[incident("INC-1", outage("2026-09-10T01:00:00Z", None, functions=[]))],
    )
    loaded(tmp_path, document)
    assert not Outage.objects.get().functions.exists()
    assert not MaintenanceWindow.objects.get().regions.exists()
    assert json.loads(dumped())["incidents"][0]["outages"][0]["clients"] == []


@pytest.mark.parametrize(
    "text", ["2026-09-10T09:02:03.000+08:00", "2026-09-10T09:02:03+08", "2026-09-09T21:32:03-0330"]
)
def test_instants_with_any_offset_are_the_same_instant(tmp_path, text):
    loaded(tmp_path, changed("incidents[0].outages[0].started_at", text))
    assert Outage.objects.get().started_at == datetime(2026, 9, 10, 1, 2, 3, tzinfo=UTC)


def test_a_notice_without_a_window_is_a_cancellation(tmp_path):
    notice = {"sent_at": "2026-09-05T00:00:00Z", "starts_at": None, "ends_at": None}
    loaded(tmp_path, changed("maintenance[0].notices", [notice]))
    assert MaintenanceWindow.objects.get().notices.get().starts_at is None


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("49", "49.00"),
        ("49.00", "49.00"),
        ("49.5", "49.50"),
        ("1.234", "1.234"),
        ("1.2345", "1.2345"),
        ("007.10", "7.10"),
        ("0", "0.00"),
        ("1.23400000", "1.234"),
    ],
)
def test_money_is_dumped_with_two_decimals_or_the_three_or_four_it_has(tmp_path, written, canonical):
    document = changed("customers[0].contracts[0].monthly_charge", written)
    document["customers"][0]["contracts"][0]["currency"] = "CLF"
    loaded(tmp_path, document)
    assert json.loads(dumped())["customers"][0]["contracts"][0]["monthly_charge"] == canonical


def test_a_repayment_is_a_negative_payment(tmp_path):
    loaded(tmp_path, changed("customers[0].contracts[0].payments[0].amount", "-49.00"))
    assert Payment.objects.get().amount == -49


def test_a_fraction_of_a_second_on_record_is_cut_in_the_dump(tmp_path):
    loaded(tmp_path, example())
    Incident.objects.update(acknowledged_at=datetime(2026, 9, 10, 1, 5, 0, 999999, tzinfo=UTC))
    assert json.loads(dumped())["incidents"][0]["acknowledged_at"] == "2026-09-10T01:05:00Z"


def test_standard_input_is_read_too(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(json.dumps(example()).encode())))
    call_command("loadhistory", "-", stdout=io.StringIO())
    assert Incident.objects.get().reference == "INC-1"


def test_a_byte_order_mark_does_no_harm(tmp_path):
    loaded(tmp_path, b"\xef\xbb\xbf" + json.dumps(example()).encode())
    assert Incident.objects.exists()


def test_of_notices_in_one_second_the_later_in_the_file_is_the_newer(tmp_path):
    announced = {"starts_at": "2026-09-06T18:00:00Z", "ends_at": "2026-09-06T19:00:00Z"}
    cancelled = {"starts_at": None, "ends_at": None}
    sent = {"sent_at": "2026-09-05T00:00:00Z"}
    for notices in ([sent | announced, sent | cancelled], [sent | cancelled, sent | announced], [sent | announced] * 2):
        loaded(tmp_path, changed("maintenance[0].notices", notices))
        assert json.loads(dumped())["maintenance"][0]["notices"] == notices
        assert "already" in loaded(tmp_path, changed("maintenance[0].notices", notices))


def test_of_suspensions_from_one_day_the_longest_is_recorded(tmp_path):
    said = [{"starts_on": "2026-03-01", "ends_on": f"2026-03-0{day}"} for day in (5, 3, 7, 5)]
    loaded(tmp_path, changed("customers[0].contracts[0].suspensions", said))
    assert Contract.objects.get().suspensions.get().ends_on == date(2026, 3, 7)
    assert "already" in loaded(tmp_path, changed("customers[0].contracts[0].suspensions", said))


def test_a_history_is_recorded_and_not_judged(tmp_path):
    """A confirmed 4.1 that no notice covers, a contract of a day, a suspension outside it, an incident without outage."""
    document = example()
    document["maintenance"][0]["notices"] = []
    document["incidents"][0] |= {"outages": [], "attributable": False, "exclusions": [exclusion("4.1")]}
    document["customers"][0]["contracts"][0] |= {"starts_on": "2026-05-01", "ends_on": "2026-05-01"}
    loaded(tmp_path, document)
    assert Exclusion.objects.get().status == "confirmed"


# What a second file changes


@pytest.mark.parametrize("key", ["completed_at", "not_carried_out_at"])
def test_what_became_of_the_work_in_a_window_is_recorded_and_dumped(tmp_path, key):
    other = {"completed_at": "not_carried_out_at", "not_carried_out_at": "completed_at"}[key]
    document = changed(f"maintenance[0].{key}", "2026-09-07T02:30:00+08:00")
    del document["maintenance"][0][other]
    loaded(tmp_path, document)
    window = MaintenanceWindow.objects.get()
    assert (getattr(window, key), getattr(window, other), window.started_at) == (at("2026-09-06 18:30"), None, None)
    first = dumped()
    row = json.loads(first)["maintenance"][0]
    assert (row[key], row[other]) == ("2026-09-06T18:30:00Z", None)
    assert "already" in loaded(tmp_path, first.encode())
    assert dumped() == first
    # Missing is null.
    del document["maintenance"][0][key]
    loaded(tmp_path, document)
    assert json.loads(dumped())["maintenance"][0][key] is None


def test_a_changed_row_keeps_its_key_and_its_unchanged_lists(tmp_path):
    first = smallest(
        regions=[{"code": "eu", "name": "Europe"}],
        incidents=[
            incident(
                "INC-1", outage("2026-09-10T01:00:00Z", None), outage("2026-09-11T01:00:00Z", "2026-09-11T02:00:00Z")
            )
        ],
    )
    loaded(tmp_path, first)
    pk = Incident.objects.get().pk
    kept = Outage.objects.get(ended_at__isnull=False).pk
    first["incidents"][0]["title"] = "Another title"
    first["incidents"][0]["outages"][0]["ended_at"] = "2026-09-10T01:30:00Z"
    loaded(tmp_path, first)
    assert Incident.objects.get().pk == pk
    assert Outage.objects.filter(pk=kept).exists()
    assert Outage.objects.count() == 2
    assert not Outage.objects.filter(ended_at__isnull=True).exists()


def test_rows_that_a_file_does_not_name_are_kept(tmp_path):
    loaded(tmp_path, example())
    other = example()
    other["customers"][0] |= {"contracts": []}
    other["customers"].append({**example()["customers"][0], "code": "C-002", "contracts": []})
    other["incidents"] = []
    loaded(tmp_path, other)
    assert Contract.objects.get().reference == "K-001"
    assert Customer.objects.count() == 2
    assert Incident.objects.exists()


def test_a_payment_that_the_file_does_not_name_stays(tmp_path):
    loaded(tmp_path, example())
    loaded(
        tmp_path,
        changed("customers[0].contracts[0].payments", [{"reference": "P-2", "paid_on": "2026-03-01", "amount": "1"}]),
    )
    assert set(Payment.objects.values_list("reference", flat=True)) == {"P-1", "P-2"}


def test_lists_without_keys_become_those_of_the_file(tmp_path):
    loaded(tmp_path, example())
    loaded(tmp_path, changed("customers[0].contacts", ["OPS@example.com", "b@example.com"]))
    assert set(Contact.objects.values_list("email", flat=True)) == {"OPS@example.com", "b@example.com"}
    loaded(tmp_path, changed("customers[0].contracts[0].suspensions", []))
    assert not Contract.objects.get().suspensions.exists()
    loaded(tmp_path, changed("maintenance[0].notices", []))
    assert not MaintenanceWindow.objects.get().notices.exists()


def test_an_exclusion_whose_status_changed_keeps_its_evidence(tmp_path):
    loaded(tmp_path, example())
    Exclusion.objects.update(evidence="Their status page")
    loaded(tmp_path, changed("incidents[0].exclusions[0].status", "confirmed"))
    found = Exclusion.objects.get()
    assert (found.status, found.evidence) == ("confirmed", "Their status page")


def test_functions_and_clients_of_the_file_are_the_portals(tmp_path):
    document = smallest(
        functions=[{"code": "calls", "name": "Calls"}, {"code": "login", "name": "Sign-in"}],
        clients=[{"code": "tv", "name": "Television"}],
    )
    loaded(tmp_path, document)
    assert list(CoreFunction.objects.values_list("code", "name")) == [("calls", "Calls"), ("login", "Sign-in")]
    assert list(Client.objects.values_list("code", flat=True)) == ["tv"]
    removed = Entry.objects.filter(action="removed by a history file").values_list("subject_type", flat=True)
    assert set(removed) == {"customers.corefunction", "customers.client"}


def test_a_function_on_record_stays_behind_those_of_the_file(tmp_path):
    loaded(
        tmp_path,
        smallest(
            regions=[{"code": "eu", "name": "Europe"}],
            functions=[{"code": "login", "name": "Login"}],
            incidents=[incident("INC-1", outage("2026-09-10T01:00:00Z", None, functions=["door"]))],
        ),
    )
    assert list(CoreFunction.objects.values_list("code", flat=True)) == ["login", "door"]


def test_versions_of_the_file_are_the_portals_and_count_as_published(tmp_path):
    version = example()["agreements"][0]
    loaded(tmp_path, smallest(agreements=[version | {"version": "2.0", "unavailability_reading": "any"}]))
    found = AgreementVersion.objects.get()
    assert (found.version, found.unavailability_reading) == ("2.0", "any")
    assert found.published_at is not None


def test_a_draft_is_not_on_record_and_stays_a_draft(tmp_path):
    AgreementVersion.objects.create(version="2.0", effective_on=date(2027, 1, 1))
    assert [row["version"] for row in json.loads(dumped())["agreements"]] == ["1.0"]
    loaded(tmp_path, example())
    assert AgreementVersion.objects.get(version="2.0").published_at is None


def test_a_version_keeps_clauses_and_terms_that_are_not_in_the_file(tmp_path):
    AgreementVersion.objects.update(recommended_notice_hours=48)
    clauses = Clause.objects.count()
    loaded(tmp_path, example())
    assert AgreementVersion.objects.get().recommended_notice_hours == 48
    assert Clause.objects.count() == clauses


def test_two_versions_exchange_their_effective_dates(tmp_path):
    one = example()["agreements"][0]
    two = one | {"version": "2.0", "effective_on": "2025-01-01"}
    loaded(tmp_path, smallest(agreements=[one, two]))
    published = dict(AgreementVersion.objects.values_list("version", "published_at"))
    loaded(tmp_path, smallest(agreements=[one | {"effective_on": "2025-01-01"}, two | {"effective_on": "2024-01-01"}]))
    assert AgreementVersion.objects.get(version="2.0").effective_on == date(2024, 1, 1)
    assert dict(AgreementVersion.objects.values_list("version", "published_at")) == published


def test_every_write_is_in_the_audit_log_with_its_changes(tmp_path):
    loaded(tmp_path, example())
    loaded(tmp_path, changed("customers[0].name", "Hafen Residences II"))
    newest, first = entries_about(Customer.objects.get())
    assert (newest.actor_name, newest.action) == ("loadhistory", "changed by a history file")
    assert newest.changes == {"name": ["Hafen Residences", "Hafen Residences II"]}
    assert first.changes["contacts"] == [[], ["ops@example.com"]]
    assert first_broken_link() is None


# How many queries


def many(number: int) -> dict:
    document = example()
    customer = example()["customers"][0]
    document["customers"] = [
        customer | {"code": f"C-{i}", "contracts": [customer["contracts"][0] | {"reference": f"K-{i}"}]}
        for i in range(number)
    ]
    document["incidents"] = [example()["incidents"][0] | {"reference": f"INC-{i}"} for i in range(number)]
    document["maintenance"] = [example()["maintenance"][0] | {"reference": f"MW-{i}"} for i in range(number)]
    return document


def queries_of(call, *arguments) -> int:
    with CaptureQueriesContext(connection) as captured:
        call(*arguments)
    return len(captured)


def test_queries_do_not_grow_with_the_rows_of_a_chunk(tmp_path):
    few, more = many(2), many(300)
    loaded(tmp_path, few)
    compared, dumping = queries_of(loaded, tmp_path, few), queries_of(dumped)
    assert queries_of(loaded, tmp_path, more) < 150
    assert queries_of(loaded, tmp_path, more) == compared
    assert queries_of(dumped) == dumping
