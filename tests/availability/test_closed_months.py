"""Whoever changes the record of a closed month says why, and the month shows as changed in the same moment."""

import threading
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction

from incidents.models import Incident, Outage
from incidents.operations import OutageFacts, add_outage, classify_incident, log_incident, resolve_incident
from maintenance.operations import mark_not_carried_out, record_work
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import ClosedMonth, Entry
from sla_portal.audit.operations import TouchesClosedMonth, closed_months_touched
from sla_portal.availability.models import Deviation, Evidence
from sla_portal.availability.operations import (
    MonthHasOpenItems,
    add_evidence,
    attribute_incident,
    close_month,
    closing,
    confirm_exclusion,
    correct_month,
    judge_due_months,
    month_deviates,
    preview_change,
    propose_exclusion,
)
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
from tests.support.histories import incident, loaded, outage, smallest

pytestmark = pytest.mark.django_db

SEPTEMBER = ServiceMonth(2026, 9)
NOW = at("2026-10-20 12:00")
PORTAL = Actor.system("test")
WHY = "The log of the gateway was found"


@pytest.fixture
def closed():
    """September 2026, closed with no downtime; one customer."""
    a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
    close_month(actor=PORTAL, month=SEPTEMBER, now=NOW)


def facts(start: str, end: str | None) -> OutageFacts:
    return OutageFacts(a_region(), at(start), end and at(end))


def log(start: str, end: str | None, **given) -> Incident:
    return log_incident(
        actor=PORTAL, title="Down", source="phone", detected_at=at(start), outages=[facts(start, end)], now=NOW, **given
    )


def changed() -> list:
    return list(ClosedMonth.objects.filter(changed_at=NOW).values_list("month", flat=True))


@pytest.mark.usefixtures("closed")
class TestLogging:
    def test_an_outage_in_it_needs_a_reason(self):
        with pytest.raises(TouchesClosedMonth) as refused:
            log("2026-09-10 02:00", "2026-09-10 02:10")
        assert refused.value.months == [SEPTEMBER]
        assert not Incident.objects.exists()
        incident = log("2026-09-10 02:00", "2026-09-10 02:10", reason=WHY)
        entry = Entry.objects.get(subject_id=str(incident.pk), action="logged")
        assert entry.reason == WHY
        assert entry.changes["closed_months"] == [None, ["2026-09"]]
        assert changed() == [on("2026-09-01")]

    @pytest.mark.parametrize(
        ("start", "end", "touches"),
        [
            # The SLA clock is Shanghai's: September ends at 16:00 UTC.
            ("2026-09-30 15:59:59", "2026-09-30 16:10", True),
            ("2026-09-30 16:00:00", "2026-09-30 16:10", False),
            ("2026-08-31 15:00", "2026-08-31 16:00", False),
            ("2026-08-31 15:00", "2026-08-31 16:00:01", True),
            ("2026-08-31 15:00", None, True),
            ("2026-10-20 11:00", None, False),
        ],
    )
    def test_the_sla_clock_decides_what_lies_in_it(self, start, end, touches):
        period = [(at(start), at(end) if end else NOW)]
        assert closed_months_touched(period) == ([SEPTEMBER] if touches else [])
        if not touches:
            log(start, end)

    def test_an_outage_added_in_it_needs_a_reason(self):
        incident = log("2026-10-10 02:00", "2026-10-10 02:10")
        with pytest.raises(TouchesClosedMonth):
            add_outage(actor=PORTAL, incident=incident, facts=facts("2026-09-10 02:00", "2026-09-10 02:10"), now=NOW)
        assert incident.outages.count() == 1
        add_outage(
            actor=PORTAL, incident=incident, facts=facts("2026-09-10 02:00", "2026-09-10 02:10"), now=NOW, reason=WHY
        )
        assert Entry.objects.get(action="added an outage to").reason == WHY

    def test_an_end_in_it_needs_a_reason_and_an_end_after_it_none(self):
        incident = log("2026-09-30 15:00", None, reason=WHY)
        with pytest.raises(TouchesClosedMonth):
            resolve_incident(actor=PORTAL, incident=incident, at=at("2026-09-30 15:30"), now=NOW)
        incident.refresh_from_db()
        assert incident.resolved_at is None
        resolve_incident(actor=PORTAL, incident=incident, at=at("2026-10-01 15:30"), now=NOW)


