"""Forms of the staff pages refuse invalid input with a message that says what to do."""

import re
from decimal import Decimal
from itertools import product
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django import forms
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from time_machine import travel

from incidents.models import Incident, Outage, Update
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.models import Contract
from sla_portal.audit.models import Entry
from sla_portal.availability.operations.classification import ReasonMissing
from sla_portal.clocks import ClockField
from sla_portal.kernel.errors import Refused
from sla_portal.staff.common import refusals_on
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


CORRECTED = [("02:00:00", "02:00:00"), ("02:30:00", "01:10:00")]


@pytest.mark.parametrize(
    ("before", "after"), [*product([("02:10", "02:10"), (None, None), *BROKEN], CORRECTED), ((None, None), ("", ""))]
)
def test_incident_and_outages_are_corrected_together(noc, outage, before, after):
    resolved, ended = after
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


@pytest.mark.parametrize("ended", ["2026-09-10 02:00:00", ""], ids=["restored", "going on again"])
@pytest.mark.parametrize("before", [("02:10", "02:10"), *BROKEN])
def test_a_correction_does_not_reopen_an_incident_which_the_public_would_not_read(noc, outage, before, ended):
    was_resolved, had_ended = (time and at(f"2026-09-10 {time}") for time in before)
    Incident.objects.update(resolved_at=was_resolved, recorded_as_is=True)
    Outage.objects.update(ended_at=had_ended)
    url = reverse("admin:incidents_incident_change", args=[outage.incident_id])
    sent = {**correction(outage.incident, outage, ended_at=ended), "resolved_at_0": "", "resolved_at_1": ""}
    response = noc.post(url, {**sent, "why": "It is down again"})
    assert response.context["adminform"].form.errors["resolved_at"] == [
        "An incident is reopened on its page, with a reason and a public update. Enter when it was resolved."
    ]
    assert Incident.objects.get().resolved_at == was_resolved
    assert not Entry.objects.exists()
    noc.post(reverse("admin:reopen_incident", args=[outage.incident_id]), {"text": "Down again", "reason": "It is"})
    assert Incident.objects.get().resolved_at is None
    assert Update.objects.get().public


BERLIN_IS_SHOWN = {
    "2026-03-29": ["01:30 (UTC+01:00)", "03:30 (UTC+02:00)"],
    "2026-10-25": ["02:30 (UTC+02:00)", "02:30 (UTC+01:00)"],
}
CHANGES = [
    ("2026-03-29", "does not exist in Europe/Berlin: the clocks are put forward over it"),
    ("2026-10-25", "happens twice in Europe/Berlin: the clocks are put back"),
]


class ClockForm(forms.Form):
    at = ClockField(required=False)


def instants_offered(form: ClockForm) -> dict[str, str]:
    """What is sent for each instant that the field offers, by its name."""
    found = re.findall(r'type="radio" name="at_3" value="([^"]+)"[^>]*> \S+ ([^<]+)</label>', str(form["at"]))
    return {name: value for value, name in found}


@pytest.mark.parametrize(("day", "sentence"), CHANGES)
def test_a_skipped_or_doubled_local_time_is_chosen_at_the_field(day, sentence):
    with timezone.override("Europe/Berlin"):
        refused = ClockForm({"at_0": day, "at_1": "02:30:00"})
        assert sentence in refused.errors["at"][0]
        offered = instants_offered(refused)
        assert list(offered) == BERLIN_IS_SHOWN[day]
        for name, sent in offered.items():
            form = ClockForm({"at_0": day, "at_1": "02:30:00", "at_3": sent})
            assert form.is_valid()
            assert f"{form.cleaned_data['at'].astimezone(ZoneInfo('Europe/Berlin')):%H:%M}" == name[:5]
            # Shown again, it is the same instant, and sending the form unchanged is no change.
            shown = ClockForm(initial=form.cleaned_data)
            assert "checked" in str(shown["at"]) or "happens" not in sentence
            local = form.cleaned_data["at"].astimezone(ZoneInfo("Europe/Berlin"))
            again = {"at_0": f"{local:%Y-%m-%d}", "at_1": f"{local:%H:%M}", "at_2": "Europe/Berlin", "at_3": sent}
            assert not ClockForm(again, initial=form.cleaned_data).has_changed()


