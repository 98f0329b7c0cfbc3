"""Pages that change the record of a closed month name what they change first, and ask why."""

from datetime import date
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from time_machine import travel

from incidents.models import Incident, Outage
from sla_portal.agreements.models import Contract
from sla_portal.audit.models import Entry
from sla_portal.availability.models import Evidence
from sla_portal.kernel.intervals import epoch
from sla_portal.kernel.months import ServiceMonth
from tests.staff.test_audit_log import correction
from tests.support.builders import a_contract, a_customer, a_region, an_exclusion, an_incident, an_outage, at
from tests.support.closing import closed_by_two
from tests.support.desk import Opened, a_member, filled, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-10-20 12:00")
WHY = "The log of the gateway was found"


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
def europe():
    region = a_region("eu", name="Europe")
    a_contract(a_customer(region), "2026-01-01", "2026-12-31")
    closed_by_two(ServiceMonth(2026, 9), NOW)
    return region


def typed(region, **more) -> dict:
    return {
        "key": str(uuid4()), "regions": [region.pk], "what": "everything", "since": "typed", "since_at_0": "2026-09-10",
        "since_at_1": "02:00:00", "over": "yes", "ended_at_0": "2026-09-10", "ended_at_1": "02:30:00",
        "source": "phone", "title": "Gateway lost", "ticket_number": "T-1", **more,
    }  # fmt: skip


def resolved(time: str) -> dict[str, str]:
    return {"resolved_at_0": "2026-09-10", "resolved_at_1": time}


def home() -> str:
    return text_of(signed_in(a_member("Legal", "home")).get("/admin/"))


class TestLogging:
    def test_it_is_named_with_its_effect_and_everything_typed_is_kept(self, noc, europe):
        answer = noc.post(reverse("admin:log_outage"), typed(europe))
        page = text_of(answer)
        assert "Nothing is saved yet: this changes the record of September 2026, which is closed." in page
        assert "Europe, September 2026 100.00000 % · 0 min unavailable ✓ SLA met" in page
        assert "99.93055 % · 30 min unavailable ■ SLA breached" in page
        assert "The SLA result changes for 1 customer." in page
        assert "Enter why the record of a closed month is changed." in page
        for value in ("Gateway lost", "T-1", "2026-09-10", "02:30:00"):
            assert value in answer.content.decode()
        assert not Incident.objects.exists()

    def test_with_the_reason_it_is_saved_and_shows_on_legals_home_at_once(self, noc, europe):
        noc.post(reverse("admin:log_outage"), typed(europe, correction=WHY))
        assert Outage.objects.get().started_at == at("2026-09-10 02:00")
        assert Entry.objects.get(action="logged").reason == WHY
        assert "2026-09 figures changed since closing" in home()
        legal = signed_in(a_member("Legal", "reader"))
        for address in (reverse("admin:index"), reverse("admin:close_month", args=["2026-09"])):
            page = text_of(legal.get(address))
            assert "NOC logged INC-2026-0001 Gateway lost" in page
            assert WHY in page

    def test_what_changes_no_figure_says_so_and_is_not_on_legals_home(self, noc, europe):
        short = {"ended_at_1": "02:00:30"}
        assert "No figure of these months changes." in text_of(
            noc.post(reverse("admin:log_outage"), typed(europe, **short))
        )
        noc.post(reverse("admin:log_outage"), typed(europe, **short, correction=WHY))
        assert Outage.objects.exists()
        assert "2026-09 figures changed since closing" not in home()

    def test_the_answer_to_the_duplicate_question_is_kept(self, noc, europe):
        incident = an_incident(resolved_at=at("2026-09-10 03:00"), attributable=True)
        an_outage(europe, "2026-09-10 01:40", "2026-09-10 01:50", incident=incident)
        asked = noc.post(reverse("admin:log_outage"), typed(europe))
        assert "Possible duplicate" in text_of(asked)
        named = noc.post(reverse("admin:log_outage"), typed(europe, duplicate_of="new"))
        assert "this changes the record of September 2026" in text_of(named)
        assert '<input type="hidden" name="duplicate_of" value="new">' in named.content.decode()
        again = noc.post(reverse("admin:log_outage"), typed(europe, correction=WHY))
        assert f'<input type="hidden" name="correction" value="{WHY}">' in again.content.decode()
        noc.post(reverse("admin:log_outage"), typed(europe, correction=WHY, duplicate_of="new"))
        assert Incident.objects.count() == 2

    def test_an_outage_added_is_named_too(self, noc, europe):
        incident = an_incident(detected_at=at("2026-10-10 02:00"), resolved_at=at("2026-10-10 03:00"))
        address = reverse("admin:add_outage", args=[incident.pk])
        assert "99.93055 %" in text_of(noc.post(address, typed(europe)))
        assert not incident.outages.exists()
        noc.post(address, typed(europe, correction=WHY))
        assert incident.outages.count() == 1

    def test_an_end_in_a_closed_month_is_named(self, noc, europe):
        incident = an_incident(detected_at=at("2026-09-10 02:00"))
        an_outage(europe, "2026-09-10 02:00", None, incident=incident)
        address = reverse("admin:resolve_incident", args=[incident.pk])
        end = at("2026-09-10 02:30")
        given = {"end": "typed", "end_at_0": "2026-09-10", "end_at_1": "02:30:00", "previewed": f"{epoch(end)},"}
        page = text_of(noc.post(address, given))
        assert "this changes the record of September 2026" in page
        assert "99.93055 %" in page
        incident.refresh_from_db()
        assert incident.resolved_at is None
        noc.post(address, {**given, "correction": WHY})
        incident.refresh_from_db()
        assert incident.resolved_at == end


