"""A checkpoint says where the audit log stood: made once for an occasion, and never changed."""

from datetime import timedelta
from functools import partial
from importlib import import_module

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction

from sla_portal.audit import operations
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Chain, Checkpoint, Entry, Occasion
from sla_portal.audit.operations import make_checkpoint, make_daily_checkpoint, record
from sla_portal.audit.queries import entries_about
from sla_portal.availability.operations import close_month, judge_due_months
from sla_portal.kernel.months import ServiceMonth
from tests.support.amendments import ANNOUNCED, announced, legal, withdraw_version
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.claimants import a_claim, a_claimant, a_missed_september, granted
from tests.support.races import at_once, outcomes
from tests.support.unguarded import unguarded

pytestmark = pytest.mark.django_db

NOW = at("2026-09-20 12:00")


def written(entries: int = 1) -> list[Entry]:
    region = a_region()
    with transaction.atomic():
        return [record(actor=Actor.system("test"), action="added", subject=region, now=NOW) for _ in range(entries)]


def test_it_has_number_and_hash_of_the_newest_entry_and_the_count():
    newest = written(3)[-1]
    made = make_daily_checkpoint(now=NOW)
    assert (made.number, made.entries, made.entry, made.hash) == (1, 3, newest.pk, newest.hash)
    assert (made.occasion, made.about, made.made_at) == ("daily", "2026-09-20", NOW)


def test_there_is_none_of_an_empty_log():
    assert make_daily_checkpoint(now=NOW) is None


def test_a_day_of_the_sla_clock_has_one():
    written()
    first = make_daily_checkpoint(now=at("2026-09-20 15:59"))
    written()
    assert make_daily_checkpoint(now=at("2026-09-20 15:59:59")) == first
    second = make_daily_checkpoint(now=at("2026-09-20 16:00"))
    assert (second.number, second.about, second.entries) == (2, "2026-09-21", 2)


def test_a_record_has_one_for_an_occasion():
    written()
    europe, asia = a_region("eu"), a_region("as")
    first = make_checkpoint(occasion=Occasion.CLOSING, about=europe, now=NOW)
    assert make_checkpoint(occasion=Occasion.CLOSING, about=europe, now=NOW) == first
    assert make_checkpoint(occasion=Occasion.CLOSING, about=asia, now=NOW).number == 2
    assert first.about == f"customers.region {europe.pk}"


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one():
    written()
    made = at_once(*[lambda: make_daily_checkpoint(now=NOW)] * 4)
    assert {one.number for one in made} == {1}
    assert Checkpoint.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_without_the_lock_two_at_once_collide(monkeypatch):
    written()
    monkeypatch.setattr(operations, "lock_chain", Chain.objects.get)
    days = (NOW + timedelta(days=number) for number in range(20))
    assert any("IntegrityError" in outcomes(*[partial(make_daily_checkpoint, now=day)] * 4) for day in days)


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_checkpoint SET hash = ''", "DELETE FROM audit_checkpoint", "DELETE FROM audit_check"]
)
def test_the_database_refuses_to_change_or_delete_it(statement):
    written()
    make_daily_checkpoint(now=NOW)
    operations.check_log(now=NOW)
    with pytest.raises(DatabaseError, match="is_only_added_to"), transaction.atomic():
        connection.cursor().execute(statement)


# Its occasions


def newest() -> tuple[str, str, int]:
    made = Checkpoint.objects.order_by("number").last()
    assert made.hash == Entry.objects.get(pk=made.entry).hash
    return made.occasion, made.about, made.entry


def test_a_closing_and_a_correction_have_one():
    region = a_region()
    an_outage(region, "2026-09-10 01:00", "2026-09-10 01:10", incident=an_incident(
        detected_at=at("2026-09-10 01:00"), resolved_at=at("2026-09-10 01:10"), attributable=True
    ))  # fmt: skip
    judge_due_months(now=at("2026-10-20 12:00"))
    closed = close_month(actor=Actor.system("test"), month=ServiceMonth(2026, 9), now=at("2026-10-20 12:00"))
    entry = entries_about(closed).get()
    assert newest() == ("closing", f"availability.monthclosing {closed.pk}", entry.pk)


