"""A month without open items is closed by a person; its figures are then frozen."""

import threading

import pytest
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from incidents.models import Incident, Outage
from maintenance.models import MaintenanceWindow
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import NotAllowed, record
from sla_portal.availability.models import CustomerMonth, Deviation, Evidence, MonthClosing, RegionMonth
from sla_portal.availability.operations import (
    CorrectionWithoutReason,
    EvidenceRefused,
    MonthClosed,
    MonthHasOpenItems,
    MonthOpen,
    NothingToCorrect,
    add_evidence,
    close_month,
    correct_month,
    count_changed_outcomes,
    judge_due_months,
    judge_month,
)
from sla_portal.availability.queries import open_items
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import (
    a_contract,
    a_customer,
    a_region,
    a_window,
    an_exclusion,
    an_incident,
    an_outage,
    at,
    on,
)

pytestmark = pytest.mark.django_db

SEPTEMBER = ServiceMonth(2026, 9)
NOW = at("2026-10-20 12:00")


@pytest.fixture
def legal(settings) -> Actor:
    """One person of Legal, where the operator switched the second off."""
    settings.CLOSING_NEEDS_SECOND_PERSON = False
    user = User.objects.create_user("legal")
    user.user_permissions.add(*Permission.objects.filter(codename__in=["close_month", "propose_exclusion"]))
    return Actor.staff(User.objects.get(pk=user.pk))


def a_finished_incident(start: str, end: str, **values) -> Incident:
    incident = an_incident(detected_at=at(start), resolved_at=at(end), **{"attributable": True, **values})
    an_outage(a_region(), start, end, incident=incident)
    return incident


def months() -> list[tuple[int, int]]:
    rows = [*RegionMonth.objects.all(), *CustomerMonth.objects.all()]
    return [(row.unavailable_minutes, row.excluded_minutes) for row in rows if row.month == on("2026-09-01")]


def test_a_closed_month_is_frozen_until_it_is_corrected(legal):
    a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
    incident = a_finished_incident("2026-09-10 02:00", "2026-09-10 02:30")
    assert close_month(actor=legal, month=SEPTEMBER, now=NOW).revision == 1
    assert months() == [(30, 0), (30, 0)]

    Outage.objects.filter(incident=incident).update(ended_at=at("2026-09-10 02:20"))
    judge_due_months(now=NOW)
    assert months() == [(30, 0), (30, 0)]
    assert Deviation.objects.get().month == on("2026-09-01")

    closing = correct_month(actor=legal, month=SEPTEMBER, reason="The end was mistyped", now=NOW)
    assert (closing.revision, closing.reason) == (2, "The end was mistyped")
    assert months() == [(20, 0), (20, 0)]
    assert not Deviation.objects.exists()


@pytest.mark.parametrize(
    ("work", "counted"),
    [
        ({"started_at": at("2026-09-10 02:00"), "completed_at": at("2026-09-10 02:10")}, 20),
        ({"not_carried_out_at": at("2026-09-10 04:00")}, 30),
    ],
)
def test_what_is_recorded_of_the_work_later_is_a_deviation_of_a_closed_month(legal, work, counted):
    a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
    incident = a_finished_incident("2026-09-10 02:00", "2026-09-10 02:30", attributable=False)
    window = a_window(
        "2026-09-10 02:00", "2026-09-10 03:00", ("2026-09-01 08:00", "2026-09-10 02:00", "2026-09-10 03:00")
    )
    an_exclusion(incident, "4.1", maintenance=window)
    close_month(actor=legal, month=SEPTEMBER, now=NOW)
    assert months() == [(0, 30), (0, 30)]

    MaintenanceWindow.objects.update(**work)
    judge_due_months(now=NOW)
    assert months() == [(0, 30), (0, 30)]
    assert Deviation.objects.get().month == on("2026-09-01")

    correct_month(actor=legal, month=SEPTEMBER, reason="4.1 speaks of maintenance conducted", now=NOW)
    assert months() == [(counted, 30 - counted)] * 2
    assert not Deviation.objects.exists()


def test_an_outage_that_begins_later_does_not_touch_a_closed_month(legal):
    a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
    a_finished_incident("2026-09-10 02:00", "2026-09-10 02:30")
    close_month(actor=legal, month=SEPTEMBER, now=NOW)
    an_outage(a_region(), "2026-10-20 11:50", None)
    judge_due_months(now=NOW)
    assert not Deviation.objects.exists()


def test_a_contract_corrected_in_a_closed_month_is_a_deviation_too(legal):
    contract = a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
    close_month(actor=legal, month=SEPTEMBER, now=NOW)
    contract.terminated_on = on("2026-09-15")
    contract.save()
    record(actor=legal, action="terminated", subject=contract, now=NOW)
    judge_due_months(now=NOW)
    assert Deviation.objects.get().month == on("2026-09-01")
    contract.terminated_on = None
    contract.save()
    judge_due_months(now=NOW)
    assert not Deviation.objects.exists()


