"""Forms of the staff pages refuse invalid input with a message that says what to do."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone
from time_machine import travel

from incidents.models import Incident, Outage
from maintenance.models import MaintenanceWindow
from sla_portal.clocks import ClockField
from tests.support.builders import a_contract, a_customer, a_region, an_incident, an_outage, at, on
from tests.support.desk import a_member, signed_in, text_of

from .test_audit_log import correction, rows

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 12:00")


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def noc():
    client = signed_in(a_member("NOC"))
    client.post(reverse("admin:clock"), {"zone": "UTC"})
    return client


@pytest.fixture
def outage():
    incident = an_incident("INC-1", detected_at=at("2026-09-10 01:00"))
    return an_outage(a_region(), "2026-09-10 01:00", None, incident=incident)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ended_at": "2026-09-10 00:59:00"}, "The outage ends before it starts."),
        ({"ended_at": "2026-09-10 12:00:01"}, "The end is in the future."),
        ({"started_at": "2026-09-10 12:00:01"}, "The start is in the future."),
        ({"started_at": "2026-09-10 01:00:00.5"}, "Enter the start in whole seconds."),
        ({"ended_at": "2026-09-10 01:10:00.5"}, "Enter the end in whole seconds."),
        ({"functions": []}, "Choose at least one core function and one client that were down."),
        ({"clients": []}, "Choose at least one core function and one client that were down."),
        ({"functions": ["all", "1"]}, "Select either “all” or individual items."),
        ({"functions": ["999"]}, "999 is not one of the available choices."),
        ({"started_at": "0001-01-01 00:00:00"}, "Enter the year in four digits"),
    ],
)
def test_an_invalid_outage_is_refused(noc, outage, changed, sentence):
    url = reverse("admin:incidents_incident_change", args=[outage.incident_id])
    response = noc.post(url, {**correction(outage.incident, outage, **changed), "why": "A closer look"})
    assert sentence in text_of(response)
    assert Outage.objects.get(pk=outage.pk).started_at == at("2026-09-10 01:00")


def test_a_resolved_incident_has_no_ongoing_outage(noc, outage):
    url = reverse("admin:incidents_incident_change", args=[outage.incident_id])
    resolved = {"resolved_at_0": "2026-09-10", "resolved_at_1": "02:00:00"}
    response = noc.post(url, {**correction(outage.incident, outage), **resolved, "why": "It is over"})
    assert "The incident is resolved, but one of its outages has no end." in text_of(response)


@pytest.mark.parametrize(
    ("changed", "field", "sentence"),
    [
        ({"acknowledged_at": "00:59:59"}, "acknowledged_at", "acknowledged before it was detected"),
        ({"resolved_at": "00:59:59"}, "resolved_at", "resolved before it was detected"),
        ({"acknowledged_at": "03:00:00", "resolved_at": "02:00:00"}, "resolved_at", "resolved before it was ackn"),
        ({"detected_at": "12:00:01"}, "detected_at", "This time is in the future."),
    ],
)
def test_times_of_an_incident_out_of_order_are_refused_at_their_field(noc, outage, changed, field, sentence):
    url = reverse("admin:incidents_incident_change", args=[outage.incident_id])
    times = {}
    for name, time in changed.items():
        times |= {f"{name}_0": "2026-09-10", f"{name}_1": time}
    sent = correction(outage.incident, outage, ended_at="2026-09-10 00:59:30", started_at="2026-09-10 00:50:00")
    response = noc.post(url, {**sent, **times, "why": "A closer look"})
    assert sentence in " ".join(response.context["adminform"].form.errors[field])
    outage.incident.refresh_from_db()
    assert (outage.incident.acknowledged_at, outage.incident.resolved_at) == (None, None)


def test_an_outage_that_ends_after_its_incident_is_resolved_is_refused_at_its_end(noc, outage):
    url = reverse("admin:incidents_incident_change", args=[outage.incident_id])
    resolved = {"resolved_at_0": "2026-09-10", "resolved_at_1": "02:00:00"}
    sent = correction(outage.incident, outage, ended_at="2026-09-10 02:00:01")
    response = noc.post(url, {**sent, **resolved, "why": "It is over"})
    (formset,) = response.context["inline_admin_formsets"]
    assert list(formset.formset.errors[0]) == ["ended_at"]
    assert "The outage ends after the incident was resolved." in text_of(response)


BROKEN = [("02:10", None), ("02:10", "02:20")]
"""When an incident was resolved, and when its outage ended, out of order."""


@pytest.mark.parametrize(("resolved", "ended"), [("02:00:00", "02:00:00"), ("02:30:00", "01:10:00"), ("", "")])
@pytest.mark.parametrize("before", [("02:10", "02:10"), (None, None), *BROKEN])
def test_incident_and_outages_are_corrected_together(noc, outage, before, resolved, ended):
    was_resolved, had_ended = (time and at(f"2026-09-10 {time}") for time in before)
    Incident.objects.update(resolved_at=was_resolved, recorded_as_is=True)
    Outage.objects.update(ended_at=had_ended)
    Incident.objects.update(recorded_as_is=before in BROKEN)
    url = reverse("admin:incidents_incident_change", args=[outage.incident_id])
    times = {"resolved_at_0": "2026-09-10" if resolved else "", "resolved_at_1": resolved}
    sent = correction(outage.incident, outage, ended_at=f"2026-09-10 {ended}" if ended else "")
    noc.post(url, {**sent, **times, "why": "A closer look"})
    incident = Incident.objects.get()
    assert incident.resolved_at == (at(f"2026-09-10 {resolved}") if resolved else None)
    assert incident.outages.get().ended_at == (at(f"2026-09-10 {ended}") if ended else None)
    assert not incident.recorded_as_is


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        (("2026-03-29", "02:30:00"), "does not exist in Europe/Berlin: the clocks are put forward over it"),
        (("2026-10-25", "02:30:00"), "happens twice in Europe/Berlin: the clocks are put back"),
    ],
)
def test_a_skipped_or_repeated_local_time_is_refused_with_advice(typed, sentence):
    with timezone.override("Europe/Berlin"), pytest.raises(ValidationError) as refused:
        ClockField().clean(list(typed))
    assert sentence in refused.value.messages[0]
    assert "UTC" in refused.value.messages[0]


def test_times_are_shown_in_both_time_zones_and_entered_in_the_readers(outage):
    client = signed_in(a_member("NOC"))
    page = reverse("admin:incidents_incident_changelist")
    assert "2026-09-10 09:00 Shanghai" in text_of(client.get(page))
    client.post(reverse("admin:clock"), {"zone": "Europe/Berlin"})
    assert "2026-09-10 03:00 Berlin SLA 2026-09-10 09:00 Shanghai" in text_of(client.get(page))
    form = reverse("admin:incidents_incident_change", args=[outage.incident_id])
    typed = correction(outage.incident, outage, ended_at="2026-09-10 03:10:00", started_at="2026-09-10 03:00:00")
    client.post(form, {**typed, "detected_at_1": "03:00:00", "why": "A closer look"})
    assert Outage.objects.get().ended_at == at("2026-09-10 01:10")


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../etc/passwd", "UTC\0"])
def test_an_unknown_time_zone_changes_nothing(zone):
    client = signed_in(a_member("NOC"))
    assert client.post(reverse("admin:clock"), {"zone": zone, "next": "//elsewhere.example"}).url == reverse(
        "admin:index"
    )
    assert "Shanghai" in text_of(client.get(reverse("admin:index")))


def window(**changed) -> dict:
    return {
        "reference": "MW-1",
        "title": "Database upgrade",
        "kind": "upgrade",
        "starts_at_0": "2026-09-20",
        "starts_at_1": "01:00:00",
        "ends_at_0": "2026-09-20",
        "ends_at_1": "02:00:00",
        "regions": ["all"],
        "functions": ["all"],
        "clients": ["all"],
        **changed,
    }


def test_a_window_is_planned_as_a_draft(noc):
    region = a_region()
    noc.post(reverse("admin:maintenance_maintenancewindow_add"), window(regions=[region.pk]))
    planned = MaintenanceWindow.objects.get()
    assert (planned.starts_at, list(planned.regions.all())) == (at("2026-09-20 01:00"), [region])
    assert not planned.functions.exists()
    assert not planned.notices.exists()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ends_at_1": "00:59:00"}, "The window ends before it starts."),
        ({"regions": []}, "Select “all”, or the affected ones."),
        ({"starts_at_1": "01:00:00.25"}, "Enter whole seconds."),
    ],
)
def test_an_invalid_window_is_refused(noc, changed, sentence):
    response = noc.post(reverse("admin:maintenance_maintenancewindow_add"), window(**changed))
    assert sentence in text_of(response)
    assert not MaintenanceWindow.objects.exists()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"ends_on": "2025-12-31"}, "The last service day is before the first."),
        ({"terminated_on": "2027-01-01"}, "The termination date must be one of the contract's service days."),
        ({"monthly_charge": "-1"}, "The monthly charge cannot be negative."),
        ({"currency": "€"}, "Enter the currency as three letters"),
    ],
)
def test_an_invalid_contract_is_refused(changed, sentence):
    client = signed_in(a_member("Administrator"))
    contract = a_contract(a_customer(a_region(), "C-1"), "2026-01-01", "2026-12-31", reference="K-1")
    facts = {
        "customer": contract.customer_id,
        "reference": "K-1",
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "monthly_charge": "49",
        "currency": "EUR",
        "trial_days": "0",
        **changed,
    }
    url = reverse("admin:agreements_contract_change", args=[contract.pk])
    response = client.post(url, {**facts, **rows("payments"), **rows("suspensions"), "why": "A correction"})
    assert sentence in text_of(response)


def test_a_suspension_that_ends_before_it_starts_is_refused():
    client = signed_in(a_member("Administrator"))
    contract = a_contract(a_customer(a_region(), "C-1"), "2026-01-01", "2026-12-31", reference="K-1")
    facts = {
        "customer": contract.customer_id,
        "reference": "K-1",
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "monthly_charge": "49",
        "currency": "EUR",
        "trial_days": "0",
    }
    suspension = rows("suspensions", {"contract": contract.pk, "starts_on": "2026-03-05", "ends_on": "2026-03-01"})
    url = reverse("admin:agreements_contract_change", args=[contract.pk])
    response = client.post(url, {**facts, **rows("payments"), **suspension, "why": "Not paid"})
    assert "The last day of the suspension is before its first day." in text_of(response)
    assert contract.suspensions.count() == 0
    assert contract.starts_on == on("2026-01-01")
