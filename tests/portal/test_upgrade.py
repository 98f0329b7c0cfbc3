"""A filled database of the build ee92c83 is migrated: its rows stay, and what new rules forbid blocks nothing."""

from collections.abc import Iterator
from datetime import date
from hashlib import sha256

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.urls import reverse
from time_machine import travel

from incidents.models import Incident
from incidents.operations import add_update
from incidents.queries import severities
from incidents.rules import Severity
from maintenance.models import MaintenanceWindow
from maintenance.operations import finish_work
from sla_portal.agreements.models import Contract
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import ClosedMonth, Document
from sla_portal.availability.models import CustomerMonth, Deviation, MonthClosing, RegionMonth
from sla_portal.availability.operations import close_month, judge_due_months, month_deviates
from sla_portal.customers.models import Region
from sla_portal.kernel.months import ServiceMonth
from sla_portal.operator.models import Basis
from sla_portal.reports.operations import check_documents
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_incident, an_outage, at
from tests.support.closing import closed_by_two
from tests.support.desk import a_member, page_of, signed_in, text_of

NOW = at("2026-11-20 12:00")
SYSTEM = Actor.system("test")
EARLIER = [
    ("audit", "0003_words_of_the_field"),
    ("customers", "0002_functions_and_clients_of_clause_1_4"),
    ("notices", "0007_words_of_the_field"),
    ("agreements", "0009_words_of_the_field"),
    ("incidents", "0002_words_of_the_field"),
    ("maintenance", "0003_words_of_the_field"),
    ("availability", "0005_words_of_the_field"),
    ("claims", "0006_words_of_the_field"),
    ("reports", "0005_words_of_the_field"),
    ("staff", "0001_submissions"),
]
"""The last migration of each app that leaves its tables as they were in that build: words of the field change none."""
JULY, AUGUST, SEPTEMBER = (ServiceMonth(2026, month) for month in (7, 8, 9))
BEFORE_SERVICE = ServiceMonth(2025, 12)


def a_day_down(region, day: str, start: str, end: str, **values) -> Incident:
    given = {"detected_at": at(f"{day} {start}"), "resolved_at": at(f"{day} {end}"), "attributable": True, **values}
    return an_outage(region, f"{day} {start}", f"{day} {end}", incident=an_incident(**given)).incident


def announced(reference: str, sent: str, start: str, end: str, **values) -> MaintenanceWindow:
    return a_window(start, end, (sent, start, end), reference=reference, **values)


def fill() -> None:
    """A year with three closed months, windows and incidents that are possible no more, and what is undecided."""
    europe = a_region("eu", name="Europe")
    a_contract(a_customer(europe, "C-1"), "2026-01-01", "2026-12-31")
    # Renewed by its days alone, and extended after that; two of which nothing says that one renews the other
    two = a_customer(europe, "C-12")
    a_contract(two, "2026-01-01", "2026-05-31", reference="K-A")
    a_contract(two, "2026-06-01", "2026-12-31", reference="K-B", monthly_charge="59.00")
    extended = {"extended_minutes": 1441, "extended_to": date(2026, 6, 2)}
    three = a_customer(europe, "C-13")
    a_contract(three, "2026-01-01", "2026-05-31", reference="K-C", **extended)
    a_contract(three, "2026-06-01", "2026-12-31", reference="K-D")
    four = a_customer(europe, "C-14")
    for reference, days in (
        ("K-E", ("2026-01-01", "2026-05-31")),
        ("K-F", ("2026-01-01", "2026-05-31")),
        ("K-G", ("2026-06-01", "2026-12-31")),
    ):
        a_contract(four, *days, reference=reference)
    # July: all of the downtime is excluded by a window that was over when it began; that build did not ask.
    early = announced("MW-EARLY", "2026-07-05 00:00", "2026-07-10 01:00", "2026-07-10 02:00")
    an_exclusion(a_day_down(europe, "2026-07-10", "01:20", "01:30", reference="INC-EARLY"), "4.1", maintenance=early)
    # August: acknowledged before it was detected, resolved before the outage ended
    wrong = {"acknowledged_at": at("2026-08-10 00:50"), "resolved_at": at("2026-08-10 01:40")}
    a_day_down(europe, "2026-08-10", "01:00", "02:00", reference="INC-WRONG", recorded_as_is=True, **wrong)
    # September: half of the downtime is excluded by a window of 26 hours
    long = announced("MW-LONG", "2026-09-05 00:00", "2026-09-10 01:00", "2026-09-11 03:00")
    an_exclusion(a_day_down(europe, "2026-09-11", "02:30", "03:30", reference="INC-HALF"), "4.1", maintenance=long)
    # Since then: announced when it was over; never started; at work for more than a day; planned for ten years
    announced("MW-PAST", "2026-10-02 00:00", "2026-10-01 01:00", "2026-10-01 02:00")
    announced("MW-IDLE", "2026-10-02 00:00", "2026-10-05 01:00", "2026-10-05 02:00")
    announced("MW-NOW", "2026-11-15 00:00", "2026-11-20 01:00", "2026-11-21 03:00", started_at=at("2026-11-20 01:00"))
    a_window("2026-12-01 00:00", "2036-12-01 00:00", reference="MW-YEARS")
    minor = an_incident("INC-MINOR", detected_at=at("2026-10-10 01:00"))
    an_outage(europe, "2026-10-10 01:00", None, functions=("login",), clients=("app",), incident=minor)
    an_exclusion(minor, status="proposed")
    judge_due_months(now=NOW)
    for month in (JULY, AUGUST, SEPTEMBER):
        close_month(actor=SYSTEM, month=month, now=NOW)


