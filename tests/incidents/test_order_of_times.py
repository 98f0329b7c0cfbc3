"""The order of an incident's times (2.2) is kept by operations and by the database, and by an upgrade of older rows."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.migrations.executor import MigrationExecutor

from incidents import triggers
from incidents.models import Incident, Outage
from incidents.operations import (
    IncidentResolved,
    OutageFacts,
    OutageRefused,
    TimesRefused,
    acknowledge_incident,
    add_outage,
    log_incident,
    reopen_incident,
    resolve_incident,
)
from incidents.rules import OutageObjection, TimeObjection
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.races import outcomes

NOW = at("2026-09-10 12:00")
MINUTE = timedelta(minutes=1)
SYSTEM = Actor.system("test")


def ongoing() -> Incident:
    """Detected at 01:05 with an outage since 01:00."""
    return an_outage(
        a_region(), "2026-09-10 01:00", None, incident=an_incident(detected_at=at("2026-09-10 01:05"))
    ).incident


def resolve(incident: Incident, when: str, restored: str | None = None) -> None:
    resolve_incident(
        actor=SYSTEM, incident=incident, at=at(when), restored_at=at(restored) if restored else None, now=NOW
    )


def facts(start: str, end: str | None) -> OutageFacts:
    return OutageFacts(region=a_region(), started_at=at(start), ended_at=at(end) if end else None)


def log(detected_at: datetime | None) -> Incident:
    return log_incident(
        actor=SYSTEM, title="Gateway lost", source="phone", outages=[facts("2026-09-10 01:00", None)],
        detected_at=detected_at, now=NOW,
    )  # fmt: skip


@pytest.mark.django_db
class TestOperations:
    def test_an_incident_is_detected_and_logged_now_unless_said_otherwise(self):
        assert (log(None).detected_at, log(NOW - MINUTE).detected_at) == (NOW, NOW - MINUTE)
        assert set(Incident.objects.values_list("logged_at", flat=True)) == {NOW}

    @pytest.mark.parametrize(
        ("detected_at", "objection"),
        [
            (NOW + MINUTE, TimeObjection.DETECTED_IN_THE_FUTURE),
            (NOW - timedelta(milliseconds=1), TimeObjection.DETECTED_HAS_A_FRACTION),
        ],
    )
    def test_a_time_of_detection_that_cannot_be_is_refused(self, detected_at, objection):
        with pytest.raises(TimesRefused) as refused:
            log(detected_at)
        assert refused.value.objections == (objection,)
        assert not Incident.objects.exists()

    def test_it_is_not_acknowledged_before_it_was_detected(self):
        incident = ongoing()
        with pytest.raises(TimesRefused) as refused:
            acknowledge_incident(actor=SYSTEM, incident=incident, now=at("2026-09-10 01:04:59"))
        assert refused.value.objections == (TimeObjection.ACKNOWLEDGED_BEFORE_DETECTED,)
        acknowledge_incident(actor=SYSTEM, incident=incident, now=at("2026-09-10 01:05"))
        assert incident.acknowledged_at == incident.detected_at

    def test_it_is_not_acknowledged_once_it_is_resolved(self):
        incident = ongoing()
        resolve(incident, "2026-09-10 01:30")
        with pytest.raises(IncidentResolved):
            acknowledge_incident(actor=SYSTEM, incident=incident, now=NOW)

    @pytest.mark.parametrize(
        ("when", "objection"),
        [
            ("2026-09-10 01:04:59", TimeObjection.RESOLVED_BEFORE_DETECTED),
            ("2026-09-10 01:09:59", TimeObjection.RESOLVED_BEFORE_ACKNOWLEDGED),
            ("2026-09-10 01:19:59", TimeObjection.RESOLVED_BEFORE_AN_END),
        ],
    )
    def test_it_is_not_resolved_before_what_comes_first(self, when, objection):
        incident = ongoing()
        acknowledge_incident(actor=SYSTEM, incident=incident, now=at("2026-09-10 01:10"))
        an_outage(a_region("asia"), "2026-09-10 01:00", "2026-09-10 01:20", incident=incident)
        with pytest.raises(TimesRefused) as refused:
            resolve(incident, when)
        assert refused.value.objections == (objection,)
        assert Incident.objects.get().resolved_at is None
        resolve(incident, "2026-09-10 01:20")

    def test_the_service_can_have_been_restored_before_it_was_acknowledged_and_resolved(self):
        incident = ongoing()
        acknowledge_incident(actor=SYSTEM, incident=incident, now=at("2026-09-10 01:10"))
        resolve(incident, "2026-09-10 01:30", restored="2026-09-10 01:02")
        assert (incident.resolved_at, incident.outages.get().ended_at) == (
            at("2026-09-10 01:30"), at("2026-09-10 01:02"),
        )  # fmt: skip

    def test_the_service_is_not_restored_after_the_incident_is_resolved(self):
        with pytest.raises(OutageRefused) as refused:
            resolve(ongoing(), "2026-09-10 01:30", restored="2026-09-10 01:31")
        assert refused.value.objections == (OutageObjection.END_AFTER_RESOLVED,)

    @pytest.mark.parametrize(
        ("end", "objection"),
        [
            (None, OutageObjection.ONGOING_THOUGH_RESOLVED),
            ("2026-09-10 01:30:01", OutageObjection.END_AFTER_RESOLVED),
        ],
    )
    def test_no_outage_of_a_resolved_incident_goes_on(self, end, objection):
        incident = ongoing()
        resolve(incident, "2026-09-10 01:30")
        with pytest.raises(OutageRefused) as refused:
            add_outage(actor=SYSTEM, incident=incident, facts=facts("2026-09-10 01:10", end), now=NOW)
        assert refused.value.objections == (objection,)
        add_outage(actor=SYSTEM, incident=incident, facts=facts("2026-09-10 01:10", "2026-09-10 01:30"), now=NOW)

    def test_reopened_it_is_in_order_again_unless_it_is_not(self):
        for number, (acknowledged, listed) in enumerate([("2026-09-10 01:06", False), ("2026-09-10 01:04", True)]):
            incident = an_incident(
                f"INC-{number}", detected_at=at("2026-09-10 01:05"), acknowledged_at=at(acknowledged),
                resolved_at=at("2026-09-10 01:02"), recorded_as_is=True,
            )  # fmt: skip
            reopen_incident(actor=SYSTEM, incident=incident, text="Not over", reason="Too early", now=NOW)
            assert Incident.objects.out_of_order().contains(incident) is listed


def resolved(**values) -> Incident:
    """Resolved at 01:30, when its outage ended."""
    incident = an_incident(resolved_at=at("2026-09-10 01:30"), **values)
    an_outage(a_region(), "2026-09-10 01:00", "2026-09-10 01:30", incident=incident)
    return incident


LATE: dict[str, Callable[[Incident], object]] = {
    "an ongoing outage is added": lambda incident: an_outage(a_region(), "2026-09-10 01:00", None, incident=incident),
    "an outage that ends later is added": lambda incident: an_outage(
        a_region(), "2026-09-10 01:00", "2026-09-10 01:30:01", incident=incident
    ),
    "the end of the outage is moved": lambda incident: incident.outages.update(ended_at=at("2026-09-10 01:31")),
    "the end of the outage is taken away": lambda incident: incident.outages.update(ended_at=None),
    "another outage comes to it": lambda incident: Outage.objects.filter(
        pk=an_outage(a_region(), "2026-09-10 01:00", None).pk
    ).update(incident=incident),
    "it is resolved earlier": lambda incident: Incident.objects.filter(pk=incident.pk).update(
        resolved_at=at("2026-09-10 01:29")
    ),
    "an ongoing one is resolved": lambda _incident: Incident.objects.filter(pk=ongoing().pk).update(resolved_at=NOW),
}


@pytest.mark.django_db
class TestDatabase:
    @pytest.mark.parametrize("write", LATE.values(), ids=LATE)
    def test_it_refuses_an_outage_that_goes_on_when_its_incident_is_resolved(self, write):
        incident = resolved()
        with pytest.raises(IntegrityError, match=triggers.NAME), transaction.atomic():
            write(incident)

    def test_it_takes_what_is_in_order(self):
        incident = resolved()
        an_outage(a_region(), "2026-09-10 01:00", "2026-09-10 01:30", incident=incident)
        Incident.objects.update(resolved_at=None)
        incident.outages.update(ended_at=None)

    def test_what_is_recorded_as_it_is_may_go_on_until_it_is_said_to_be_in_order(self):
        incident = resolved(recorded_as_is=True)
        incident.outages.update(ended_at=None)
        Incident.objects.update(acknowledged_at=at("2026-09-09 01:00"), attributable=True)
        with pytest.raises(IntegrityError), transaction.atomic():
            Incident.objects.update(recorded_as_is=False)
        Incident.objects.update(acknowledged_at=None)
        with pytest.raises(IntegrityError, match=triggers.NAME), transaction.atomic():
            Incident.objects.update(recorded_as_is=False)
        incident.outages.update(ended_at=at("2026-09-10 01:30"))
        Incident.objects.update(recorded_as_is=False)


# At the same moment

ROUNDS = 3


def goes_on(incident: Incident) -> bool:
    """Whether the record says that the incident is resolved and an outage of it goes on."""
    return Outage.objects.filter(incident=incident.pk, ended_at=None, incident__resolved_at__isnull=False).exists()


@pytest.fixture
def no_triggers() -> Iterator[None]:
    with connection.schema_editor() as editor:
        triggers.drop(None, editor)
    yield
    Outage.objects.all().delete()
    with connection.schema_editor() as editor:
        triggers.add(None, editor)


def looking_first(incident: Incident) -> list[Callable[[], object]]:
    """Resolve an incident and add an ongoing outage, each after a look at the record, and locking nothing."""
    region = a_region()
    looked = threading.Barrier(2)

    def resolve_it() -> None:
        found = Outage.objects.filter(incident=incident.pk, ended_at__isnull=True).exists()
        looked.wait(timeout=30)
        if not found:
            Incident.objects.filter(pk=incident.pk).update(resolved_at=NOW)

    def add_one() -> None:
        found = Incident.objects.get(pk=incident.pk)
        looked.wait(timeout=30)
        if found.resolved_at is None:
            Outage.objects.create(incident_id=incident.pk, region=region, started_at=NOW)

    return [resolve_it, add_one]


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_of_an_outage_added_and_the_incident_resolved_neither_leaves_the_outage_going_on(self):
        for _round in range(ROUNDS):
            incident = ongoing()
            new = facts("2026-09-10 11:00", None)
            went = sorted(
                outcomes(
                    lambda incident=incident: resolve_incident(actor=SYSTEM, incident=incident, at=NOW, now=NOW),
                    lambda incident=incident, new=new: add_outage(
                        actor=SYSTEM, incident=Incident(pk=incident.pk), facts=new, now=NOW
                    ),
                )
            )
            assert went in (["done", "done"], ["OutageRefused", "done"])
            assert not goes_on(incident)

    def test_of_an_incident_acknowledged_and_resolved_before_at_once_one_is_refused(self):
        for _round in range(ROUNDS):
            incident = ongoing()
            went = sorted(
                outcomes(
                    lambda incident=incident: resolve(Incident(pk=incident.pk), "2026-09-10 01:30"),
                    lambda incident=incident: acknowledge_incident(actor=SYSTEM, incident=incident, now=NOW),
                )
            )
            assert went in (["IncidentResolved", "done"], ["TimesRefused", "done"])

    def test_its_twin_that_looks_first_and_locks_nothing_is_refused_by_the_database(self):
        incident = an_incident()
        looked = threading.Barrier(2)

        def write(**when: datetime) -> None:
            found = Incident.objects.get(pk=incident.pk)
            looked.wait(timeout=30)
            assert (found.acknowledged_at, found.resolved_at) == (None, None)
            Incident.objects.filter(pk=incident.pk).update(**when)

        went = sorted(outcomes(lambda: write(resolved_at=NOW - MINUTE), lambda: write(acknowledged_at=NOW)))
        assert went == ["IntegrityError", "done"]

    def test_of_two_that_lock_nothing_the_database_refuses_one(self):
        incident = an_incident()
        assert sorted(outcomes(*looking_first(incident))) == ["IntegrityError", "done"]
        assert not goes_on(incident)

    @pytest.mark.usefixtures("no_triggers")
    def test_a_twin_without_the_triggers_leaves_the_outage_going_on(self):
        incident = an_incident()
        assert sorted(outcomes(*looking_first(incident))) == ["done", "done"]
        assert goes_on(incident)

    @pytest.mark.parametrize("locked", [True, pytest.param(False, marks=pytest.mark.postgresql)])
    def test_a_transaction_under_way_is_waited_for(self, monkeypatch, locked):
        """Its twin, whose trigger takes no lock, does not see what the other has not committed. SQLite has one writer."""
        if not locked:
            monkeypatch.setattr(triggers, "LOCK", {})
            with connection.schema_editor() as editor:
                triggers.drop(None, editor)
                triggers.add(None, editor)
        incident, region = an_incident(), a_region()
        written = threading.Event()
        adding = threading.Event()

        def resolve_it() -> None:
            with transaction.atomic():
                Incident.objects.filter(pk=incident.pk).update(resolved_at=NOW)
                written.set()
                adding.wait(timeout=30)
                threading.Event().wait(0.5)

        def add_one() -> None:
            written.wait(timeout=30)
            adding.set()
            Outage.objects.create(incident=incident, region=region, started_at=NOW)

        try:
            went = sorted(outcomes(resolve_it, add_one))
            assert went == (["IntegrityError", "done"] if locked else ["done", "done"])
            assert goes_on(incident) is not locked
        finally:
            Outage.objects.all().delete()
            monkeypatch.undo()
            with connection.schema_editor() as editor:
                triggers.drop(None, editor)
                triggers.add(None, editor)


# A database of the build before

BEFORE = ("incidents", "0002_words_of_the_field")
TIMES = {
    # detected, acknowledged, resolved; end of the outage
    "in order": ("01:00", "01:05", "01:30", "01:30"),
    "ongoing": ("01:00", None, None, None),
    "acknowledged before detected": ("01:10", "01:05", "01:30", "01:30"),
    "resolved before detected": ("02:00", None, "01:30", "01:30"),
    "resolved before acknowledged": ("01:00", "01:40", "01:30", "01:30"),
    "ends after it is resolved": ("01:00", None, "01:30", "01:31"),
    "goes on when it is resolved": ("01:00", None, "01:30", None),
}


def migrate(*targets: tuple[str, str]):
    executor = MigrationExecutor(connection)
    return executor.migrate(list(targets) or executor.loader.graph.leaf_nodes()).apps


@pytest.mark.django_db(transaction=True)
def test_rows_of_the_build_before_stay_as_they_are_and_are_listed_for_correction():
    region = a_region()
    old = migrate(BEFORE).get_model("incidents", "Incident")
    try:
        for name, times in TIMES.items():
            detected, acknowledged, resolved, ended = (time and at(f"2026-09-10 {time}") for time in times)
            incident = old.objects.create(
                reference=name, title=name, detected_at=detected, acknowledged_at=acknowledged, resolved_at=resolved
            )
            incident.outages.create(region_id=region.pk, started_at=at("2026-09-10 00:50"), ended_at=ended)
        Entry.objects.create(
            at=at("2026-09-10 01:01"), actor_name="noc", action="logged", subject_type="incidents.incident",
            subject_id=str(old.objects.get(reference="in order").pk), subject="INC-1", previous_hash="0", hash="1",
        )  # fmt: skip
        before = list(old.objects.order_by("id").values())
    finally:
        migrate()
    now = Incident.objects.order_by("id").values()
    assert [{name: row[name] for name in before[0]} for row in now] == before
    assert set(Incident.objects.out_of_order().values_list("reference", flat=True)) == set(TIMES) - {
        "in order", "ongoing",
    }  # fmt: skip
    assert dict(Incident.objects.exclude(logged_at=None).values_list("reference", "logged_at")) == {
        "in order": at("2026-09-10 01:01")
    }
    with pytest.raises(IntegrityError), transaction.atomic():
        Outage.objects.filter(incident__reference="in order").update(ended_at=None)
