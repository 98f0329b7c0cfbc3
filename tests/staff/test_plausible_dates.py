"""A date that is hardly meant is asked about at its field; a box at the field confirms that date and no other."""

from datetime import date
from uuid import uuid4

import pytest
from django.urls import reverse
from time_machine import travel

from incidents.models import Incident, Outage
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.models import Contract, Payment
from sla_portal.customers.models import Region
from sla_portal.plausible import doubt
from tests.support.amendments import a_draft
from tests.support.builders import a_customer, a_region, at, on
from tests.support.desk import a_member, filled, signed_in, text_of

NOW = at("2026-09-10 02:14:07")
TODAY = on("2026-09-10")
EUROPE = Region(code="eu", name="Europe", first_service_day=on("2026-01-10"), last_service_day=on("2027-03-31"))


@pytest.mark.parametrize(
    ("day", "region", "years", "why"),
    [
        ("2026-09-10", EUROPE, 1, ""),
        ("2026-01-10", EUROPE, 1, ""),
        ("2026-01-09", EUROPE, 1, "2026-01-09 lies before the first service day of Europe (2026-01-10)."),
        ("2027-03-31", EUROPE, 1, ""),
        ("2027-04-01", EUROPE, 1, "2027-04-01 lies after the last service day of Europe (2027-03-31)."),
        ("2025-09-11", None, 1, ""),
        ("2025-09-10", None, 1, "2025-09-10 lies 1 year or more in the past."),
        ("2020-09-11", None, 1, "2020-09-11 lies 5 years or more in the past."),
        ("2020-09-10", None, 1, "2020-09-10 lies 6 years or more in the past."),
        ("2027-09-09", None, 1, ""),
        ("2027-09-10", None, 1, "2027-09-10 lies 1 year or more in the future."),
        ("2062-09-10", None, 10, "2062-09-10 lies 36 years or more in the future."),
        ("2028-09-09", None, 2, ""),
        ("2024-09-11", None, 2, ""),
        ("1926-02-28", None, 2, "1926-02-28 lies 100 years or more in the past."),
    ],
)
def test_a_date_out_of_service_or_years_away_is_doubted(day, region, years, why):
    assert doubt(on(day), TODAY, [region] if region else [], years=years) == why


def test_29_february_has_a_day_a_year_later():
    assert doubt(date(2024, 2, 29), date(2025, 2, 28)) == ""
    assert doubt(date(2024, 2, 29), date(2025, 3, 1)) == "2024-02-29 lies 1 year or more in the past."


@pytest.fixture
def europe(db):
    with travel(NOW, tick=False):
        yield a_region("eu", name="Europe", first_service_day=on("2026-01-10"))


def box(response, day: str) -> bool | None:
    """Whether the box that confirms a day is ticked; None where there is none."""
    content = response.content.decode()
    if f'value="{day}"> Yes, {day} is meant' in content:
        return False
    return True if f'value="{day}" checked> Yes, {day} is meant' in content else None


def test_an_outage_is_logged_only_once_its_date_is_confirmed_and_nothing_typed_is_lost(europe):
    noc, address = signed_in(a_member("NOC")), reverse("admin:log_outage")
    taps = {
        "key": str(uuid4()), "regions": [europe.pk], "what": "everything", "since": "typed", "source": "monitoring",
        "since_at_0": "2020-08-10", "since_at_1": "09:30:00",
        "over": "yes", "ended_at_0": "2020-08-10", "ended_at_1": "10:30:00", "title": "Gateway lost",
    }  # fmt: skip
    asked = noc.post(address, taps)
    assert "2020-08-10 lies before the first service day of Europe (2026-01-10). Is this date meant?" in text_of(asked)
    assert asked.context["form"].errors["since_at"]
    assert box(asked, "2020-08-10") is False
    assert b"Gateway lost" in asked.content
    assert not Incident.objects.exists()
    # The box of another date confirms nothing.
    assert box(noc.post(address, {**taps, "since_at-meant": "2020-08-11"}), "2020-08-10") is False
    # Another mistake on the form does not lose the answer.
    assert box(noc.post(address, {**taps, "since_at-meant": "2020-08-10", "source": ""}), "2020-08-10") is True
    noc.post(address, {**taps, "since_at-meant": "2020-08-10"})
    outage = Outage.objects.get()
    assert outage.started_at == at("2020-08-10 01:30")
    # Never detected now: it was over long ago.
    assert outage.incident.detected_at == outage.started_at
    # Corrected on the record's page, the right date is not asked about, another wrong one is.
    correct = reverse("admin:incidents_incident_change", args=[outage.incident.pk])
    typed = {"outages-0-started_at_0": "2019-08-10", "why": "A wrong year"}
    asked = filled(noc, noc.get(correct), correct, "outages-0-started_at_0", **typed)
    assert box(asked, "2019-08-10") is False
    moved = dict.fromkeys(
        ("detected_at_0", "resolved_at_0", "outages-0-started_at_0", "outages-0-ended_at_0"), "2026-08-10"
    )
    assert (
        filled(noc, noc.get(correct), correct, "outages-0-started_at_0", **moved, why="A wrong year").status_code == 302
    )
    assert Outage.objects.get().started_at == at("2026-08-10 01:30")