def rows(models) -> dict[str, list[dict]]:
    """All rows of the models in the fields that they have."""
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in models}


@pytest.fixture
def before(transactional_db) -> Iterator[dict[str, list[dict]]]:
    """The rows of the database before it was migrated."""
    with travel(NOW, tick=False):
        fill()
        executor = MigrationExecutor(connection)
        executor.migrate(EARLIER)
        old = executor.loader.project_state(EARLIER).apps
        try:
            windows = old.get_model("maintenance", "MaintenanceWindow").objects
            windows.filter(reference="MW-EARLY").update(started_at=at("2026-07-10 01:00"), completed_at=at("2026-07-10 01:10"))  # fmt: skip
            # That build closed any month, also one before the service.
            months = old.get_model("availability", "RegionMonth").objects
            may = months.filter(month=date(2026, 5, 1)).values().get()
            months.create(**may | {"id": None, "month": BEFORE_SERVICE.first_day})
            old.get_model("availability", "MonthClosing").objects.create(
                month=BEFORE_SERVICE.first_day, closed_at=NOW, closed_by_name="Lena"
            )
            ours = {app for app, _migration in EARLIER}
            found = rows(model for model in old.get_models() if model._meta.app_label in ours)
        finally:
            call_command("migrate", verbosity=0)
        yield found


def after(before: dict[str, list[dict]]) -> dict[str, list[dict]]:
    """The rows of the same tables now, in the fields that they had."""
    return {
        label: list(apps.get_model(label)._base_manager.order_by("pk").values(*(found[0] if found else ["pk"])))
        for label, found in before.items()
    }


def figures() -> list[dict]:
    closed = MonthClosing.objects.values("month")
    kinds = (RegionMonth, CustomerMonth)
    return [row for kind in kinds for row in kind.objects.filter(month__in=closed).order_by("pk").values()]


def test_rows_and_closed_figures_stay_and_what_breaks_a_new_rule_is_listed_and_blocks_nothing(before):
    assert after(before) == before
    kinds = ("audit.Entry", "maintenance.MaintenanceNotice", "availability.Exclusion", "availability.CustomerMonth")
    assert all(before[label] for label in kinds)
    basis = Basis.objects.get()
    assert (basis.time_zone, basis.workday_country, basis.saved_by_name) == ("Asia/Shanghai", "CN", "upgrade")
    noc, legal = signed_in(a_member("NOC")), signed_in(a_member("Legal", "lena"))
    what_was_issued_is_registered(legal)
    rows_block_nothing(noc, legal)
    closed_months_stand(legal)
    service_days_touch_no_closed_month(legal)
    contracts_are_linked_by_their_days()


def contracts_are_linked_by_their_days() -> None:
    renewals = Contract.objects.filter(renews__isnull=False).order_by("reference")
    assert list(renewals.values_list("reference", "renews__reference")) == [("K-B", "K-A"), ("K-D", "K-C")]
    named = text_of(signed_in(a_member("Administrator", "ada")).get(reverse("admin:index")))
    assert "K-D begins on 2026-06-01; K-C, which it renews, ends on 2026-06-02" in named
    assert "K-B begins" not in named
    with pytest.raises(IntegrityError), transaction.atomic():
        Contract.objects.filter(reference="K-A").update(ends_on=date(2026, 6, 1))