def test_open_items_are_listed(legal):
    a_finished_incident("2026-09-01 02:00", "2026-09-01 02:30")
    unclassified = a_finished_incident("2026-09-02 02:00", "2026-09-02 02:30", attributable=None)
    going_on = an_incident(attributable=True)
    an_outage(a_region(), "2026-09-30 10:00", None, incident=going_on)
    undecided = an_exclusion(
        a_finished_incident("2026-09-03 02:00", "2026-09-03 02:30", attributable=False), status="proposed"
    )
    a_finished_incident("2026-10-01 02:00", "2026-10-01 02:30", attributable=None)
    with pytest.raises(MonthHasOpenItems) as refused:
        close_month(actor=legal, month=SEPTEMBER, now=NOW)
    missing = refused.value.items
    assert (missing.not_over, missing.open, missing.unclassified, missing.undecided) == (
        False, [going_on], [unclassified], [undecided],
    )  # fmt: skip
    assert not MonthClosing.objects.exists()


def test_a_month_is_not_closed_before_it_is_over(legal):
    last_moment = at("2026-09-30 15:59:59")
    assert open_items(SEPTEMBER, last_moment).not_over
    with pytest.raises(MonthHasOpenItems):
        close_month(actor=legal, month=SEPTEMBER, now=last_moment)
    close_month(actor=legal, month=SEPTEMBER, now=at("2026-09-30 16:00:00"))


def test_a_month_is_closed_once_and_corrected_only_afterwards_and_with_a_reason(legal):
    with pytest.raises(MonthOpen):
        correct_month(actor=legal, month=SEPTEMBER, reason="early", now=NOW)
    close_month(actor=legal, month=SEPTEMBER, now=NOW)
    with pytest.raises(MonthClosed):
        close_month(actor=legal, month=SEPTEMBER, now=NOW)
    with pytest.raises(CorrectionWithoutReason):
        correct_month(actor=legal, month=SEPTEMBER, reason=" ", now=NOW)
    with pytest.raises(NothingToCorrect):
        correct_month(actor=legal, month=SEPTEMBER, reason="To be sure", now=NOW)


def test_closing_needs_the_permission(legal):
    nobody = Actor.staff(User.objects.create_user("nobody"))
    with pytest.raises(NotAllowed):
        close_month(actor=nobody, month=SEPTEMBER, now=NOW)
    close_month(actor=legal, month=SEPTEMBER, now=NOW)
    with pytest.raises(NotAllowed):
        correct_month(actor=nobody, month=SEPTEMBER, reason="because", now=NOW)


@pytest.mark.django_db(transaction=True)
def test_concurrent_closings_close_a_month_once(legal):
    a_finished_incident("2026-09-10 02:00", "2026-09-10 02:30")
    together, outcomes = threading.Barrier(2), []

    def close() -> None:
        together.wait()
        try:
            outcomes.append(close_month(actor=Actor.system("test"), month=SEPTEMBER, now=NOW).revision)
        except MonthClosed:
            outcomes.append("closed already")
        finally:
            connection.close()

    threads = [threading.Thread(target=close) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes, key=str) == [1, "closed already"]
    assert MonthClosing.objects.count() == 1


def test_customers_whose_outcome_a_decision_changes_are_counted():
    eu = a_region()
    for first in ("2026-01-01", "2026-01-01", "2026-09-20"):
        a_contract(a_customer(eu), first, "2026-12-31")
    incident = a_finished_incident("2026-09-10 02:00", "2026-09-10 02:30")
    exclusion = an_exclusion(incident, status="proposed")
    judge_month(region=eu, month=SEPTEMBER, now=NOW)
    assert count_changed_outcomes(region=eu, month=SEPTEMBER, now=NOW, as_if_confirmed=[exclusion]) == 2
    assert months()[0] == (30, 0)


def test_evidence_is_stored_once_under_a_generated_name(legal, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path
    exclusion = an_exclusion(an_incident(), status="proposed")
    for _ in range(2):
        upload = SimpleUploadedFile("../../order of the regulator.pdf", b"%PDF-1.7 ...")
        add_evidence(actor=legal, exclusion=exclusion, upload=upload, now=NOW)
    kept = Evidence.objects.get()
    assert kept.name == "order of the regulator.pdf"
    assert "order" not in kept.file.name
    assert [path.parent.name for path in tmp_path.rglob("*") if path.is_file()] == ["evidence"]


@pytest.mark.parametrize(("name", "content"), [("a.pdf", b""), ("a.exe", b"MZ"), ("noending", b"x"), ("a\0.pdf", b"x")])
def test_evidence_that_is_not_accepted_leaves_nothing_behind(legal, settings, tmp_path, name, content):
    settings.MEDIA_ROOT = tmp_path
    upload = SimpleUploadedFile("a.pdf", content)
    upload._name = name
    with pytest.raises(EvidenceRefused):
        add_evidence(actor=legal, exclusion=an_exclusion(an_incident(), status="proposed"), upload=upload, now=NOW)
    assert not Evidence.objects.exists()
    assert not list(tmp_path.rglob("*"))