@pytest.mark.usefixtures("closed")
class TestClassifying:
    def test_each_step_on_an_incident_in_it_needs_a_reason(self, settings, tmp_path):
        settings.MEDIA_ROOT = tmp_path
        incident = log("2026-09-10 02:00", "2026-09-10 02:10", reason=WHY)
        with pytest.raises(TouchesClosedMonth):
            classify_incident(actor=PORTAL, incident=incident, attributable=True, reason="", now=NOW)
        attribute_incident(actor=PORTAL, incident=incident, reason="Ours", now=NOW)
        assert Entry.objects.get(action="classified").changes["closed_months"] == [None, ["2026-09"]]
        exclusion = propose_exclusion(actor=PORTAL, incident=incident, clause="4.10", reason="An order", now=NOW)
        assert Entry.objects.get(action="proposed").changes["closed_months"] == [None, ["2026-09"]]
        with pytest.raises(TouchesClosedMonth):
            confirm_exclusion(actor=PORTAL, exclusion=exclusion, reason="", now=NOW)
        confirm_exclusion(actor=PORTAL, exclusion=exclusion, reason="The order was seen", now=NOW)
        assert Entry.objects.get(action="confirmed").reason == "The order was seen"
        upload = SimpleUploadedFile("order.pdf", b"%PDF-1.7")
        with pytest.raises(TouchesClosedMonth):
            add_evidence(actor=PORTAL, exclusion=exclusion, upload=upload, now=NOW)
        assert not Evidence.objects.exists()
        assert not [path for path in tmp_path.rglob("*") if path.is_file()]
        upload.seek(0)
        add_evidence(actor=PORTAL, exclusion=exclusion, upload=upload, now=NOW, reason=WHY)
        assert Entry.objects.get(action="added evidence to").reason == WHY

    def test_a_part_outside_it_needs_none(self):
        incident = log("2026-09-30 15:00", "2026-09-30 17:00", reason=WHY)
        exclusion = an_exclusion(incident, status="proposed", starts_at=at("2026-09-30 16:00"))
        confirm_exclusion(actor=PORTAL, exclusion=exclusion, reason="", now=NOW)

    def test_what_one_customer_caused_is_confirmed_by_the_reason_of_its_proposal(self):
        exclusion = an_exclusion(
            None, "4.5", status="proposed", customer=a_customer(a_region(), "C-2"), reason="Wrong cable",
            starts_at=at("2026-09-10 02:00"), ends_at=at("2026-09-10 02:10"),
        )  # fmt: skip
        confirm_exclusion(actor=PORTAL, exclusion=exclusion, reason="", now=NOW)
        assert Entry.objects.get(action="confirmed").reason == "Wrong cable"


@pytest.mark.usefixtures("closed")
class TestMark:
    def test_a_sweep_compares_and_takes_the_mark_off(self):
        log("2026-09-10 02:00", "2026-09-10 02:10", reason=WHY)
        assert month_deviates(month=SEPTEMBER, now=NOW)
        assert not Deviation.objects.exists()
        judge_due_months(now=NOW)
        assert Deviation.objects.get().month == on("2026-09-01")
        assert changed() == []

    def test_a_correction_takes_the_mark_off(self):
        incident = log("2026-09-10 02:00", "2026-09-10 02:10", reason=WHY)
        attribute_incident(actor=PORTAL, incident=incident, reason="Ours", now=NOW)
        resolve_incident(actor=PORTAL, incident=incident, at=at("2026-09-10 02:10"), now=NOW)
        correct_month(actor=PORTAL, month=SEPTEMBER, reason="Found", now=NOW)
        assert changed() == []


@pytest.mark.usefixtures("closed")
class TestPreview:
    def test_it_says_what_would_change_and_keeps_nothing(self):
        def write() -> None:
            log("2026-09-10 02:00", "2026-09-10 02:30", reason=WHY)

        entries = Entry.objects.count()
        (line,) = preview_change(write=write, months=[SEPTEMBER], now=NOW)
        assert line.closed.unavailable_minutes == 0
        assert line.figures.unavailable_minutes == 30
        assert line.outcomes == 1
        assert not Outage.objects.exists()
        assert Entry.objects.count() == entries
        assert changed() == []

    def test_a_write_without_effect_changes_nothing(self):
        def write() -> None:
            log("2026-09-10 02:00", "2026-09-10 02:00:30", reason=WHY)

        assert preview_change(write=write, months=[SEPTEMBER], now=NOW) == []