def what_was_issued_is_registered(legal: Client) -> None:
    """That build had no register; a closing states who closed the month and when, but no figures."""
    assert check_documents(now=NOW).findings == []
    closings = Document.objects.filter(kind="closing", seal__sealed_at=None)
    assert sorted(closings.values_list("about", "issued_at")) == [
        (month, NOW) for month in ("2025-12", "2026-07", "2026-08", "2026-09")
    ]
    content = legal.get(reverse("admin:closing_file", args=["2026-08", 1])).content
    assert sha256(content).hexdigest() == closings.get(about="2026-08").sha256
    assert b'"closed_at":"2026-11-20T12:00:00Z","closed_by":"test"' in content


def rows_block_nothing(noc: Client, legal: Client) -> None:
    assert [incident.reference for incident in Incident.objects.out_of_order()] == ["INC-WRONG"]
    assert "INC-WRONG" in text_of(noc.get(reverse("admin:index")))
    severity_of = {one.reference: severities([one])[one.pk].severity for one in Incident.objects.all()}
    assert (severity_of["INC-WRONG"], severity_of["INC-MINOR"]) == (Severity.CRITICAL, Severity.MINOR)
    for client in (noc, legal):
        for incident in Incident.objects.all():
            assert client.get(page_of(incident)).status_code == 200
        for window in MaintenanceWindow.objects.all():
            assert client.get(reverse("admin:maintenance_window", args=[window.pk])).status_code == 200
    add_update(actor=SYSTEM, incident=Incident.objects.get(reference="INC-WRONG"), text="Hm", public=False, now=NOW)
    finish_work(actor=SYSTEM, window=MaintenanceWindow.objects.get(reference="MW-NOW"), now=NOW)
    # The rule binds what is written from now on.
    with pytest.raises(IntegrityError), transaction.atomic():
        Incident.objects.filter(reference="INC-HALF").update(acknowledged_at=at("2026-09-01 00:00"))


def closed_months_stand(legal: Client) -> None:
    closed = {month.first_day for month in (BEFORE_SERVICE, JULY, AUGUST, SEPTEMBER)}
    assert set(ClosedMonth.objects.values_list("month", "changed_at")) == {(month, None) for month in closed}
    frozen = figures()
    judge_due_months(now=NOW)
    assert figures() == frozen
    # Work that was completed excludes nothing afterwards (4.1), whatever that build counted.
    assert [row.month for row in Deviation.objects.all()] == [JULY.first_day]
    assert "2026-07 figures changed since closing" in text_of(legal.get(reverse("admin:index")))
    page = text_of(legal.get(reverse("admin:close_month", args=[SEPTEMBER])))
    assert "30 30 unchanged" in page
    assert "Requested by" not in page
    page = text_of(legal.get(reverse("admin:close_month", args=[BEFORE_SERVICE])))
    assert "by Lena, revision 1. The figures are frozen." in page
    assert "100.00000 0 0" in page

    closed_by_two(JULY, NOW, reason="Its maintenance was over")
    corrected = RegionMonth.objects.get(month=JULY.first_day)
    assert (corrected.unavailable_minutes, corrected.excluded_minutes) == (10, 0)
    assert without_july(figures()) == without_july(frozen)


def service_days_touch_no_closed_month(legal: Client) -> None:
    """Opened anew: first and last service days are set, and a region is added; what that build closed stays."""
    frozen, deviated = figures(), list(Deviation.objects.values_list("month", flat=True))
    a_contract(a_customer(a_region("cn", name="China"), "C-2"), "2026-10-01", "2026-12-31")
    for first, last in ((date(2026, 8, 15), None), (date(2026, 10, 1), None), (date(2026, 1, 1), date(2026, 7, 31))):
        Region.objects.filter(code="eu").update(first_service_day=first, last_service_day=last)
        judge_due_months(now=NOW)
        assert list(Deviation.objects.values_list("month", flat=True)) == deviated
        assert not any(month_deviates(month=month, now=NOW) for month in (BEFORE_SERVICE, JULY, AUGUST, SEPTEMBER))
        assert figures() == frozen
    Region.objects.update(first_service_day=date(2026, 10, 1), last_service_day=None)
    judge_due_months(now=NOW)
    assert min(RegionMonth.objects.values_list("month", flat=True)) == BEFORE_SERVICE.first_day
    assert {month for month in (one.month for one in RegionMonth.objects.all()) if month < date(2026, 10, 1)} == {
        month.first_day for month in (BEFORE_SERVICE, JULY, AUGUST, SEPTEMBER)
    }
    home = text_of(legal.get(reverse("admin:index")))
    assert "2026-10 not closed" in home
    assert "2026-05 not closed" not in home


def without_july(found: list[dict]) -> list[dict]:
    return [row for row in found if row["month"] != JULY.first_day]
