"""The admin lists: a fixed number of queries for any number of rows, and a response to every URL."""

from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from incidents.models import Incident, Outage
from maintenance.models import MaintenanceNotice, MaintenanceWindow
from sla_portal.agreements.models import AgreementVersion, Contract
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import Written, record_many
from sla_portal.availability.models import CustomerMonth, Exclusion
from sla_portal.customers.models import Contact, Customer
from tests.support.builders import a_region, at, on
from tests.support.desk import signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 12:00")


@pytest.fixture
def client():
    return signed_in(User.objects.create_superuser("root", first_name="Ada"))


def fill(rows: int) -> None:
    """Put `rows` of everything on record."""
    region = a_region()
    first = Incident.objects.count()
    numbers = range(first, first + rows)
    customers = Customer.objects.bulk_create(Customer(code=f"C-{n}", name=f"House {n}", region=region) for n in numbers)
    Contact.objects.bulk_create(
        Contact(customer=customer, email=f"{customer.code}@example.com") for customer in customers
    )
    Contract.objects.bulk_create(
        Contract(
            customer=customer,
            reference=f"K-{customer.code}",
            starts_on=on("2026-01-01"),
            ends_on=on("2026-12-31"),
            monthly_charge="49",
            currency="EUR",
        )
        for customer in customers
    )
    CustomerMonth.objects.bulk_create(
        CustomerMonth(
            customer=customer,
            month=on("2026-09-01"),
            agreement_version=AgreementVersion.objects.get(),
            service_days=30,
            total_minutes=43200,
            unavailable_minutes=0,
            excluded_minutes=0,
            unavailable_all=0,
            unavailable_function=0,
            unavailable_any=0,
            reading="all",
            met=True,
            reading_sensitive=False,
            provisional=False,
            judged_at=NOW,
        )
        for customer in customers
    )
    incidents = Incident.objects.bulk_create(
        Incident(reference=f"INC-{n}", title="Gateway lost", detected_at=NOW - timedelta(hours=n)) for n in numbers
    )
    Outage.objects.bulk_create(
        Outage(incident=incident, region=region, started_at=incident.detected_at, ended_at=NOW + timedelta(hours=1))
        for incident in incidents
    )
    Exclusion.objects.bulk_create(
        Exclusion(incident=incident, clause="4.10", reason="As the law says", proposed_at=NOW) for incident in incidents
    )
    windows = MaintenanceWindow.objects.bulk_create(
        MaintenanceWindow(reference=f"MW-{n}", title="Upgrade", starts_at=NOW, ends_at=NOW + timedelta(hours=1))
        for n in numbers
    )
    MaintenanceNotice.objects.bulk_create(
        MaintenanceNotice(
            window=window, sent_at=NOW - timedelta(days=3), starts_at=NOW, ends_at=NOW + timedelta(hours=1)
        )
        for window in windows
    )
    User.objects.bulk_create(User(username=f"user{n}", is_staff=True) for n in numbers)
    record_many(
        actor=Actor.system("test"), entries=[Written("logged", incident, {}) for incident in incidents], now=NOW
    )


LISTS = [f"{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry]


def queries(client, url: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_number_of_queries_does_not_grow_with_the_rows(client):
    urls = [reverse(f"admin:{name}") for name in LISTS]
    fill(5)
    few = {url: queries(client, url) for url in urls}
    fill(500)
    assert {url: queries(client, url) for url in urls} == few


@pytest.mark.parametrize(
    "asked",
    [
        "_to_field=",
        "_to_field=reference",
        "_popup=1",
        "detected_at__year=9000000000000000000",
        "id__exact=9000000000000000000",
        "q=%00",
        "q=" + "x" * 5000,
        "p=999999",
        "p=-1",
        "p=x",
        "o=99.-99.x",
        "all=1",
        "state=%00",
        "month=2026-13",
        "month=9999-99",
        "region=nowhere",
        "e=1",
        "_facets=1",
        "action=%00",
        "page=999999",
    ],
)
def test_arbitrary_parameters_are_answered(client, asked):
    fill(1)
    for name in LISTS:
        response = client.get(f"{reverse(f'admin:{name}')}?{asked}", follow=True)
        assert response.status_code in (200, 400), name


@pytest.mark.parametrize("key", ["0", "999999999999999999999999", "x", "%00", "1%27", "_3A"])
def test_a_missing_record_is_answered(client, key):
    for name in LISTS:
        for action in ("change", "delete", "history"):
            url = f"{reverse(f'admin:{name}')}{key}/{action}/?_to_field="
            assert client.get(url).status_code in (200, 302, 403, 404), url
    # Where they lead to, with all that was said on the way.
    assert client.get(reverse("admin:index")).status_code == 200


def test_a_page_out_of_range_shows_a_message_and_the_list(client):
    fill(60)
    response = client.get(reverse("admin:incidents_incident_changelist") + "?p=999999", follow=True)
    assert "This page or filter does not exist." in text_of(response)
    assert "INC-" in text_of(response)


def test_the_count_of_a_list_is_capped(client, monkeypatch):
    monkeypatch.setattr("sla_portal.audit.admin.CappedPaginator.most", 3)
    fill(5)
    assert "3 or more" in text_of(client.get(reverse("admin:incidents_incident_changelist")))


def test_lists_have_no_bulk_actions(client):
    fill(1)
    for name in LISTS:
        assert b'name="action"' not in client.get(reverse(f"admin:{name}")).content


def test_the_search_of_autocompletion_takes_a_nul(client):
    asked = {"app_label": "agreements", "model_name": "contract", "field_name": "customer", "term": "\0"}
    assert client.get(reverse("admin:autocomplete"), asked).json()["results"] == []


def test_incidents_are_filtered_by_status_classification_month_and_region(client):
    fill(2)
    Incident.objects.filter(reference="INC-0").update(resolved_at=NOW + timedelta(hours=1), attributable=True)
    Incident.objects.filter(reference="INC-1").update(detected_at=at("2026-07-31 16:00"), ticket_number="T-77")
    Outage.objects.filter(incident__reference="INC-1").update(started_at=at("2026-07-31 16:00"))

    def found(asked: str) -> list[str]:
        text = text_of(client.get(f"{reverse('admin:incidents_incident_changelist')}?{asked}"))
        return [reference for reference in ("INC-0", "INC-1") if f"{reference} Gateway" in text]

    assert found("state=open") == ["INC-1"]
    assert found("state=resolved") == ["INC-0"]
    assert found("classified=ours") == ["INC-0"]
    assert found("classified=not") == ["INC-1"]
    # It is open, and August begins in the SLA time zone where July ends on others.
    assert found("month=2026-07") == []
    assert found("month=2026-08") == ["INC-1"]
    assert found("month=2026-09") == ["INC-0", "INC-1"]
    assert found("region=eu") == ["INC-0", "INC-1"]
    assert found("q=T-77") == ["INC-1"]


def test_incidents_with_times_out_of_order_are_listed_for_correction_and_no_length_of_them_is_stated(client):
    fill(2)
    late = Incident.objects.filter(reference="INC-0")
    late.update(recorded_as_is=True)
    late.update(resolved_at=NOW)
    page = text_of(client.get(f"{reverse('admin:incidents_incident_changelist')}?times=out-of-order"))
    assert "INC-0 Gateway" in page
    assert "not stated" in page
    assert "INC-1 Gateway" not in page
