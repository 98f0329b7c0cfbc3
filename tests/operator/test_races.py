"""A rehearsal that begins while a month is closed for real: either comes first, and nothing is both."""

import threading
from unittest.mock import patch

import pytest

from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Document, Kind
from sla_portal.availability.operations import close_month
from sla_portal.operator.models import Rehearsal
from sla_portal.operator.operations import rehearsal
from tests.support.builders import a_region, at
from tests.support.claimants import SEPTEMBER
from tests.support.races import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("closed_portal")]

NOW = at("2026-10-08 02:00")
SYSTEM = Actor.system("test")


def race() -> list[object]:
    """The month is closed while the rehearsal has begun, and is not committed yet."""
    a_region()
    begun = threading.Event()
    record = rehearsal.record

    def slowly(**written):
        begun.set()
        threading.Event().wait(1)
        return record(**written)

    def close() -> None:
        begun.wait(30)
        close_month(actor=SYSTEM, month=SEPTEMBER, now=NOW)

    with patch.object(rehearsal, "record", slowly):
        return at_once(lambda: rehearsal.begin_rehearsal(actor=SYSTEM, now=NOW), close)


def test_what_is_closed_while_a_rehearsal_begins_belongs_to_it():
    begun, _none = race()
    assert Rehearsal.objects.get() == begun
    assert Document.objects.get(kind=Kind.CLOSING).rehearsal == begun.pk


@pytest.mark.postgresql
def test_without_the_lock_it_is_real_in_a_rehearsal(monkeypatch):
    """The twin. On SQLite one write lock is for all."""
    monkeypatch.setattr(rehearsal, "lock_chain", lambda: None)
    begun, _none = race()
    assert Rehearsal.objects.get() == begun
    assert Document.objects.get(kind=Kind.CLOSING).rehearsal == 0