class TestIncident:
    @pytest.fixture
    def incident(self, europe):
        incident = an_incident(resolved_at=at("2026-09-10 02:30"))
        an_outage(europe, "2026-09-10 02:00", "2026-09-10 02:30", incident=incident)
        return incident

    def test_its_page_says_that_it_lies_in_a_closed_month(self, noc, incident):
        assert "This incident lies in a closed month (September 2026)." in text_of(noc.get(page_of(incident)))

    def test_an_exclusion_is_confirmed_with_a_reason_only(self, incident):
        exclusion = an_exclusion(incident, status="proposed")
        legal = signed_in(a_member("Legal", "another"))
        address = reverse("admin:confirm_exclusion", args=[exclusion.pk])
        assert "changes the record of months that are closed: 2026-09" in text_of(legal.post(address, {"reason": ""}))
        legal.post(address, {"reason": WHY})
        exclusion.refresh_from_db()
        assert exclusion.status == "confirmed"

    def test_evidence_is_added_with_a_reason_only(self, noc, incident, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        exclusion = an_exclusion(incident, status="proposed")
        assert f"evidence-reason-{exclusion.pk}" in noc.get(page_of(incident)).content.decode()
        address = reverse("admin:add_evidence", args=[exclusion.pk])
        answer = noc.post(address, {"file": SimpleUploadedFile("order.pdf", b"%PDF")}, follow=True)
        assert "changes the record of months that are closed: 2026-09" in text_of(answer)
        assert not Evidence.objects.exists()
        hidden = {"file": SimpleUploadedFile("order.pdf", b"%PDF"), "reason": "Found \u202elate"}
        assert "U+202E RIGHT-TO-LEFT OVERRIDE" in text_of(noc.post(address, hidden, follow=True))
        assert not Evidence.objects.exists()
        noc.post(address, {"file": SimpleUploadedFile("order.pdf", b"%PDF"), "reason": WHY})
        assert Evidence.objects.exists()

    def test_a_correction_is_named_before_it_is_saved(self, noc, incident):
        outage = incident.outages.get()
        address = reverse("admin:incidents_incident_change", args=[incident.pk])
        given = {**correction(incident, outage, ended_at="2026-09-10 02:20:00"), **resolved("02:30:00"), "why": WHY}
        answer = noc.post(address, given)
        page = text_of(answer)
        assert "this changes the record of closed months (2026-09)" in page
        assert "Europe, September 2026 100.00000 % · 0 min unavailable ✓ SLA met" in page
        assert "99.95370 % · 20 min unavailable ■ SLA breached" in page
        assert "The SLA result does not change for any customer." in page
        assert not Entry.objects.filter(action="changed").exists()
        outage.refresh_from_db()
        assert outage.ended_at == at("2026-09-10 02:30")
        assert 'name="closed_months" value="2026-09"' in answer.content.decode()
        noc.post(address, {**given, "closed_months": "2026-09"})
        outage.refresh_from_db()
        assert outage.ended_at == at("2026-09-10 02:20")
        entry = Entry.objects.get(action="changed")
        assert entry.reason == WHY
        assert entry.changes["closed_months"] == [None, ["2026-09"]]

    def test_a_correction_that_changes_no_figure_says_so(self, noc, europe):
        incident = an_incident(resolved_at=at("2026-09-10 02:31"))
        outage = an_outage(europe, "2026-09-10 02:30", "2026-09-10 02:30:20", incident=incident)
        address = reverse("admin:incidents_incident_change", args=[incident.pk])
        given = {**correction(incident, outage, ended_at="2026-09-10 02:30:30"), **resolved("02:31:00"), "why": WHY}
        assert "No figure of these months changes." in text_of(noc.post(address, given))
        outage.refresh_from_db()
        assert outage.ended_at == at("2026-09-10 02:30:20")

    def test_an_outage_that_is_added_or_deleted_by_a_correction_is_counted(self, noc, europe, incident):
        outage = incident.outages.get()
        address = reverse("admin:incidents_incident_change", args=[incident.pk])
        given = {**correction(incident, outage, ended_at="2026-09-10 02:30:00"), **resolved("02:30:00"), "why": WHY}
        added = {f"outages-1-{name}": value for name, value in {
            "incident": incident.pk, "region": europe.pk, "started_at_0": "2026-09-10", "started_at_1": "01:50:00",
            "ended_at_0": "2026-09-10", "ended_at_1": "02:00:00", "functions": ["all"], "clients": ["all"],
        }.items()}  # fmt: skip
        answer = noc.post(address, {**given, **added, "outages-TOTAL_FORMS": 2})
        assert "40 min unavailable" in text_of(answer)
        assert incident.outages.count() == 1
        assert answer.content.decode().count('name="outages-1-id"') == 1
        assert "0 min unavailable ✓ SLA met" in text_of(noc.post(address, {**given, "outages-0-DELETE": "on"}))
        assert incident.outages.count() == 1


@pytest.mark.usefixtures("europe")
class TestContract:
    """A correction of a contract names the months of its customer, as others name those of a region."""

    def test_it_is_named_with_its_effect_and_shows_on_legals_home_at_once(self):
        contract = Contract.objects.get()
        admin = signed_in(a_member("Administrator"))
        page = Opened(admin, reverse("admin:end_contract", args=[contract.pk]))
        named = page.fill("last_day", last_day="2026-09-10", reason=WHY)
        assert "This is a correction: September 2026 is closed." in text_of(named)
        assert "30 service days · 100.00000 % · 0 min unavailable ✓ SLA met 10 service days · 100.00000 %" in text_of(
            named
        )
        code = contract.customer.code
        assert f"/months/2026-09/customer/{code}/minutes/" in named.content.decode()
        contract.refresh_from_db()
        assert contract.terminated_on is None
        assert "is closed" not in text_of(page.fill("last_day", last_day="2026-11-30", reason="They move out"))
        named = Opened(admin, page.url).fill("last_day", last_day="2026-09-10", reason=WHY)
        assert filled(admin, named, page.url, "last_day").status_code == 302
        contract.refresh_from_db()
        assert contract.terminated_on == date(2026, 9, 10)
        assert "2026-09 figures changed since closing" in home()

    def test_a_contract_that_starts_in_a_closed_month_is_named_before_it_is_added(self):
        admin = signed_in(a_member("Administrator"))
        customer = Contract.objects.get().customer
        page = Opened(admin, reverse("admin:agreements_contract_add"))
        typed = {"customer": customer.pk, "reference": "K-9", "starts_on": "2026-09-21", "ends_on": "2026-12-31",
                 "monthly_charge": "49", "currency": "EUR", "trial_days": "0"}  # fmt: skip
        assert 'name="why"' not in page.response.content.decode()
        named = page.fill("starts_on", **typed)
        assert "this changes the record of closed months (2026-09)" in text_of(named)
        unsaid = filled(admin, named, page.url, "starts_on")
        assert unsaid.status_code == 200
        assert Contract.objects.count() == 1
        assert filled(admin, named, page.url, "starts_on", why="Signed late").status_code == 302
        entry = Entry.objects.get(action="added", subject="K-9")
        assert (entry.reason, entry.changes["closed_months"]) == ("Signed late", [None, ["2026-09"]])

    def test_a_suspension_is_named_too(self):
        contract = Contract.objects.get()
        admin = signed_in(a_member("Administrator"))
        page = Opened(admin, reverse("admin:agreements_contract_change", args=[contract.pk]))
        row = {
            "suspensions-TOTAL_FORMS": "1",
            "suspensions-0-starts_on": "2026-09-01",
            "suspensions-0-ends_on": "2026-09-05",
        }
        named = page.fill("trial_days", why=WHY, **row)
        assert "this changes the record of closed months (2026-09)" in text_of(named)
        assert "No figure of these months changes." in text_of(named)

    def test_days_of_free_trial_are_named_too(self):
        contract = Contract.objects.get()
        page = Opened(
            signed_in(a_member("Administrator")), reverse("admin:agreements_contract_change", args=[contract.pk])
        )
        assert "closed months (2026-09)" in text_of(page.fill("trial_days", trial_days="245", why=WHY))
        assert page.fill("trial_days", trial_days="243", why=WHY).status_code == 302


@pytest.mark.usefixtures("europe")
def test_a_move_to_another_region_is_named_before_it_is_saved():
    asia = a_region("asia", name="Asia")
    an_outage(asia, "2026-09-10 02:00", "2026-09-10 02:30", incident=an_incident(resolved_at=at("2026-09-10 02:30")))
    customer, admin = Contract.objects.get().customer, signed_in(a_member("Administrator"))
    page = Opened(admin, reverse("admin:customers_customer_change", args=[customer.pk]))
    named = page.fill("region", region=asia.pk, why="Served from Asia")
    assert "this changes the record of closed months (2026-09)" in text_of(named)
    assert "99.93055 % · 30 min unavailable ■ SLA breached" in text_of(named)
    assert Contract.objects.get().customer.region.code == "eu"
    assert filled(admin, named, page.url, "region").status_code == 302
    assert Contract.objects.get().customer.region == asia
    entry = Entry.objects.get(action="changed", subject_type="customers.customer")
    assert (entry.reason, entry.changes["closed_months"]) == ("Served from Asia", [None, ["2026-09"]])
