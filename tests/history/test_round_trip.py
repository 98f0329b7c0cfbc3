"""A loaded record is dumped, and a dump loads to the same record."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings

from incidents.models import Incident, Outage, OutageFunction
from maintenance.models import MaintenanceNotice, MaintenanceWindow
from sla_portal.agreements.models import AgreementVersion, Contract, Payment, Suspension
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.queries import first_broken_link
from sla_portal.availability.models import Exclusion
from sla_portal.availability.operations import merge_incident, void_incident
from sla_portal.availability.queries import region_month
from sla_portal.customers.models import Client, Contact, CoreFunction, Customer, Region
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import an_exclusion, an_incident, an_outage, at
from tests.support.histories import dumped, example, histories, loaded, smallest

pytestmark = pytest.mark.django_db
PORTAL = Actor.system("test")
SEPTEMBER = ServiceMonth(2026, 9)
NOW = at("2026-09-20 12:00")

TABLES = [
    AgreementVersion, Client, Contact, Contract, CoreFunction, Customer, Entry, Exclusion, Incident, MaintenanceNotice,
    MaintenanceWindow, Outage, OutageFunction, Payment, Region, Suspension,
]  # fmt: skip


def everything_on_record() -> list:
    return [list(table.objects.order_by("pk").values()) for table in TABLES]


class Undone(Exception):
    pass


def dump_after_loading(content: bytes) -> str:
    """Load into a new portal, dump, and roll back."""
    with TemporaryDirectory() as folder:
        try:
            with transaction.atomic():
                loaded(Path(folder), content)
                text = dumped()
                raise Undone
        except Undone:
            return text


def test_the_service_days_of_a_region_come_back_with_the_same_figures_and_a_file_without_them_clears_them(tmp_path):
    region = {"code": "eu", "name": "Europe", "first_service_day": "2026-09-10", "last_service_day": "2026-09-28"}
    loaded(tmp_path, example() | {"regions": [region]})
    text = dumped()
    assert json.loads(text)["regions"] == [region]
    assert Entry.objects.get(subject_type="customers.region").changes["first_service_day"] == [None, "2026-09-10"]
    before = region_month(Region.objects.get(), SEPTEMBER, NOW).figures
    assert (before.service_days, before.unavailable_minutes) == (19, 37)
    entries = Entry.objects.count()
    loaded(tmp_path, text.encode())
    assert Entry.objects.count() == entries
    assert dumped() == text
    assert region_month(Region.objects.get(), SEPTEMBER, NOW).figures == before
    loaded(tmp_path, example())
    assert json.loads(dumped())["regions"] == example()["regions"]
    cleared = Entry.objects.filter(subject_type="customers.region").latest("id").changes
    assert cleared["last_service_day"] == ["2026-09-28", None]


def test_the_example_of_the_format_comes_back_as_it_is(tmp_path):
    loaded(tmp_path, example())
    said = json.loads(dumped())
    said["incidents"][0]["outages"][0] |= {
        key: example()["incidents"][0]["outages"][0][key] for key in ("functions", "clients")
    }
    assert said == example()


def test_a_dump_of_a_portal_without_a_record_loads(tmp_path):
    before = dumped()
    assert "already" in loaded(tmp_path, before.encode())
    assert dumped() == before


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(document=histories())
def test_a_dump_loaded_into_an_empty_portal_dumps_to_the_same_bytes(db, document):
    first = dump_after_loading(json.dumps(document).encode())
    assert dump_after_loading(first.encode()) == first


@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(document=histories())
def test_a_second_load_changes_nothing(db, document):
    with TemporaryDirectory() as folder:
        try:
            with transaction.atomic():
                loaded(Path(folder), document)
                before = everything_on_record()
                assert "already" in loaded(Path(folder), document)
                assert everything_on_record() == before
                assert first_broken_link() is None
                raise Undone
        except Undone:
            pass


@settings(
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(one=histories(), other=histories())
def test_what_a_second_file_says_is_then_on_record(db, one, other):
    with TemporaryDirectory() as folder:
        try:
            with transaction.atomic():
                loaded(Path(folder), one)
                loaded(Path(folder), other)
                before = everything_on_record()
                assert "already" in loaded(Path(folder), other)
                assert everything_on_record() == before
                raise Undone
        except Undone:
            pass


def test_a_large_record_is_dumped_in_pieces(tmp_path):
    from sla_portal.history.dump import written

    loaded(tmp_path, example())
    assert max(len(piece) for piece in written()) < 1000
    assert "".join(written()) == dumped()


def test_a_dump_to_a_file_says_the_same(tmp_path):
    from django.core.management import call_command

    loaded(tmp_path, example())
    call_command("dumphistory", str(tmp_path / "dump.json"))
    assert (tmp_path / "dump.json").read_bytes().decode() == dumped()


def test_lists_that_may_be_left_out_leave_the_portals_own(tmp_path):
    before = [list(table.objects.values()) for table in (CoreFunction, Client, AgreementVersion)]
    loaded(tmp_path, smallest())
    loaded(tmp_path, smallest(functions=[], clients=[], regions=[], agreements=[]))
    assert [list(table.objects.values()) for table in (CoreFunction, Client, AgreementVersion)] == before


def test_what_was_voided_or_merged_is_not_dumped_and_the_figures_stay(tmp_path):
    loaded(tmp_path, example())
    counts = Incident.objects.get(reference="INC-1")
    region = Region.objects.get(code="eu")
    for minute, reference in enumerate(("INC-SLIP", "INC-TWICE")):
        mistake = an_incident(reference)
        an_outage(region, f"2026-09-10 01:0{minute}", "2026-09-10 01:40", incident=mistake)
        an_exclusion(mistake, status="proposed")
    slip, twice = Incident.objects.filter(reference__in=["INC-SLIP", "INC-TWICE"]).order_by("reference")
    void_incident(actor=PORTAL, incident=slip, reason="A test", now=NOW)
    merge_incident(
        actor=PORTAL,
        incident=twice,
        into=counts,
        take_over=twice.outages.all(),
        propose_anew=(),
        reason="Twice",
        now=NOW,
    )
    figures = region_month(region, SEPTEMBER, NOW).figures
    file = dumped()
    assert [incident["reference"] for incident in json.loads(file)["incidents"]] == ["INC-1"]
    assert "already" in loaded(tmp_path, file.encode())
    Exclusion.objects.all().delete()
    Incident.objects.filter(merged_into__isnull=False).delete()
    Incident.objects.all().delete()
    loaded(tmp_path, file.encode())
    assert region_month(region, SEPTEMBER, NOW).figures == figures
    assert dumped() == file


def test_a_withdrawn_proposal_is_dumped_as_rejected_and_stays_withdrawn_when_it_is_loaded(tmp_path):
    loaded(tmp_path, example())
    exclusion = an_exclusion(Incident.objects.get(reference="INC-1"), status="withdrawn")
    file = dumped()
    statuses = [one["status"] for one in json.loads(file)["incidents"][0]["exclusions"] if one["clause"] == "4.10"]
    assert statuses == ["rejected"]
    assert "already" in loaded(tmp_path, file.encode())
    exclusion.refresh_from_db()
    assert exclusion.status == "withdrawn"