def written_while_closing(write) -> list[object]:
    """Close September while another transaction writes into it; return what became of both.

    The writer has checked that the month is open and written, but not committed, when the closing starts.
    """
    written, going = threading.Event(), threading.Event()
    outcomes: dict[str, object] = {}

    def writer() -> None:
        try:
            with transaction.atomic():
                write()
                written.set()
                going.wait(5)
            outcomes["write"] = "done"
        finally:
            connection.close()

    def closer() -> None:
        written.wait(5)
        try:
            close_month(actor=PORTAL, month=SEPTEMBER, now=NOW)
            outcomes["closing"] = "done"
        except MonthHasOpenItems:
            outcomes["closing"] = "refused"
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for one in (writer, closer)]
    for thread in threads:
        thread.start()
    written.wait(5)
    # Time for the closing to read what is on record, if nothing holds it back.
    time.sleep(0.7)
    going.set()
    for thread in threads:
        thread.join()
    return [outcomes["write"], outcomes["closing"]]


@pytest.mark.django_db(transaction=True)
class TestRace:
    def test_a_closing_waits_for_a_write_that_has_begun(self):
        a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
        # The outage is unclassified, so the closing that has waited for it is refused.
        assert written_while_closing(lambda: log("2026-09-10 02:00", "2026-09-10 02:30")) == ["done", "refused"]

    def test_without_the_lock_it_would_be_closed_without_the_outage(self, monkeypatch):
        a_contract(a_customer(a_region()), "2026-01-01", "2026-12-31")
        monkeypatch.setattr(closing, "lock_chain", lambda: None)
        outcomes = written_while_closing(lambda: log("2026-09-10 02:00", "2026-09-10 02:30"))
        # SQLite lets one writer in at a time, whether or not it locks the audit log.
        assert outcomes == ["done", "refused" if connection.vendor == "sqlite" else "done"]


def test_the_incident_of_a_month_that_is_not_closed_needs_no_reason():
    incident = an_incident()
    an_outage(a_region(), "2026-09-10 02:00", "2026-09-10 02:10", incident=incident)
    classify_incident(actor=PORTAL, incident=incident, attributable=True, reason="", now=NOW)
    assert "closed_months" not in Entry.objects.get().changes


@pytest.mark.usefixtures("closed")
def test_a_history_file_changes_a_closed_month_by_a_reason_of_its_own(tmp_path):
    down = outage("2026-09-10T02:00:00Z", "2026-09-10T02:30:00Z")
    later = incident("INC-2", outage("2026-10-10T02:00:00Z", "2026-10-10T02:30:00Z"))
    said = loaded(tmp_path, smallest(incidents=[incident("INC-1", down), later]))
    assert (
        "closed month 2026-09, eu: closed with 100.00000 % (0 min unavailable); by the record now 99.93055 % "
        "(30 min unavailable)\n" in said
    )
    within, outside = Entry.objects.filter(subject_type="incidents.incident").order_by("subject")
    assert (within.reason, within.changes["closed_months"]) == ("A history file was loaded.", [None, ["2026-09"]])
    assert outside.reason == ""
    assert ClosedMonth.objects.get().changed_at is not None
    # Taking it away changes the month again.
    moved = incident("INC-1", outage("2026-10-11T02:00:00Z", "2026-10-11T02:30:00Z"))
    assert "closed month" not in loaded(tmp_path, smallest(incidents=[moved, later]))
    assert Entry.objects.latest("id").changes["closed_months"] == [None, ["2026-09"]]


@pytest.mark.usefixtures("closed")
class TestMaintenance:
    @pytest.fixture
    def window(self):
        notice = ("2026-09-01 08:00", "2026-09-10 02:00", "2026-09-10 03:00")
        return a_window("2026-09-10 02:00", "2026-09-10 03:00", notice)

    def test_work_that_ended_before_what_was_announced_needs_a_reason(self, window):
        times = {"started_at": at("2026-09-10 02:00"), "completed_at": at("2026-09-10 02:30")}
        with pytest.raises(TouchesClosedMonth):
            record_work(actor=PORTAL, window=window, **times, now=NOW)
        window.refresh_from_db()
        assert window.completed_at is None
        record_work(actor=PORTAL, window=window, **times, now=NOW, reason=WHY)
        assert Entry.objects.get(action="finished").reason == WHY

    def test_work_that_took_as_long_as_announced_needs_none(self, window):
        times = {"started_at": at("2026-09-10 02:00"), "completed_at": at("2026-09-10 03:00")}
        record_work(actor=PORTAL, window=window, **times, now=NOW)

    def test_a_window_not_carried_out_names_the_closed_month(self, window):
        mark_not_carried_out(actor=PORTAL, window=window, reason="No need", now=NOW)
        assert Entry.objects.get(action="marked as not carried out").changes["closed_months"] == [None, ["2026-09"]]
        assert changed() == [on("2026-09-01")]
