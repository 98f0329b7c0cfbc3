"""Reports are requested, queued once for each change, rendered once, and never changed."""

from datetime import timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path
from threading import Thread

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import NotAllowed
from sla_portal.availability.models import MonthClosing
from sla_portal.availability.operations import judge_month
from sla_portal.kernel.months import ServiceMonth
from sla_portal.reports import operations
from sla_portal.reports.models import Report, ReportRun, Status
from sla_portal.reports.operations import (
    MonthDeviates,
    MonthNotBegun,
    NotInService,
    due_chunks,
    queue_reports,
    release_expired_leases,
    render_chunk,
    request_missing_reports,
    request_reports,
)
from sla_portal.reports.pdf import render
from sla_portal.reports.queries import FileDamaged, file_of, progress
from tests.support.builders import a_contract, a_customer, a_region, an_outage, at, on
from tests.support.operators import GMBH, a_logo, an_operator

pytestmark = [pytest.mark.django_db, pytest.mark.pdf]

SEPTEMBER = ServiceMonth(2026, 9)
NOW = at("2026-10-14 01:00")
PORTAL = Actor.system("test")


@pytest.fixture(autouse=True)
def files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def a_served_customer(region, code, **values):
    customer = a_customer(region, code, **values)
    a_contract(customer, "2026-01-01", "2026-12-31")
    return customer


def queue(now=NOW, **asked) -> ReportRun:
    run = request_reports(actor=PORTAL, month=SEPTEMBER, now=now, **asked)
    assert queue_reports(run_id=run.pk, now=now)
    run.refresh_from_db()
    return run


def print_all() -> int:
    return sum(render_chunk(ids=ids, clock=lambda: NOW) for ids in due_chunks())


def clock():
    return NOW


def test_every_region_and_every_customer_in_contract_gets_a_report():
    region = a_region("eu")
    a_served_customer(region, "C-1")
    a_customer(region, "C-2")
    run = queue()
    assert sorted(run.reports.values_list("number", flat=True)) == ["SLA-2026-09-EU", "SLA-2026-09-EU-C-1"]
    assert print_all() == 2
    report = Report.objects.get(number="SLA-2026-09-EU-C-1")
    assert report.status == Status.READY
    assert file_of(report) == render(report.statement)
    assert report.file_sha256 == sha256(file_of(report)).hexdigest()
    assert report.file_name == "SLA-2026-09-EU-C-1-r1.pdf"


def test_only_requested_reports_are_queued():
    region = a_region("eu")
    a_region("us")
    customer = a_served_customer(region, "C-1")
    a_served_customer(region, "C-2")
    assert [report.number for report in queue(customers=[customer]).reports.all()] == ["SLA-2026-09-EU-C-1"]
    assert [report.number for report in queue(regions=[region]).reports.all()] == ["SLA-2026-09-EU"]


def test_the_same_figures_are_issued_once():
    region = a_region("eu")
    a_served_customer(region, "C-1")
    queue()
    again = queue(now=NOW + timedelta(days=1))
    assert (again.reports.count(), again.unchanged) == (0, 2)


def test_a_correction_is_a_revision_that_lists_its_changes_and_supersedes():
    region = a_region("eu")
    queue()
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:07")
    (second,) = queue(now=NOW + timedelta(days=1)).reports.all()
    first = Report.objects.get(revision=1)
    assert (second.revision, second.supersedes) == (2, first)
    told = {change["what"]: change for change in second.statement["issue"]["changes"]}
    assert told["unavailable_minutes"] == {"what": "unavailable_minutes", "before": 0, "after": 7}
    assert told["met"] == {"what": "met", "before": True, "after": False}
    assert told["events"] == {"what": "events", "before": 0, "after": 1, "added": 1, "removed": 0, "changed": 0}


def test_a_request_is_in_the_audit_log():
    queue(regions=[a_region("eu")])
    entry = Entry.objects.get(action="requested reports")
    assert entry.changes["month"] == [None, "2026-09"]
    assert entry.changes["regions"] == [None, ["eu"]]


def test_a_request_needs_the_permission():
    noc = User.objects.create(username="noc")
    with pytest.raises(NotAllowed):
        request_reports(actor=Actor.staff(noc), month=SEPTEMBER, now=NOW)


def test_a_month_that_has_not_begun_on_the_sla_clock_is_refused():
    with pytest.raises(MonthNotBegun, match="2026-11 has not begun yet"):
        request_reports(actor=PORTAL, month=ServiceMonth(2026, 11), now=at("2026-10-31 15:59"))
    request_reports(actor=PORTAL, month=ServiceMonth(2026, 11), now=at("2026-10-31 16:00"))


