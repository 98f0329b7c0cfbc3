"""Closing a month, issuing its reports and adding evidence, through the pages."""

import hashlib
from pathlib import Path

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from incidents.models import Incident, Outage
from sla_portal.audit.models import Entry
from sla_portal.availability.models import ClosingRequest, Evidence, Exclusion, MonthClosing, RegionMonth
from sla_portal.availability.operations import judge_due_months
from sla_portal.customers.models import Customer, Region
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports.models import Report, ReportRun, Status
from sla_portal.reports.operations import queue_reports
from tests.support.builders import a_contract, a_customer, a_region, an_exclusion, an_incident, an_outage, at, on
from tests.support.closing import closed_by_two
from tests.support.desk import a_member, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db

NOW = at("2026-10-20 12:00")
CLOSE = "/admin/availability/months/2026-09/close/"


@pytest.fixture(autouse=True)
def the_present(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "files"
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def europe():
    eu = a_region()
    a_contract(a_customer(eu), "2026-01-01", "2026-12-31")
    return eu


def a_finished_incident(region, **values) -> Incident:
    given = {"detected_at": at("2026-09-10 02:01"), "resolved_at": at("2026-09-10 02:30"), "attributable": True}
    incident = an_incident(**{**given, **values})
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:30", incident=incident)
    return incident


def queued() -> list[tuple[str, int]]:
    for run in ReportRun.objects.filter(made_at__isnull=True):
        queue_reports(run_id=run.pk, now=NOW)
    return list(Report.objects.order_by("number", "revision").values_list("number", "revision"))


def shown(client) -> dict[str, str]:
    """What the form of the page carries of the figures that it shows."""
    return {"shown": client.get(CLOSE).context["shown"]}


def closed(**given):
    """Close the month, or correct it, by two persons of Legal; return the last page."""
    people = [
        signed_in(User.objects.filter(username=name).first() or a_member("Legal", name)) for name in ("one", "two")
    ]
    people[0].post(CLOSE, {**shown(people[0]), **given})
    request = ClosingRequest.objects.get(status="pending")
    return people[1].post(reverse("admin:confirm_closing", args=["2026-09", request.pk]), follow=True)


def test_open_items_are_listed_and_the_month_cannot_be_closed(europe):
    incident = a_finished_incident(europe, attributable=None)
    page = signed_in(a_member("Legal")).get(CLOSE)
    assert f"Pending classification {incident.reference}" in text_of(page)
    assert "Close September 2026</button>" not in page.content.decode()


def test_a_month_is_closed_and_its_reports_are_revision_1_and_a_correction_revision_2(europe):
    legal = signed_in(a_member("Legal"))
    incident = a_finished_incident(europe)
    assert "Ready to close" in text_of(legal.get(CLOSE))
    assert "Its figures are frozen" in text_of(closed())
    assert {revision for _number, revision in queued()} == {1}
    unchanged = text_of(legal.get(CLOSE))
    assert "There is nothing to correct." in unchanged
    assert "Request correction" not in unchanged

    Outage.objects.filter(incident=incident).update(ended_at=at("2026-09-10 02:20"))
    judge_due_months(now=NOW)
    page = text_of(legal.get(CLOSE))
    assert "the record no longer agrees with the closed figures" in page
    assert "20 min unavailable" in page
    assert "Request correction" in page
    closed(reason="The end was mistyped")
    assert [closing.revision for closing in MonthClosing.objects.all()] == [2, 1]
    revisions = queued()
    assert {revision for _number, revision in revisions} == {1, 2}
    second = Report.objects.get(region=europe, revision=2).statement["issue"]
    assert second["reason"] == "The end was mistyped"
    assert {"what": "unavailable_minutes", "before": 30, "after": 20} in second["changes"]
    assert Report.objects.get(region=europe, revision=1).statement["figures"]["unavailable_minutes"] == 30


def test_a_correction_without_a_reason_changes_nothing(europe):
    legal = signed_in(a_member("Legal"))
    closed()
    assert legal.post(CLOSE, {**shown(legal), "reason": "  "}).status_code == 200
    assert MonthClosing.objects.count() == 1
    assert not ClosingRequest.objects.filter(status="pending").exists()


def test_reports_of_a_closed_month_that_deviates_are_not_issued(europe):
    legal = signed_in(a_member("Legal"))
    incident = a_finished_incident(europe)
    closed()
    runs = ReportRun.objects.count()
    Outage.objects.filter(incident=incident).update(ended_at=at("2026-09-10 02:20"))
    answer = legal.post("/admin/availability/months/2026-09/issue/", follow=True)
    assert "Correct the month first" in text_of(answer)
    assert ReportRun.objects.count() == runs


def test_a_change_between_request_and_queueing_is_not_reported(europe):
    incident = a_finished_incident(europe)
    closed()
    Outage.objects.filter(incident=incident).update(ended_at=at("2026-09-10 02:20"))
    assert queued() == []
    assert "Correct the month first" in ReportRun.objects.get().error


@pytest.mark.parametrize("role", ["NOC", "Support", "Auditor"])
def test_other_roles_neither_close_nor_issue(role, europe):
    somebody = signed_in(a_member(role))
    for address in (CLOSE, "/admin/availability/months/2026-09/issue/"):
        assert somebody.post(address).status_code == 403
    assert not MonthClosing.objects.exists()
    assert not ReportRun.objects.exists()


def test_an_administrator_issues_reports_and_closes_no_month(europe):
    a_finished_incident(europe)
    administrator = signed_in(a_member("Administrator"))
    assert administrator.post(CLOSE).status_code == 403
    assert not MonthClosing.objects.exists()
    administrator.post("/admin/availability/months/2026-09/issue/", {"region": "eu"})
    assert ReportRun.objects.count() == 1


@pytest.mark.parametrize("month", ["2026-13", "x", "0000-00", "2026-9"])
def test_an_invalid_month_is_not_found(month, europe):
    legal = signed_in(a_member("Legal"))
    assert legal.get(f"/admin/availability/months/{month}/close/").status_code == 404
    assert legal.post(f"/admin/availability/months/{month}/issue/").status_code == 404


def test_a_report_is_issued_by_a_button_and_its_progress_is_shown(europe):
    a_finished_incident(europe)
    legal = signed_in(a_member("Legal"))
    asked = legal.post("/admin/availability/months/2026-09/issue/", {"region": "eu"}, follow=True)
    assert "still comparing figures" in text_of(asked)
    assert queued() == [("SLA-2026-09-EU", 1)]
    run = ReportRun.objects.get()
    assert "0 of 1 are ready" in text_of(legal.get(f"/admin/reports/runs/{run.pk}/"))
    Report.objects.update(status=Status.FAILED, error="OSError: the disk is full")
    part = legal.get(f"/admin/reports/runs/{run.pk}/?part=progress")
    assert "the disk is full" in text_of(part)
    assert "<html" not in part.content.decode()
    assert "SLA-2026-09-EU" in text_of(legal.get("/admin/reports/report/"))


def test_a_month_that_has_not_begun_gets_a_sentence(europe):
    legal = signed_in(a_member("Legal"))
    answer = legal.post("/admin/availability/months/2027-01/issue/", {"region": "eu"}, follow=True)
    assert "2027-01 has not begun yet" in text_of(answer)


def test_evidence_is_added_shown_with_its_hash_and_downloaded(europe):
    incident = a_finished_incident(europe, attributable=False)
    exclusion = an_exclusion(incident, status="proposed")
    noc = signed_in(a_member("NOC"))
    content = b"%PDF-1.7 <script>alert(1)</script>"
    address = f"/admin/availability/exclusion/{exclusion.pk}/evidence/"
    answer = noc.post(address, {"file": SimpleUploadedFile("Order 命令.pdf", content)}, follow=True)
    assert "Order 命令.pdf was added as evidence" in text_of(answer)
    assert hashlib.sha256(content).hexdigest()[:16] in text_of(noc.get(page_of(incident)))
    saved = noc.get(reverse("admin:evidence_file", args=[Evidence.objects.get().pk]))
    assert saved.content == content
    assert saved["Content-Disposition"].startswith("attachment;")
    assert (saved["X-Content-Type-Options"], saved["Content-Security-Policy"]) == ("nosniff", "sandbox")
    assert Entry.objects.filter(action="added evidence to").count() == 1


def test_evidence_that_is_not_accepted_gets_a_sentence(europe):
    incident = a_finished_incident(europe, attributable=False)
    exclusion = an_exclusion(incident, status="proposed")
    noc = signed_in(a_member("NOC"))
    address = f"/admin/availability/exclusion/{exclusion.pk}/evidence/"
    answer = noc.post(address, {"file": SimpleUploadedFile("a.exe", b"MZ")}, follow=True)
    assert "Files of this type are not accepted" in text_of(answer)
    assert "Choose a file first" in text_of(noc.post(address, follow=True))
    assert signed_in(a_member("Support")).post(address).status_code == 403
    assert not Evidence.objects.exists()
    assert Exclusion.objects.get().status == "proposed"


def test_evidence_that_was_changed_on_disk_cannot_be_downloaded(europe):
    incident = a_finished_incident(europe, attributable=False)
    exclusion = an_exclusion(incident, status="proposed")
    noc = signed_in(a_member("NOC"))
    noc.post(
        f"/admin/availability/exclusion/{exclusion.pk}/evidence/", {"file": SimpleUploadedFile("a.txt", b"before")}
    )
    evidence = Evidence.objects.get()
    Path(evidence.file.path).write_bytes(b"after")
    answer = noc.get(reverse("admin:evidence_file", args=[evidence.pk]))
    assert answer.status_code == 410
    assert b"after" not in answer.content


@pytest.mark.parametrize("incidents", [2, 20])
def test_the_close_page_takes_a_fixed_number_of_queries(incidents, europe, django_assert_max_num_queries):
    for _ in range(incidents):
        a_finished_incident(europe, attributable=None)
    legal = signed_in(a_member("Legal"))
    with django_assert_max_num_queries(60):
        legal.get(CLOSE)


@pytest.mark.usefixtures("europe")
class TestTwoPersons:
    def test_who_requests_cannot_confirm_and_the_other_can(self):
        one, two = (signed_in(a_member("Legal", name)) for name in ("one", "two"))
        assert "Request to close September 2026" in text_of(one.get(CLOSE))
        one.post(CLOSE, shown(one))
        assert not MonthClosing.objects.exists()
        confirm = reverse("admin:confirm_closing", args=["2026-09", ClosingRequest.objects.get().pk])
        page = text_of(one.get(CLOSE))
        assert "requested to close the month" in page
        assert "Withdraw request" in page
        assert "Confirm: close" not in page
        assert "another person must confirm it" in text_of(one.post(confirm))
        assert not MonthClosing.objects.exists()
        home = text_of(two.get("/admin/"))
        assert "2026-09 not closed" in home
        assert "requested by Legal" in home
        assert "Confirm: close September 2026" in text_of(two.get(CLOSE))
        assert "Requested by Legal." in text_of(two.post(confirm, follow=True))
        assert "is now “confirmed”" in text_of(two.post(confirm))

    def test_what_moved_on_is_not_confirmed(self, europe):
        one, two = (signed_in(a_member("Legal", name)) for name in ("one", "two"))
        one.post(CLOSE, shown(one))
        a_finished_incident(europe)
        confirm = reverse("admin:confirm_closing", args=["2026-09", ClosingRequest.objects.get().pk])
        page = text_of(two.get(CLOSE))
        assert "no longer those of the request" in page
        assert "Confirm: close" not in page
        assert "have changed since they were shown" in text_of(two.post(confirm))
        assert not MonthClosing.objects.exists()

    def test_figures_that_changed_while_the_page_was_open_are_shown_again(self, europe):
        one = signed_in(a_member("Legal"))
        seen = shown(one)
        a_finished_incident(europe)
        page = one.post(CLOSE, seen)
        assert "have changed since they were shown" in text_of(page)
        assert not ClosingRequest.objects.exists()
        one.post(CLOSE, {"shown": page.context["shown"]})
        assert ClosingRequest.objects.count() == 1

    def test_a_request_is_sent_back_with_a_reason_or_withdrawn(self):
        one, two = (signed_in(a_member("Legal", name)) for name in ("one", "two"))
        one.post(CLOSE, shown(one))
        back = reverse("admin:return_closing", args=["2026-09", ClosingRequest.objects.get().pk])
        assert "Say why the request is sent back." in text_of(two.post(back))
        assert "Withdraw the request instead" in text_of(one.post(back, {"reason": "So"}))
        assert "sent back" in text_of(two.post(back, {"reason": "The ticket is missing"}, follow=True))
        assert "The ticket is missing" in text_of(one.get(CLOSE))
        one.post(CLOSE, shown(one))
        withdraw = reverse("admin:withdraw_closing", args=["2026-09", ClosingRequest.objects.latest("id").pk])
        assert "Another person requested this" in text_of(two.post(withdraw))
        assert "The request was withdrawn." in text_of(one.post(withdraw, follow=True))
        assert [request.status for request in ClosingRequest.objects.order_by("id")] == ["returned", "withdrawn"]
        assert not MonthClosing.objects.exists()

    @pytest.mark.parametrize("role", ["NOC", "Support", "Auditor"])
    def test_only_legal_decides(self, role):
        one = signed_in(a_member("Legal"))
        one.post(CLOSE, shown(one))
        for step in ("confirm", "return", "withdraw"):
            address = reverse(f"admin:{step}_closing", args=["2026-09", ClosingRequest.objects.get().pk])
            assert signed_in(a_member(role, f"{role}-{step}")).post(address).status_code == 403
        assert ClosingRequest.objects.get().status == "pending"

    def test_where_the_second_person_is_switched_off_one_closes_and_the_page_says_so(self, settings):
        settings.CLOSING_NEEDS_SECOND_PERSON = False
        one = signed_in(a_member("Legal"))
        assert "The second person is switched off in the settings" in text_of(one.get(CLOSE))
        page = text_of(one.post(CLOSE, shown(one), follow=True))
        assert "Closed by one person; the second was switched off in the settings." in page
        assert MonthClosing.objects.get().one_person is True
        assert Entry.objects.get(action="closed").changes == {"one_person": [None, True]}


@pytest.mark.usefixtures("europe")
def test_a_month_before_the_first_of_service_is_not_offered():
    legal = signed_in(a_member("Legal"))
    address = "/admin/availability/months/2025-12/close/"
    page = text_of(legal.get(address))
    assert "2025-12 lies before the first contract and the first outage on record (2026-01-01)" in page
    assert "Request to close" not in page
    assert "Issue the reports" not in page
    assert "lies before the first contract" in text_of(legal.post(address, {"shown": ""}))
    answer = legal.post("/admin/availability/months/2025-12/issue/", {"region": "eu"}, follow=True)
    assert "lies before the first contract" in text_of(answer)
    assert not ReportRun.objects.exists()


def test_the_pages_name_regions_without_a_first_service_day_and_offer_no_month_before_it(europe):
    legal, administrator = signed_in(a_member("Legal")), signed_in(a_member("Administrator"))
    a_contract(a_customer(europe), "2025-01-01", "2026-12-31")
    judge_due_months(now=NOW)
    assert "2025-01 not closed" in text_of(legal.get("/admin/"))
    for address in (CLOSE, "/admin/", "/admin/availability/months/"):
        assert "No first service day is on record for Eu: its months are offered" in text_of(legal.get(address))
    page = administrator.get("/admin/availability/months/")
    assert 'href="/admin/customers/region/">Enter the first service day' in page.content.decode()
    Region.objects.update(first_service_day=on("2026-09-15"))
    # At once, before anything is computed again.
    home = text_of(legal.get("/admin/"))
    assert "2026-09 not closed" in home
    assert "2026-08 not closed" not in home
    assert "No first service day" not in home
    before = text_of(legal.get("/admin/availability/months/2026-08/close/"))
    assert "2026-08 lies before the first service day (2026-09-15)" in before
    assert "Request to close" not in before
    judge_due_months(now=NOW)
    overview = text_of(legal.get("/admin/availability/months/"))
    assert "September 2026" in overview and "August 2026" not in overview
    customer = Customer.objects.latest("pk")
    page = text_of(legal.get(f"/admin/availability/months/2026-09/customer/{customer.code}/"))
    assert "A contract is in force on days on which Eu is not in service." in page
    closed_by_two(ServiceMonth(2026, 9), NOW)
    assert RegionMonth.objects.get(month=on("2026-09-01")).total_minutes == 16 * 1440


@pytest.mark.usefixtures("europe")
def test_a_month_before_the_first_version_is_refused():
    legal = signed_in(a_member("Legal"))
    address = "/admin/availability/months/1999-12/close/"
    assert "No agreement version is in force on 1999-12-01" in text_of(legal.get(address))
    assert "No agreement version is in force on 1999-12-01" in text_of(legal.post(address, {"shown": ""}))
    assert not ClosingRequest.objects.exists()