def test_contracts_and_payments_ask_and_a_contract_that_is_not_touched_does_not(europe):
    administrator, address = signed_in(a_member("Administrator")), reverse("admin:agreements_contract_add")
    sent = {
        "customer": a_customer(europe).pk, "reference": "K-new", "starts_on": "2026-01-01", "ends_on": "2062-12-31",
        "monthly_charge": "49", "currency": "EUR", "trial_days": "0", "extended_minutes": "0",
        "suspensions-TOTAL_FORMS": "0", "suspensions-INITIAL_FORMS": "0",
        "payments-TOTAL_FORMS": "1", "payments-INITIAL_FORMS": "0",
        "payments-0-reference": "P-1", "payments-0-paid_on": "2016-02-01", "payments-0-amount": "49",
    }  # fmt: skip
    asked = administrator.post(address, sent)
    page = text_of(asked)
    assert "2026-01-01 lies before the first service day of Europe (2026-01-10). Is this date meant?" in page
    assert "2062-12-31 lies 36 years or more in the future. Is this date meant?" in page
    assert "2016-02-01 lies 10 years or more in the past. Is this date meant?" in page
    assert not Contract.objects.exists()
    meant = {
        "starts_on-meant": "2026-01-01", "ends_on-meant": "2062-12-31", "payments-0-paid_on-meant": "2016-02-01",
    }  # fmt: skip
    assert administrator.post(address, sent | meant).status_code == 302
    contract = Contract.objects.get()
    assert Payment.objects.get().paid_on == on("2016-02-01")
    change = reverse("admin:agreements_contract_change", args=[contract.pk])
    changed = filled(administrator, administrator.get(change), change, "currency", currency="USD", why="Agreed")
    assert changed.status_code == 302
    assert Contract.objects.get().currency == "USD"


def test_a_maintenance_window_asks(europe):
    noc, address = signed_in(a_member("NOC")), reverse("admin:maintenance_maintenancewindow_add")
    Region.objects.update(first_service_day=on("2026-12-01"))
    sent = {
        "reference": "MW-1", "title": "Upgrade", "kind": "upgrade", "regions": europe.pk, "functions": "all", "clients": "all",
        "starts_at_0": "2026-10-01", "starts_at_1": "01:00", "ends_at_0": "2026-10-01", "ends_at_1": "02:00",
    }  # fmt: skip
    asked = noc.post(address, sent)
    assert "2026-10-01 lies before the first service day of Europe (2026-12-01)" in text_of(asked)
    assert not MaintenanceWindow.objects.exists()
    assert noc.post(address, {**sent, "starts_at-meant": "2026-10-01"}).status_code == 302
    # For all regions, one that is not open yet is no reason to ask; a year too far is.
    further = {**sent, "reference": "MW-2", "regions": "all", "starts_at_0": "2027-10-01", "ends_at_0": "2027-10-01"}
    assert "2027-10-01 lies 1 year or more in the future." in text_of(noc.post(address, further))
    assert noc.post(address, {**sent, "reference": "MW-3", "regions": "all"}).status_code == 302


def test_the_effective_date_of_a_version_asks(europe):
    draft = a_draft(now=NOW)
    legal, address = signed_in(a_member("Legal")), reverse("admin:submit_amendment", args=[draft.pk])
    assert box(legal.post(address, {"effective_on": "2062-12-01"}), "2062-12-01") is False
    assert legal.post(address, {"effective_on": "2062-12-01", "effective_on-meant": "2062-12-01"}).status_code == 302


def test_an_administrator_enters_the_service_days_of_a_region(europe):
    administrator, address = (
        signed_in(a_member("Administrator")),
        reverse("admin:customers_region_change", args=[europe.pk]),
    )
    days = {"first_service_day": "2026-02-01", "last_service_day": "2026-01-31"}
    refused = filled(administrator, administrator.get(address), address, "first_service_day", **days, why="Opened")
    assert refused.context["adminform"].form.errors["last_service_day"]
    days = {"first_service_day": "2016-02-01", "last_service_day": ""}
    asked = filled(administrator, administrator.get(address), address, "first_service_day", **days, why="Opened")
    assert box(asked, "2016-02-01") is False
    days = {"first_service_day": "2026-02-01", "last_service_day": "2026-12-31"}
    changed = filled(administrator, administrator.get(address), address, "first_service_day", **days, why="Opened")
    assert changed.status_code == 302
    europe.refresh_from_db()
    assert (europe.first_service_day, europe.last_service_day) == (on("2026-02-01"), on("2026-12-31"))
    assert "2026-01-10 → 2026-02-01" in text_of(administrator.get(address))