@pytest.mark.parametrize("chosen", ["", "2026-10-25T00:30:00", "2026-10-26T00:30:00Z", "tomorrow", "\0"])
def test_only_one_of_the_two_instants_can_be_chosen(chosen):
    with timezone.override("Europe/Berlin"):
        form = ClockForm({"at_0": "2026-10-25", "at_1": "02:30:00", "at_3": chosen})
        assert "happens twice" in form.errors["at"][0]


def test_a_choice_that_no_longer_fits_the_time_is_ignored():
    with timezone.override("Europe/Berlin"):
        form = ClockForm({"at_0": "2026-10-25", "at_1": "05:00:00", "at_3": "2026-10-25T00:30:00Z"})
        assert form.is_valid()
        assert form.cleaned_data["at"] == at("2026-10-25 04:00")


def test_a_time_is_read_in_the_zone_it_was_typed_in_whatever_the_reader_chose_since():
    typed = {"at_0": "2026-09-10", "at_1": "10:00", "at_2": "America/New_York"}
    with timezone.override("Europe/Berlin"):
        form = ClockForm(typed)
        assert form.is_valid()
        assert form.cleaned_data["at"] == at("2026-09-10 14:00")
        assert 'name="at_2" value="America/New_York"' in str(form["at"])
        assert not ClockForm(typed, initial={"at": at("2026-09-10 14:00")}).has_changed()


@pytest.mark.parametrize("zone", ["Mars/Olympus", "../etc/passwd", "UTC\0", "America", "x" * 9000])
def test_a_time_in_an_unknown_zone_is_refused(zone):
    form = ClockForm({"at_0": "2026-09-10", "at_1": "10:00", "at_2": zone})
    assert "The time zone of this time is unknown." in form.errors["at"][0]
    assert f'name="at_2" value="{timezone.get_current_timezone_name()}"' in str(form["at"])


def test_a_zone_without_a_time_is_no_time():
    form = ClockForm({"at_0": "", "at_1": "", "at_2": "Asia/Tokyo"})
    assert form.is_valid()
    assert form.cleaned_data["at"] is None
    assert not form.has_changed()


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
        ({"ends_on": "2026-01-30"}, "A contract lasts at least one month"),
        ({"starts_on": "1026-01-01"}, "Check the year of this day."),
        ({"ends_on": "9999-12-31"}, "Check the year of this day."),
        ({"monthly_charge": "-1"}, "The monthly charge cannot be negative."),
        ({"currency": "€"}, "Enter the currency as three letters"),
        ({"currency": "xau"}, "XAU is no currency of ISO 4217."),
        ({"currency": "HRK"}, "HRK was withdrawn on 2023-01-14."),
        ({"currency": "JPY", "monthly_charge": "49.5"}, "JPY has no smaller unit than 1."),
    ],
)
def test_an_invalid_contract_is_refused(changed, sentence):
    client = signed_in(a_member("Administrator"))
    facts = {
        "customer": a_customer(a_region(), "C-1").pk,
        "reference": "K-1",
        "starts_on": "2026-01-01",
        "ends_on": "2026-12-31",
        "monthly_charge": "49",
        "currency": "EUR",
        "trial_days": "0",
        **changed,
    }
    response = client.post(
        reverse("admin:agreements_contract_add"), {**facts, **rows("payments"), **rows("suspensions")}
    )
    assert sentence in text_of(response)
    assert not Contract.objects.exists()


@pytest.mark.parametrize(
    ("starts_on", "currency", "charge", "payment", "wrong"),
    [
        ("2026-01-01", "JPY", "49.00000", "49.0", ""),
        ("2026-01-01", "CLF", "1.2345", "1.2345000", ""),
        ("2026-01-31", "BGN", "49.00", "49.00", ""),
        ("2026-01-01", "KWD", "49.001", "49.0001", "KWD has no smaller unit than 0.001."),
    ],
)
def test_a_contract_and_its_payments_have_the_decimals_of_a_currency_of_its_time(
    starts_on, currency, charge, payment, wrong
):
    facts = {
        "customer": a_customer(a_region(), "C-1").pk,
        "reference": "K-1",
        "starts_on": starts_on,
        "ends_on": "2026-12-31",
        "monthly_charge": charge,
        "currency": currency,
        "trial_days": "0",
        **rows("suspensions"),
        **rows("payments", {"reference": "P-1", "paid_on": "2026-02-01", "amount": payment}),
    }
    response = signed_in(a_member("Administrator")).post(reverse("admin:agreements_contract_add"), facts)
    assert wrong in text_of(response) if wrong else response.status_code == 302, text_of(response)
    assert [
        (contract.monthly_charge, contract.payments.get().amount)
        for contract in Contract.objects.filter(reference="K-1")
    ] == ([] if wrong else [(Decimal(charge), Decimal(payment))])


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


