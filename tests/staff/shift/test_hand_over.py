"""The hand-over page: what changed since a shift began, and notes for the next shift."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from time_machine import travel

from incidents.models import ShiftNote
from incidents.operations import acknowledge_incident, add_update
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 12:00")
PAGE = "/admin/hand-over/"


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def nora():
    return a_member("NOC", "nora")


@pytest.fixture
def noc(nora):
    return signed_in(nora)


def updated(reference: str, when: str, text: str, nora):
    incident = an_outage(a_region(), "2026-09-10 01:00", None, incident=an_incident(reference)).incident
    add_update(actor=Actor.staff(nora), incident=incident, text=text, public=False, now=at(when))
    return incident


def changes(page: str) -> str:
    return page[page.index("What changed since my shift began") : page.index("Notes for the next shift")]


def test_it_lists_what_changed_since_then_by_record(noc, nora):
    first = updated("INC-1", "2026-09-10 05:00", "Restarted the gateway", nora)
    updated("INC-2", "2026-09-10 03:00", "Before the shift", nora)
    acknowledge_incident(actor=Actor.staff(nora), incident=first, now=at("2026-09-10 06:00"))
    page = changes(text_of(noc.get(PAGE)))
    assert "INC-1 Gateway lost ■ critical" in page
    assert page.index("Restarted the gateway") < page.index("acknowledged")
    assert "Before the shift" not in page
    assert "Before the shift" in changes(text_of(noc.get(PAGE, {"since": "12"})))


def test_the_start_of_the_shift_is_typed_in_the_time_zone_of_the_reader(noc, nora):
    updated("INC-1", "2026-09-10 05:00", "Restarted the gateway", nora)
    typed = {"since": "typed", "since_at_0": "2026-09-10", "since_at_1": "12:59"}  # 04:59 UTC
    assert "Restarted the gateway" in text_of(noc.get(PAGE, typed))
    assert "Restarted the gateway" not in text_of(noc.get(PAGE, {**typed, "since_at_1": "13:01"}))


@pytest.mark.parametrize("asked", [{"since": "typed"}, {"since": "x"}, {"since": "9" * 400}])
def test_a_start_that_is_none_is_refused(noc, asked):
    assert noc.get(PAGE, asked).status_code == 422


def test_a_note_for_the_next_shift_is_saved_once_logged_and_on_the_home_page(noc):
    sent = {"key": str(uuid4()), "text": "Watch the gateway at 04:00"}
    noc.post(PAGE, sent)
    noc.post(PAGE, sent)
    note = ShiftNote.objects.get()
    assert (note.text, note.author_name, note.at) == ("Watch the gateway at 04:00", "NOC", NOW)
    assert Entry.objects.get().action == "left a note"
    assert "Watch the gateway at 04:00" in text_of(noc.get("/admin/"))
    with travel(at("2026-09-11 12:01"), tick=False):
        assert "Watch the gateway at 04:00" not in text_of(noc.get("/admin/"))


def test_an_empty_note_is_refused(noc):
    assert noc.post(PAGE, {"key": str(uuid4()), "text": " "}).status_code == 422


def test_readers_leave_no_note():
    reader = signed_in(a_member("Auditor"))
    assert "Save note" not in text_of(reader.get(PAGE))
    assert reader.post(PAGE, {"key": str(uuid4()), "text": "x"}).status_code == 403


def test_the_number_of_queries_does_not_grow(noc, nora):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert noc.get(PAGE).status_code == 200
        return len(captured)

    updated("INC-1", "2026-09-10 05:00", "x", nora)
    noc.get(PAGE)
    few = queries()
    for number in range(2, 12):
        updated(f"INC-{number}", "2026-09-10 05:00", "x", nora)
    assert queries() == few


def test_the_address_is_in_the_navigation(noc):
    assert reverse("admin:hand_over") == PAGE
    assert f'href="{PAGE}"' in noc.get("/admin/").content.decode()