def test_a_closed_month_that_deviates_is_corrected_first():
    region = a_region("eu")
    judge_month(region=region, month=SEPTEMBER, now=NOW)
    MonthClosing.objects.create(month=on("2026-09-01"), closed_at=NOW, closed_by_name="Legal")
    request_reports(actor=PORTAL, month=SEPTEMBER, now=NOW)
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:07")
    with pytest.raises(MonthDeviates, match="Correct the month first"):
        request_reports(actor=PORTAL, month=SEPTEMBER, now=NOW)


def test_a_customer_without_contract_in_the_month_is_refused_by_name():
    with pytest.raises(NotInService, match="These customers have no contract in 2026-09: C-9"):
        request_reports(actor=PORTAL, month=SEPTEMBER, customers=[a_customer(a_region(), "C-9")], now=NOW)


def test_the_schedule_requests_the_missing_reports_of_last_month_only():
    region = a_region("eu")
    a_served_customer(region, "C-1")
    run = request_missing_reports(now=NOW)
    assert run.month == on("2026-09-01")
    assert request_missing_reports(now=NOW) is None, "asked for already"
    queue_reports(run_id=run.pk, now=NOW)
    assert request_missing_reports(now=NOW) is None, "nothing is missing"
    an_outage(region, "2026-09-10 02:00", "2026-09-10 02:07")
    a_served_customer(region, "C-2")
    late = request_missing_reports(now=NOW)
    queue_reports(run_id=late.pk, now=NOW)
    assert [report.number for report in late.reports.all()] == ["SLA-2026-09-EU-C-2"]


def test_a_request_is_processed_by_one_worker_and_resumed_after_its_lease():
    a_region("eu")
    run = request_reports(actor=PORTAL, month=SEPTEMBER, now=NOW)
    ReportRun.objects.update(leased_until=NOW + timedelta(minutes=16))
    assert not queue_reports(run_id=run.pk, now=NOW)
    assert queue_reports(run_id=run.pk, now=NOW + timedelta(minutes=17))
    assert not queue_reports(run_id=run.pk, now=NOW + timedelta(minutes=17))


def test_a_chunk_takes_a_fixed_number_of_queries(django_assert_max_num_queries):
    region = a_region("eu")
    for number in range(9):
        a_served_customer(region, f"C-{number}")
    run = request_reports(actor=PORTAL, month=SEPTEMBER, now=NOW)
    with django_assert_max_num_queries(55):
        queue_reports(run_id=run.pk, now=NOW)
    assert run.reports.count() == 10


def test_a_leased_report_is_left_and_one_whose_worker_died_is_rendered_after_its_lease():
    a_region("eu")
    (report,) = queue().reports.all()
    Report.objects.update(status=Status.RENDERING, lease="0" * 32, leased_until=NOW + timedelta(minutes=2), attempts=1)
    release_expired_leases(now=NOW)
    assert print_all() == 0
    release_expired_leases(now=NOW + timedelta(minutes=3))
    assert print_all() == 1
    report.refresh_from_db()
    assert (report.status, report.attempts) == (Status.READY, 2)


def test_what_an_interrupted_worker_left_on_the_disk_is_replaced():
    a_region("eu")
    (report,) = queue().reports.all()
    report.file.storage.save(f"reports/2026-09/{report.pk}.pdf", ContentFile(b"%PDF-1.7 and then the"))
    print_all()
    report.refresh_from_db()
    assert report.file.name == f"reports/2026-09/{report.pk}.pdf"
    assert file_of(report).endswith(b"%%EOF\n")


def test_a_report_that_kills_its_worker_three_times_fails():
    a_region("eu")
    (report,) = queue().reports.all()
    Report.objects.update(status=Status.RENDERING, lease="0" * 32, leased_until=NOW - timedelta(minutes=2), attempts=3)
    release_expired_leases(now=NOW)
    report.refresh_from_db()
    assert report.status == Status.FAILED
    assert "worker stopped" in report.error


def test_a_report_with_an_error_fails_after_three_attempts_and_leaves_the_others():
    region = a_region("eu")
    a_served_customer(region, "C-1")
    run = queue()
    broken = run.reports.get(region=region)
    Report.objects.filter(pk=broken.pk).update(statement={"figures": {}, "issue": {}})
    for _ in range(3):
        print_all()
    broken.refresh_from_db()
    assert (broken.status, broken.attempts) == (Status.FAILED, 3)
    assert broken.error == "KeyError: 'language'"
    state = progress(run, NOW)
    assert (state.ready, state.failed, state.waiting, state.over) == (1, 1, 0, True)


def test_a_failed_report_is_retried_on_request():
    a_region("eu")
    queue()
    Report.objects.update(status=Status.FAILED, attempts=3, error="Disk full")
    queue(now=NOW + timedelta(hours=1))
    assert print_all() == 1


