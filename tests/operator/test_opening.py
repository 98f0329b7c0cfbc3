"""The portal is opened to the public once, by people with the right, and stays open."""

from importlib import import_module
from threading import Barrier

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.operator.models import Opening
from sla_portal.operator.operations import AlreadyOpened, DayPast, open_portal, set_reported_from
from sla_portal.operator.operations import opening as operation
from sla_portal.operator.queries import is_opened
from tests.support.builders import a_customer, a_region, an_incident, at, on
from tests.support.desk import a_member
from tests.support.races import outcomes

NOW = at("2026-11-30 08:00")
SYSTEM = Actor.system("test")
migration = import_module("sla_portal.operator.migrations.0001_opening")


@pytest.mark.usefixtures("closed_portal")
def test_a_day_is_named_and_the_portal_opened_once_and_for_good():
    administrator = Actor.staff(a_member("Administrator"))
    for refused in (on("2026-11-29"), on("2020-01-01")):
        with pytest.raises(DayPast):
            set_reported_from(actor=administrator, day=refused, now=NOW)
    set_reported_from(actor=administrator, day=on("2027-01-01"), now=NOW)
    set_reported_from(actor=administrator, day=on("2026-12-01"), now=NOW)
    assert not is_opened()
    open_portal(actor=administrator, now=NOW)
    row = Opening.objects.get()
    assert (row.reported_from, row.opened_at, row.opened_by) == (on("2026-12-01"), NOW, administrator.user)
    assert [(entry.action, entry.changes) for entry in Entry.objects.order_by("id")] == [
        ("set the opening day of", {"reported_from": [None, "2027-01-01"]}),
        ("set the opening day of", {"reported_from": ["2027-01-01", "2026-12-01"]}),
        ("opened to the public", {"opened_at": [None, "2026-11-30T08:00:00Z"]}),
    ]
    for again in (
        lambda: open_portal(actor=administrator, now=NOW),
        lambda: set_reported_from(actor=administrator, day=on("2027-01-01"), now=NOW),
    ):
        with pytest.raises(AlreadyOpened):
            again()
    # The database keeps it, too.
    for write in (
        lambda: Opening.objects.update(opened_at=None),
        lambda: Opening.objects.all()._raw_delete("default"),
        lambda: Opening.objects.create(pk=2),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()


def test_an_installation_with_a_record_counts_as_opened(closed_portal):
    migration.count_as_opened(apps, None)
    assert not is_opened()
    a_region()
    migration.count_as_opened(apps, None)
    assert not is_opened()
    for reported in (an_incident, lambda: a_customer(a_region())):
        with transaction.atomic():
            reported()
            migration.count_as_opened(apps, None)
            assert is_opened()
            transaction.set_rollback(True)


def both_open() -> list[str]:
    return sorted(outcomes(*[lambda: open_portal(actor=SYSTEM, now=NOW)] * 2))


@pytest.mark.django_db(transaction=True)
def test_of_two_who_open_it_at_once_one_does(closed_portal):
    assert both_open() == ["AlreadyOpened", "done"]
    assert Entry.objects.filter(action="opened to the public").count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_database_refuses_the_second(closed_portal, monkeypatch):
    """The twin: on SQLite a transaction that writes locks the whole database anyway."""
    both_read, read = Barrier(2), operation.opening

    def read_together() -> Opening:
        found = read()
        both_read.wait(30)
        return found

    monkeypatch.setattr(operation, "opening", read_together)
    monkeypatch.setattr(operation, "lock_chain", lambda: None)
    assert both_open() == ["IntegrityError", "done"]
