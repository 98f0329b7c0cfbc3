"""The trail is only added to, and shows where somebody tampered with it."""

import pytest
from django.db import DatabaseError, connection, transaction

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.audit.operations import difference, record
from sla_portal.audit.queries import entries_about, first_broken_link
from tests.support.builders import a_region, at
from tests.support.unguarded import unguarded

pytestmark = pytest.mark.django_db

NOW = at("2026-09-20 12:00")


def three_entries() -> list[Entry]:
    region = a_region()
    return [
        record(actor=Actor.system("test"), action=action, subject=region, now=NOW, changes={"name": ["a", "b"]})
        for action in ("added", "changed", "renamed")
    ]


def test_each_entry_is_chained_to_the_one_before():
    first, second, third = three_entries()
    assert (second.previous_hash, third.previous_hash) == (first.hash, second.hash)
    assert first_broken_link() is None


def test_an_entry_says_who_did_what_to_what_and_why():
    region = a_region()
    record(actor=Actor.system("loadhistory"), action="added", subject=region, now=NOW, reason="moved here")
    entry = entries_about(region).get()
    assert (entry.actor_name, entry.action, entry.subject, entry.reason, entry.at) == (
        "loadhistory", "added", "Eu", "moved here", NOW,
    )  # fmt: skip


@pytest.mark.parametrize("tamper", ["UPDATE audit_entry SET reason = 'another'", "DELETE FROM audit_entry"])
def test_the_database_refuses_to_change_or_delete_an_entry(tamper):
    three_entries()
    with pytest.raises(DatabaseError, match="audit_entry_is_only_added_to"), transaction.atomic():
        connection.cursor().execute(tamper)
    assert Entry.objects.count() == 3


def tamper_with(statement: str, *parameters) -> None:
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


def test_a_change_behind_the_databases_back_breaks_the_chain():
    _first, second, _third = three_entries()
    tamper_with("UPDATE audit_entry SET reason = 'another' WHERE id = %s", second.pk)
    assert first_broken_link() == second


def test_an_entry_taken_out_breaks_the_chain():
    _first, second, third = three_entries()
    tamper_with("DELETE FROM audit_entry WHERE id = %s", second.pk)
    assert first_broken_link() == third


@pytest.mark.django_db(transaction=True)
def test_an_entry_outside_a_transaction_is_a_mistake_of_ours():
    region = a_region()
    with pytest.raises(RuntimeError):
        record(actor=Actor.system("test"), action="added", subject=region, now=NOW)


def test_what_differs_is_told_from_to():
    assert difference({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": [1, None], "b": [2, 3], "c": [None, 4]}