# What no person sends


@pytest.fixture
def administrator():
    return signed_in(a_member("Administrator"))


@pytest.mark.parametrize("sent", ["abc", "9" * 30, "-1", "²", "１", "1.5", "\0"])
@pytest.mark.parametrize(
    ("page", "field"),
    [("customers_contact", "customer"), ("customers_customer", "region"), ("agreements_contract", "customer")],
)
def test_what_is_no_number_of_a_row_is_refused_at_its_field(administrator, page, field, sent):
    answer = administrator.post(
        reverse(f"admin:{page}_add"), {field: sent, **rows("payments"), **rows("suspensions"), **rows("contacts")}
    )
    assert answer.status_code == 200
    assert "That choice is not one of the available choices." in text_of(answer)


def test_a_form_has_at_most_a_hundred_new_rows(administrator):
    customer = a_customer(a_region(), "C-1")
    for number in range(3):
        customer.contacts.create(email=f"{number}@example.com")
    address = reverse("admin:customers_customer_change", args=[customer.pk])
    facts = {"code": "C-1", "name": "Acme", "region": customer.region_id, "language": "en", "why": "Many"}
    known = {f"contacts-{n}-{name}": value for n, row in enumerate(customer.contacts.all())
             for name, value in {"id": row.pk, "customer": customer.pk, "email": row.email, "language": ""}.items()}  # fmt: skip
    counts = {"contacts-INITIAL_FORMS": 3, "contacts-MIN_NUM_FORMS": 0, "contacts-MAX_NUM_FORMS": 1000}
    too_many = administrator.post(address, facts | known | counts | {"contacts-TOTAL_FORMS": 2000})
    assert "Please submit at most 103 forms." in text_of(too_many)
    enough = administrator.post(address, facts | known | counts | {"contacts-TOTAL_FORMS": 103})
    assert enough.status_code == 302, text_of(enough)
    assert customer.contacts.count() == 3


def test_a_name_longer_than_any_users_is_refused_before_the_database_is_asked(settings):
    settings.AXES_ENABLED = True
    answer = Client().post(reverse("admin:login"), {"username": "n" * 100_000, "password": "a guess"})
    assert answer.status_code == 200
    assert "Ensure this value has at most 150 characters" in text_of(answer)


# A refusal stands at its field


class ReasonedForm(forms.Form):
    reason = forms.CharField(required=False)
    until = forms.CharField(required=False)
    ends_at = forms.CharField(required=False, widget=forms.HiddenInput)


class Early(Refused):
    field = "ends_at"


@pytest.mark.parametrize(
    ("refused", "fields", "stands_at"),
    [
        (ReasonMissing("No"), {}, "reason"),
        (Early("No"), {"ends_at": "until"}, "until"),
        (Early("No"), {}, "__all__"),
        (Refused("No"), {}, "__all__"),
    ],
)
def test_a_refusal_stands_at_the_field_that_caused_it(refused, fields, stands_at):
    form = ReasonedForm({})
    assert form.is_valid()
    with refusals_on(form, fields):
        raise refused
    assert form.errors == {stands_at: ["No"]}


def test_an_outage_in_the_future_is_refused_at_its_time(noc):
    sent = {"key": uuid4(), "regions": [a_region().pk], "what": "everything", "source": "monitoring", "over": "no"}
    typed = {"since": "typed", "since_at_0": "2026-09-11", "since_at_1": "00:00"}
    page = noc.post(reverse("admin:log_outage"), sent | typed)
    assert page.context["form"].errors.keys() == {"since_at"}
    assert re.search(r'<input[^>]* name="since_at_0"[^>]* autofocus', page.content.decode())
    assert '<a href="#id_since_at_0">Start time</a>' in page.content.decode()


def test_of_several_wrong_fields_the_first_is_focused(administrator):
    page = administrator.post(reverse("admin:customers_contact_add"), {"email": "no address"}).content.decode()
    focused = re.findall(r"<(?:input|select|textarea)[^>]* autofocus[^>]*>", page)
    assert len(focused) == 1
    assert 'name="customer"' in focused[0]
    assert 'aria-invalid="true"' in focused[0]
    assert 'aria-describedby="id_customer_error"' in focused[0]
    assert 'id="id_customer_error"' in page