def test_progress_estimates_the_end_from_the_rate():
    a_region("eu")
    a_region("us")
    run = queue()
    assert progress(run, NOW).expected_end is None
    render_chunk(ids=due_chunks()[0][:1], clock=lambda: NOW + timedelta(seconds=10))
    state = progress(run, NOW + timedelta(seconds=10))
    assert (state.total, state.ready, state.waiting) == (2, 1, 1)
    assert state.expected_end == NOW + timedelta(seconds=20)


def test_reports_that_share_pages_are_adjacent_in_the_queue():
    region = a_region("eu")
    for number in range(6):
        customer = a_customer(region, f"C-{number}")
        a_contract(customer, "2026-01-01", "2026-09-15" if number % 2 else "2026-12-31")
    queue()
    (chunk,) = due_chunks()
    shared = [Report.objects.get(pk=pk).shared_sha256 for pk in chunk]
    assert len(set(shared)) == 2
    assert shared == sorted(shared)


@pytest.mark.django_db(transaction=True)
def test_two_workers_render_each_report_once():
    region = a_region("eu")
    for number in range(5):
        a_served_customer(region, f"C-{number}")
    queue()
    ids = [pk for chunk in due_chunks() for pk in chunk]
    printed = []

    def work():
        try:
            printed.append(render_chunk(ids=ids, clock=clock))
        finally:
            connection.close()

    workers = [Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sum(printed) == 6
    assert set(Report.objects.values_list("status", "attempts")) == {(Status.READY, 1)}


@pytest.mark.parametrize("change", ["statement", "number", "file_sha256", "status"])
def test_a_ready_report_cannot_be_changed(change):
    a_region("eu")
    queue()
    print_all()
    with pytest.raises(IntegrityError, match="reports_report_is_only_added_to"), transaction.atomic():
        Report.objects.update(**{change: "queued" if change == "status" else "x"})


def test_a_ready_report_cannot_be_deleted():
    a_region("eu")
    queue()
    print_all()
    with pytest.raises(IntegrityError, match="reports_report_is_only_added_to"), transaction.atomic():
        Report.objects.all()._raw_delete("default")


@pytest.mark.parametrize(
    ("broken", "promise"),
    [
        ({"region": None}, "a_report_is_of_one_region_or_one_customer"),
        ({"revision": 2}, "a_further_revision_supersedes_one"),
        ({"status": "lost"}, "a_report_has_a_known_status"),
        ({"status": "ready"}, "a_ready_report_has_a_file_with_a_hash"),
        ({"status": "rendering"}, "a_report_is_leased_while_it_is_printed"),
    ],
)
def test_the_database_rejects_an_invalid_report(broken, promise):
    a_region("eu")
    queue()
    with pytest.raises(IntegrityError, match=promise), transaction.atomic():
        Report.objects.update(**broken)


def test_a_month_has_each_revision_once():
    a_region("eu")
    (report,) = queue().reports.all()
    report.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        report.save(force_insert=True)


def test_a_damaged_file_cannot_be_downloaded():
    a_region("eu")
    queue()
    print_all()
    report = Report.objects.get()
    path = Path(report.file.path)
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(FileDamaged, match="missing or damaged"):
        file_of(report)


def a_printed_report() -> Report:
    a_region("eu")
    queue()
    print_all()
    return Report.objects.get()


def signed_in(client, *rights: str):
    user = User.objects.create_user("somebody", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=rights))
    client.force_login(user, "django.contrib.auth.backends.ModelBackend")
    return client


@pytest.mark.parametrize(("query", "kind"), [("", "attachment"), ("?inline", "inline")])
def test_users_with_the_permission_download_the_file(client, query, kind):
    report = a_printed_report()
    answer = signed_in(client, "view_report").get(reverse("report_file", args=[report.pk]) + query)
    assert answer.content == file_of(report)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["Content-Disposition"] == f'{kind}; filename="SLA-2026-09-EU-r1.pdf"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer.headers["Cache-Control"]


def test_users_without_the_permission_are_refused_and_anonymous_users_sent_to_the_login(client):
    address = reverse("report_file", args=[a_printed_report().pk])
    assert client.get(address).status_code == 302
    assert signed_in(client).get(address).status_code == 403


def test_a_queued_report_has_no_file(client):
    a_region("eu")
    (report,) = queue().reports.all()
    assert signed_in(client, "view_report").get(reverse("report_file", args=[report.pk])).status_code == 404


