"""Lists are exported as CSV and worksheet, filtered as they are, with formulas disarmed."""

import csv
from io import BytesIO, StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook
from time_machine import travel

from sla_portal.availability.operations import judge_due_months
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_incident, an_outage, at
from tests.support.desk import a_member, signed_in

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 12:00")
INCIDENTS, WINDOWS = "/admin/incidents/export/", "/admin/maintenance/export/"
REGIONS, CUSTOMERS = "/admin/availability/months/export/regions/", "/admin/availability/months/export/customers/"


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def noc():
    return signed_in(a_member("NOC"))


def rows(response) -> list[dict[str, str]]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def test_incidents_are_exported_with_severity_and_times(noc):
    incident = an_incident("INC-1", title="=HYPERLINK()", resolved_at=at("2026-09-10 02:00"), ticket_number="+7")
    an_outage(a_region("eu"), "2026-09-10 01:00", "2026-09-10 01:10", incident=incident)
    an_outage(a_region("us"), "2026-09-10 01:05", "2026-09-10 01:20", incident=incident)
    (row,) = rows(noc.get(f"{INCIDENTS}csv/"))
    assert row == {
        "reference": "INC-1",
        "title": "'=HYPERLINK()",
        "status": "resolved",
        "merged_into": "",
        "severity": "critical",
        "severity_set_by_a_person": "no",
        "owner": "",
        "source": "monitoring",
        "ticket_number": "'+7",
        "ticket_url": "",
        "chat_url": "",
        "regions": "eu, us",
        "started_at": "2026-09-10T01:00:00Z",
        "ended_at": "2026-09-10T01:20:00Z",
        "detected_at": "2026-09-10T01:00:00Z",
        "acknowledged_at": "",
        "resolved_at": "2026-09-10T02:00:00Z",
        "classification": "pending",
    }


def test_what_counts_for_nothing_says_so(noc):
    kept = an_incident("INC-1", resolved_at=NOW)
    an_incident("INC-2", resolved_at=NOW, voided_at=NOW)
    an_incident("INC-3", resolved_at=NOW, voided_at=NOW, merged_into=kept)
    found = {row["reference"]: row for row in rows(noc.get(f"{INCIDENTS}csv/"))}
    assert [found[name]["status"] for name in ("INC-1", "INC-2", "INC-3")] == ["resolved", "voided", "merged"]
    assert [found[name]["classification"] for name in ("INC-1", "INC-2")] == ["pending", ""]
    assert found["INC-3"]["merged_into"] == "INC-1"


def test_the_export_is_filtered_and_searched_as_the_list_is(noc):
    an_outage(a_region("eu"), "2026-09-10 01:00", None, incident=an_incident("INC-1"))
    an_outage(a_region("us"), "2026-09-10 01:00", None, incident=an_incident("INC-2"))
    an_incident("INC-3", resolved_at=NOW)

    def found(asked: str) -> set[str]:
        return {row["reference"] for row in rows(noc.get(f"{INCIDENTS}csv/?{asked}"))}

    assert found("") == {"INC-1", "INC-2", "INC-3"}
    assert found("state=open") == {"INC-1", "INC-2"}
    assert found("state=open&region=us") == {"INC-2"}
    assert found("q=INC-3") == {"INC-3"}
    page = noc.get("/admin/incidents/incident/?state=open&p=1").content.decode()
    assert f'href="{INCIDENTS}csv/?state=open"' in page
    assert f'href="{INCIDENTS}xlsx/?state=open"' in page


def test_what_cannot_be_filtered_or_exported_is_not_found(noc):
    for address in (f"{INCIDENTS}csv/?state=perhaps", f"{INCIDENTS}pdf/"):
        assert noc.get(address).status_code == 404
    assert noc.get(f"{INCIDENTS}csv/?title=x").status_code == 400


def test_windows_are_exported_with_lead_time_and_scope(noc):
    window = a_window(
        "2026-09-20 01:00", "2026-09-20 02:00", ("2026-09-10 01:00", "2026-09-20 01:00", "2026-09-20 02:00"),
        reference="MW-1",
    )  # fmt: skip
    window.regions.add(a_region("eu"))
    a_window("2026-09-21 01:00", "2026-09-21 02:00", reference="MW-2")
    (row,) = rows(noc.get(f"{WINDOWS}csv/?state=coming"))
    assert (row["reference"], row["status"], row["lead_hours"]) == ("MW-1", "scheduled", "240")
    assert (row["announced_at"], row["regions"], row["functions"]) == ("2026-09-10T01:00:00Z", "eu", "")


def test_months_are_exported_as_a_worksheet_with_numbers():
    region = a_region("eu")
    a_contract(a_customer(region, "C-1", name="=Hafen"), "2026-09-01", "2027-08-31")
    an_outage(region, "2026-09-09 01:00", "2026-09-09 01:10")
    judge_due_months(now=NOW)
    support = signed_in(a_member("Support"))
    answer = support.get(f"{REGIONS}xlsx/?month=2026-09")
    head, line = load_workbook(BytesIO(b"".join(answer.streaming_content))).active.iter_rows(values_only=True)
    row = dict(zip(head, line, strict=True))
    assert (row["month"], row["region"], row["unavailable_minutes"], row["sla"]) == ("2026-09", "eu", 10, "breached")
    assert row["status"] == "in_progress"
    (customer,) = rows(support.get(f"{CUSTOMERS}csv/?month=2026-09"))
    assert (customer["customer"], customer["customer_name"]) == ("C-1", "'=Hafen")


@pytest.mark.parametrize(("role", "found"), [("NOC", [200, 200, 200, 403]), ("Auditor", [200] * 4)])
def test_an_export_is_for_those_who_may_view_the_list(role, found):
    browser = signed_in(a_member(role))
    answers = [browser.get(f"{address}csv/") for address in (INCIDENTS, WINDOWS, REGIONS, CUSTOMERS)]
    assert [answer.status_code for answer in answers] == found


@pytest.mark.parametrize("address", [INCIDENTS, WINDOWS])
def test_the_number_of_queries_does_not_grow(noc, address):
    def grown(numbers) -> None:
        for number in numbers:
            an_outage(a_region(), "2026-09-10 01:00", "2026-09-10 01:10", incident=an_incident(f"INC-{number}"))
            a_window("2026-09-20 01:00", "2026-09-20 02:00", reference=f"MW-{number}").regions.add(a_region())

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            rows(noc.get(f"{address}csv/"))
        return len(captured)

    grown(range(2))
    queries()
    few = queries()
    grown(range(2, 60))
    assert queries() == few