def test_a_publication_and_a_withdrawal_have_one():
    version = announced()
    assert newest()[:2] == ("publication", f"notices.notice {version.notice_id}")
    withdraw_version(actor=legal("lena"), version=version, reason="A mistake", now=ANNOUNCED)
    assert newest()[:2] == ("publication", f"notices.notice {version.withdrawal_notice_id}")
    assert Entry.objects.get(pk=newest()[2]).action == "withdrew"


def test_a_decision_has_one():
    a_missed_september()
    compensation = granted(a_claim(a_claimant()))
    assert newest()[:2] == ("decision", f"claims.decision {compensation.decision_id}")


# The head


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_chain SET last_hash = '{first}', last_number = 1, entries = 1",
        "UPDATE audit_chain SET last_hash = '{first}'",
        "UPDATE audit_chain SET last_number = 3",
        "UPDATE audit_chain SET entries = 3",
        "DELETE FROM audit_chain",
        "INSERT INTO audit_chain (id, last_hash, last_number, entries) VALUES (1, '{first}', 2, 2)",
    ],
)
def test_the_database_refuses_to_set_the_head_back_or_aside(statement):
    first, second = written(2)
    with pytest.raises(IntegrityError), transaction.atomic():
        connection.cursor().execute(statement.format(first=first.hash))
    assert Chain.objects.values_list("last_hash", "last_number", "entries").get() == (second.hash, 2, 2)


def test_the_head_does_not_skip_an_entry_that_was_added_past_it():
    written(2)
    other = Entry(pk=4, at=NOW, actor_name="x", action="added", subject_type="x", subject_id="1", subject="x")
    other.previous_hash = "f" * 64
    other.hash = other.expected_hash()
    other.save(force_insert=True)
    with pytest.raises(IntegrityError, match="the_head_only_moves_on"), transaction.atomic():
        Chain.objects.update(last_hash=other.hash, last_number=4, entries=4)


def test_numbers_have_no_gap_where_a_write_was_rolled_back():
    (first,) = written(1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        written(2)
        _ = 1 / 0
    (second,) = written(1)
    assert second.pk == first.pk + 1


@pytest.mark.postgresql
@pytest.mark.parametrize("table", ["audit_entry", "audit_chain", "audit_checkpoint", "audit_check"])
def test_postgresql_refuses_to_empty_its_tables(table):
    with pytest.raises(IntegrityError, match=f"{table}_is_never_emptied"), transaction.atomic():
        connection.cursor().execute(f"TRUNCATE {table} CASCADE")


@pytest.mark.sqlite
def test_sqlite_refuses_to_replace_an_entry():
    first, _second = written(2)
    columns = [field.column for field in Entry._meta.concrete_fields]
    others = ", ".join("'Mallory'" if column == "actor_name" else column for column in columns)
    with pytest.raises(IntegrityError, match="audit_entry_is_only_added_to"), transaction.atomic():
        connection.cursor().execute(
            f"REPLACE INTO audit_entry ({', '.join(columns)}) SELECT {others} FROM audit_entry WHERE id = {first.pk}"
        )
    assert Entry.objects.get(pk=first.pk).actor_name == "test"


def test_a_log_of_an_earlier_build_is_counted_and_gets_its_first_checkpoint():
    newest = written(3)[-1]
    with unguarded():
        Entry.objects.filter(pk=2).delete()
        Chain.objects.update(last_number=0, entries=0)
        import_module("sla_portal.audit.migrations.0007_the_head_only_moves_on").count(apps, None)
    made = Checkpoint.objects.get()
    assert (made.number, made.occasion, made.entries, made.entry, made.hash) == (1, "upgrade", 2, 3, newest.hash)
    assert Chain.objects.values_list("last_number", "entries").get() == (3, 2)