def test_the_command_renders_here_and_lists_what_it_issued():
    region = a_region("eu")
    a_served_customer(region, "C-1")
    said = StringIO()
    call_command("monthlyreport", "2026-09", "--customer", "C-1", "--here", stdout=said)
    report = Report.objects.get()
    assert said.getvalue() == f"SLA-2026-09-EU-C-1 revision 1: {report.file.name}\n"
    call_command("monthlyreport", "2026-09", "--customer", "C-1", "--here", stdout=said)
    assert said.getvalue().endswith("Unchanged since their last revision: 1\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["2026-13"], "There is no service month 2026-13."),
        (["September"], "“September” is not a month."),
        (["2026-09", "--region", "xx"], "There is no region with the code xx."),
        (["2026-09", "--customer", "C-9"], "There is no customer with the code C-9."),
        (["2026-09", "--now", "yesterday"], "Write an instant with its offset"),
    ],
)
def test_the_command_refuses_with_a_sentence(arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("monthlyreport", *arguments, "--here")


@pytest.mark.django_db(transaction=True)
def test_a_worker_issues_what_the_command_requests(worker):
    region = a_region("eu")
    a_served_customer(region, "C-1")
    said = StringIO()
    call_command("monthlyreport", "2026-09", stdout=said)
    assert "SLA-2026-09-EU-C-1 revision 1: reports/2026-09/" in said.getvalue()
    assert set(Report.objects.values_list("status", flat=True)) == {Status.READY}


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_while_rendering_loses_nothing_and_renders_nothing_twice(worker):
    region = a_region("eu")
    for number in range(30):
        a_served_customer(region, f"C-{number}")
    from sla_portal.reports import tasks

    queue()
    tasks.render_due_reports.delay()
    worker.wait_until(lambda: Report.objects.filter(status=Status.READY).count() >= 3)
    worker.kill()
    before = dict(Report.objects.filter(status=Status.READY).values_list("pk", "file_sha256"))
    assert len(before) < 31
    worker.start()
    release_expired_leases(now=timezone.now() + operations.LEASE)
    tasks.render_due_reports.delay()
    worker.wait_until(lambda: Report.objects.filter(status=Status.READY).count() == 31)
    after = Report.objects.filter(pk__in=before)
    assert dict(after.values_list("pk", "file_sha256")) == before
    assert set(after.values_list("attempts", flat=True)) == {1}


def test_a_report_states_the_operator_the_contracts_in_force_who_closed_and_who_issued(settings):
    settings.OPERATOR_NAME, settings.OPERATOR_ADDRESS = "Example Intercom Cloud GmbH", "Hafenstraße 12, Hamburg"
    customer = a_customer(a_region("eu"), "C-1")
    for reference, first, last in (("K-1", "2026-01-01", "2026-09-10"), ("K-2", "2026-09-20", "2027-03-31")):
        a_contract(customer, first, last, reference=reference)
    a_contract(customer, "2027-04-01", "2027-12-31", reference="K-3")
    judge_month(region=customer.region, month=SEPTEMBER, now=NOW)
    MonthClosing.objects.create(month=SEPTEMBER.first_day, closed_at=NOW, closed_by_name="Lena Legal", one_person=True)
    MonthClosing.objects.create(
        month=SEPTEMBER.first_day, revision=2, closed_at=NOW, closed_by_name="Lena Legal", one_person=True,
        reason="An end was mistyped",
    )  # fmt: skip
    queue()
    issue = Report.objects.get(customer=customer).statement["issue"]
    assert issue["parties"] == {
        "operator_name": "Example Intercom Cloud GmbH",
        "operator_address": "Hafenstraße 12, Hamburg",
        "contracts": [
            {"reference": "K-1", "first_day": "2026-01-01", "last_day": "2026-09-10"},
            {"reference": "K-2", "first_day": "2026-09-20", "last_day": "2027-03-31"},
        ],
    }
    assert (issue["closing"]["revision"], issue["closing"]["reason"]) == (2, "An end was mistyped")
    assert issue["issued_by"] == PORTAL.name
    assert Report.objects.get(region__isnull=False).statement["issue"]["parties"]["contracts"] == []


def test_a_report_keeps_the_identity_that_it_was_issued_with():
    region = a_region("eu")
    for code, language in (("C-1", "en"), ("C-2", "zh-hans")):
        a_contract(a_customer(region, code, language=language), "2026-01-01", "2026-12-31")
    judge_month(region=region, month=SEPTEMBER, now=NOW)
    logo = an_operator(logo=a_logo()).logo
    queue()
    an_operator(name="Another Cloud GmbH")
    parties = {report.language: report.statement["issue"]["parties"] for report in Report.objects.order_by("-pk")}
    assert [parties[language]["operator_name"] for language in ("en", "zh-hans")] == [GMBH["name"], GMBH["name_zh"]]
    assert {one["operator_logo"] for one in parties.values()} == {logo.sha256}
    assert operations.issuing._logo(Report.objects.first().statement) == bytes(logo.content)
