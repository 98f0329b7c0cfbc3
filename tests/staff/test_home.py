"""The home page lists the pending work of each role; search finds what the user may view."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from incidents.models import Incident, Outage
from maintenance.models import MaintenanceWindow
from sla_portal.agreements.models import AgreementVersion
from sla_portal.availability.models import Exclusion
from sla_portal.availability.operations import judge_due_months
from sla_portal.staff.roles import ROLES
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_incident, an_outage, at
from tests.support.claimants import OPEN, a_claim, a_claimant, a_missed_september, close_september
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 12:00")
HOME = "/admin/"


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


def home_of(role: str) -> str:
    return text_of(signed_in(a_member(role)).get(HOME))


def test_noc_sees_ongoing_incidents_with_duration_and_unavailable_minutes():
    region = a_region("eu", name="Europe")
    a_region("us", name="North America")
    an_outage(region, "2026-09-10 11:47:30", None, incident=an_incident("INC-1"))
    home = home_of("NOC")
    assert home.index("Log an outage", home.index("Change time zone")) < home.index("INC-1")
    assert "12 min 30 s" in home
    assert "Europe: 12 unavailable minutes this month" in home
    assert "unacknowledged" in home
    assert "8 minutes over the downtime allowance of 4 provisional" in home
    assert "North America 4 of 4 minutes of downtime allowance left" in home


def test_excluded_minutes_do_not_use_the_allowance():
    region = a_region("eu", name="Europe")
    incident = an_incident("INC-1", resolved_at=at("2026-09-10 02:00"))
    an_outage(region, "2026-09-10 01:00", "2026-09-10 01:30", incident=incident)
    an_exclusion(incident)
    assert "Europe 4 of 4 minutes of downtime allowance left" in home_of("NOC")


def test_incidents_with_times_out_of_order_are_listed_until_they_are_corrected():
    an_incident("INC-1")
    assert "times out of order" not in home_of("NOC")
    an_incident("INC-2", detected_at=NOW, resolved_at=at("2026-09-10 02:00"), recorded_as_is=True)
    for role in ("Administrator", "Auditor"):
        home = home_of(role)
        listed = home[home.index("Incidents with times out of order") :]
        assert "INC-2 Gateway lost ◔ to correct" in listed
        assert "INC-1" not in listed


def test_windows_of_the_last_and_next_24_hours_are_listed():
    notice = ("2026-09-01 00:00", "2026-09-10 11:00", "2026-09-10 13:00")
    a_window("2026-09-10 11:00", "2026-09-10 13:00", notice, reference="MW-now")
    a_window("2026-09-11 11:00", "2026-09-11 12:30", ("2026-09-01 00:00", "2026-09-11 11:00", "2026-09-11 12:30"))
    a_window("2026-09-10 20:00", "2026-09-10 21:00", reference="MW-draft")
    a_window("2026-09-13 20:00", "2026-09-13 21:00", reference="MW-later")
    home = home_of("NOC")
    assert "ends in 1 h" in home
    assert "starts in 23 h" in home
    assert "draft, not announced" in home
    assert "MW-later" not in home


def test_legal_sees_exclusions_whose_window_no_longer_covers_them_until_they_are_decided():
    region = a_region()
    announced = ("2026-09-01 00:00", "2026-09-09 01:00", "2026-09-09 02:00")
    windows = {
        name: a_window("2026-09-09 01:00", "2026-09-09 02:00", announced, reference=name, **work)
        for name, work in (
            ("MW-idle", {"not_carried_out_at": at("2026-09-09 03:00")}),
            ("MW-early", {"completed_at": at("2026-09-09 01:10")}),
            ("MW-covers", {"completed_at": at("2026-09-09 01:11")}),
            ("MW-kept", {}),
        )
    }
    for name, window in windows.items():
        incident = an_incident(f"INC-{name}", resolved_at=at("2026-09-09 02:00"))
        an_outage(region, "2026-09-09 01:10", "2026-09-09 01:30", incident=incident)
        an_exclusion(incident, "4.1", maintenance=window)
    rejected = an_exclusion(an_incident("INC-rejected"), "4.1", "rejected", maintenance=windows["MW-idle"])
    home = home_of("Legal").partition("Exclusions whose window no longer covers them")[2]
    listed = home.partition("Resolved, pending classification")[0]
    assert "4.1 · INC-MW-idle" in listed
    assert "4.1 · INC-MW-early" in listed
    assert "completed before the downtime" in listed
    for other in ("INC-MW-covers", "INC-MW-kept", rejected.incident.reference):
        assert other not in listed
    Exclusion.objects.update(status="revoked")
    assert "no longer covers them" not in text_of(signed_in(User.objects.get()).get(HOME))
    assert "no longer covers them" not in home_of("NOC")


def test_legal_decides_what_others_proposed_force_majeure_first():
    lea, luo = a_member("Legal", "lea"), a_member("Legal", "luo")
    for number, (clause, by) in enumerate([("4.10", luo), ("4.11", luo), ("4.2", lea)]):
        incident = an_incident(f"INC-{number}", resolved_at=NOW)
        an_exclusion(incident, clause, "proposed", proposed_by=by, proposed_at=NOW + timedelta(minutes=number))
    home = text_of(signed_in(lea).get(HOME))
    waiting = home[home.index("Exclusions pending your decision") : home.index("Resolved, pending classification")]
    assert waiting.index("4.11") < waiting.index("4.10")
    assert "4.2" not in waiting


def test_pending_classifications_are_overdue_when_claims_open():
    an_incident("INC-1", detected_at=at("2026-09-02 01:00"), resolved_at=at("2026-09-02 02:00"))
    an_incident("INC-2", detected_at=at("2026-07-02 01:00"), resolved_at=at("2026-07-02 02:00"))
    home = home_of("NOC")
    # The fifth working day of October 2026 is the 13th (CN).
    assert "claims for this month open 2026-10-14 00:00 Shanghai" in home
    assert home.index("INC-2") < home.index("INC-1")
    assert home.count("overdue") == 1


def test_legal_sees_months_to_close_or_correct_with_their_claims():
    a_missed_september()
    waiting = a_claimant()
    with travel(OPEN, tick=False):
        legal = signed_in(a_member("Legal"))
        judge_due_months(now=OPEN)
        a_claim(waiting, closed=False)
        page = text_of(legal.get(HOME))
        assert "2026-09 not closed claims for this month open 2026-10-14 00:00" in page
        assert "◔ 1 open claim waiting" in page
        assert "Months to close or correct" not in home_of("Support")
        close_september()
        assert "2026-09 not closed" not in text_of(legal.get(HOME))
        a_missed_september("2026-09-20 01:00", "2026-09-20 01:09")
        judge_due_months(now=OPEN + timedelta(minutes=5))
        assert "2026-09 figures changed since closing detected 2026-10-20" in text_of(legal.get(HOME))


@pytest.mark.parametrize("role", ROLES)
def test_an_empty_portal_explains_each_section(role):
    home = home_of(role)
    assert "No regions yet." in home
    assert "No ongoing incidents." in home
    assert ("No SLA breaches in these three months." in home) == (role != "NOC")
    assert ("The audit log is empty." in home) == (role in {"Legal", "Auditor", "Administrator"})
    assert ("Log an outage" in home) == (role == "NOC")


def test_before_the_first_agreement_version_home_says_so():
    AgreementVersion.objects.update(published_at=None)
    assert "No agreement version is in force" in home_of("NOC")


MOST = {"NOC": 38, "Support": 51, "Legal": 58, "Auditor": 41, "Administrator": 54}
"""Queries of each home page: what its sections share is read once."""


def test_the_number_of_queries_does_not_grow_with_the_rows():
    client = signed_in(a_member("Legal"))
    region = a_region()

    def more(rows: int) -> int:
        first = Incident.objects.count()
        for number in range(first, first + rows):
            began = NOW - timedelta(hours=number + 1)
            incident = Incident.objects.create(reference=f"INC-{number}", title="Gateway lost", detected_at=began)
            Outage.objects.create(incident=incident, region=region, started_at=began)
            closed = Incident.objects.create(
                reference=f"INC-x{number}", title="Gateway lost", detected_at=began, resolved_at=NOW
            )
            an_exclusion(closed, "4.10", "proposed")
            a_window("2026-09-10 11:00", "2026-09-10 13:00")
        with CaptureQueriesContext(connection) as captured:
            assert client.get(HOME).status_code == 200
        return len(captured)

    assert more(3) == more(40)
    asked = {}
    for role in ROLES:
        anybody = signed_in(a_member(role, f"{role} again"))
        with CaptureQueriesContext(connection) as captured:
            assert anybody.get(HOME).status_code == 200
        asked[role] = len(captured)
    assert {role: asked[role] for role in ROLES if asked[role] > MOST[role]} == {}


SEARCHED = "/admin/search/"


@pytest.fixture
def on_record():
    region = a_region()
    customer = a_customer(region, "H-77", name="Hafen Residences")
    customer.contacts.create(email="ops@hafen.example")
    a_contract(customer, "2026-01-01", "2026-12-31", reference="K-77")
    an_incident("INC-77", title="Gateway lost", ticket_number="T-88123")
    a_window("2026-09-10 11:00", "2026-09-10 13:00", reference="MW-77", title="Database upgrade")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("inc-77", ["INC-77 Gateway lost"]),
        ("gateway", ["INC-77 Gateway lost"]),
        ("t-88123", ["INC-77 Gateway lost"]),
        ("upgrade", ["MW-77 Database upgrade"]),
        ("H-77", ["Hafen Residences (H-77)", "K-77"]),
        ("hafen.example", ["Hafen Residences (H-77)"]),
        ("k-77", ["K-77"]),
        ("77", ["INC-77 Gateway lost", "MW-77 Database upgrade", "Hafen Residences (H-77)", "K-77"]),
    ],
)
def test_search_finds_by_name_reference_ticket_and_e_mail(on_record, text, found):
    page = text_of(signed_in(a_member("Support")).get(SEARCHED, {"q": text}))
    for name in ("INC-77 Gateway lost", "MW-77 Database upgrade", "Hafen Residences (H-77)", " K-77 "):
        assert (name in page) == (name.strip() in found), name


def test_noc_cannot_find_customers_or_contracts(on_record):
    page = text_of(signed_in(a_member("NOC")).get(SEARCHED, {"q": "77"}))
    assert "INC-77" in page
    assert "Hafen" not in page
    assert "K-77" not in page


@pytest.mark.parametrize("text", ["", "   ", "\0", "%", "nothing like it", "x" * 5000, "'; --"])
def test_an_empty_search_result_says_what_is_searched(on_record, text):
    page = text_of(signed_in(a_member("Support")).get(SEARCHED, {"q": text}))
    places = "Claims, Vouchers, Incidents, Maintenance windows, Customers, Contracts, Notices, Reports, Agreement"
    assert f"Searched: {places}." in page


def test_search_shows_the_first_results_and_links_to_all():
    MaintenanceWindow.objects.bulk_create(
        MaintenanceWindow(reference=f"MW-{n}", title="Upgrade", starts_at=NOW, ends_at=NOW + timedelta(hours=1))
        for n in range(30)
    )
    response = signed_in(a_member("NOC")).get(SEARCHED, {"q": "upgrade"})
    assert text_of(response).count("MW-") == 20
    everything = reverse("admin:maintenance_maintenancewindow_changelist") + "?q=upgrade"
    assert f'href="{everything}"' in response.content.decode()
