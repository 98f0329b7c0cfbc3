"""Nobody undoes another's work: what is decided on a page that has become stale is refused, and shown."""

import pytest
from django.urls import reverse
from time_machine import travel

from incidents.models import Incident
from maintenance.models import MaintenanceWindow
from sla_portal.audit.models import Entry
from sla_portal.kernel.intervals import epoch
from tests.support.builders import a_region, a_window, an_incident, an_outage, at
from tests.support.desk import Opened, a_member, filled, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 03:00:00")


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def anna():
    user = a_member("NOC", "anna")
    user.first_name, user.last_name = "Anna", "Meyer"
    user.save()
    return in_utc(user)


@pytest.fixture
def ben():
    return in_utc(a_member("NOC", "ben"))


def in_utc(user):
    client = signed_in(user)
    client.post(reverse("admin:clock"), {"zone": "UTC"})
    return client


@pytest.fixture
def incident():
    incident = an_incident("INC-1", title="Gateway lost", detected_at=at("2026-09-10 01:00"))
    an_outage(a_region(), "2026-09-10 01:00", None, incident=incident)
    return incident


def step(name: str, row) -> str:
    return reverse(f"admin:{name}", args=[row.pk])


def correct(row) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])


class TestIncident:
    def test_a_stale_correction_does_not_reopen_a_resolved_incident(self, anna, ben, incident):
        page = Opened(ben, correct(incident))
        Opened(anna, page_of(incident)).send(step("resolve_incident", incident), end="now")
        refused = page.fill("title", title="Gateway in Frankfurt lost", why="A clearer title")
        assert refused.status_code == 409
        incident.refresh_from_db()
        assert (incident.title, incident.resolved_at) == ("Gateway lost", NOW)
        shown = text_of(refused)
        assert "Anna Meyer changed “INC-1 Gateway lost” after this page was opened. Nothing was saved." in shown
        assert "Anna Meyer resolved INC-1 Gateway lost" in shown
        assert "resolved at – 2026-09-10 03:00 UTC" in shown

    def test_what_was_typed_is_saved_on_request_and_what_was_not_touched_stays_as_the_other_left_it(
        self, anna, ben, incident
    ):
        page = Opened(ben, correct(incident))
        Opened(anna, page_of(incident)).send(step("resolve_incident", incident), end="now")
        refused = page.fill("title", title="Gateway in Frankfurt lost", why="A clearer title")
        kept = filled(ben, refused, correct(incident), "title")
        assert kept.status_code == 302
        incident.refresh_from_db()
        assert (incident.title, incident.resolved_at) == ("Gateway in Frankfurt lost", NOW)
        assert incident.outages.get().ended_at == NOW
        assert Entry.objects.latest("id").changes == {"title": ["Gateway lost", "Gateway in Frankfurt lost"]}

    def test_a_stale_correction_does_not_put_corrected_times_back(self, anna, ben, incident):
        page = Opened(ben, correct(incident))
        Opened(anna, correct(incident)).fill(
            "title", **{"detected_at_1": "01:10:00", "outages-0-started_at_1": "01:05:00"}, why="Seen in the logs"
        )
        assert incident.outages.get().started_at == at("2026-09-10 01:05")
        refused = page.fill("title", title="Gateway in Frankfurt lost", why="A clearer title")
        assert refused.status_code == 409
        filled(ben, refused, correct(incident), "title")
        incident.refresh_from_db()
        assert (incident.title, incident.detected_at) == ("Gateway in Frankfurt lost", at("2026-09-10 01:10"))
        assert incident.outages.get().started_at == at("2026-09-10 01:05")

    def test_where_both_typed_into_a_field_either_is_kept(self, anna, ben, incident):
        page = Opened(ben, correct(incident))
        Opened(anna, correct(incident)).fill("title", title="Gateway 1 lost", ticket_number="T-1", why="Which one")
        refused = page.fill("title", title="Gateway 2 lost", ticket_number="T-2", why="Which one")
        shown = text_of(refused)
        assert "title Gateway lost Gateway 1 lost Gateway 2 lost keep theirs" in shown
        assert "ticket number – T-1 T-2 keep theirs" in shown
        filled(ben, refused, correct(incident), "title", theirs=["title"])
        incident.refresh_from_db()
        assert (incident.title, incident.ticket_number) == ("Gateway 1 lost", "T-2")

    def test_a_mistake_in_a_form_does_not_make_it_forget_what_it_was_shown(self, anna, ben, incident):
        page = Opened(ben, correct(incident))
        Opened(anna, page_of(incident)).send(step("resolve_incident", incident), end="now")
        mistaken = page.fill("title", title="", detected_at_1="00:50:00", why="Earlier")
        assert mistaken.status_code == 200
        refused = filled(ben, mistaken, correct(incident), "title", title="Gateway in Frankfurt lost")
        assert refused.status_code == 409
        filled(ben, refused, correct(incident), "title")
        incident.refresh_from_db()
        assert incident.detected_at == at("2026-09-10 00:50")
        assert (incident.title, incident.resolved_at) == ("Gateway in Frankfurt lost", NOW)

    def test_resolving_an_incident_that_someone_resolved_shows_who_and_when(self, anna, ben, incident):
        page = Opened(ben, page_of(incident))
        Opened(anna, page_of(incident)).send(
            step("resolve_incident", incident),
            end="typed",
            end_at_0="2026-09-10",
            end_at_1="02:30:00",
            previewed=f"{epoch(at('2026-09-10 02:30'))},",
        )
        refused = page.send(step("resolve_incident", incident), end="now")
        assert refused.status_code == 409
        assert "resolved at – 2026-09-10 02:30 UTC" in text_of(refused)
        incident.refresh_from_db()
        assert incident.resolved_at == at("2026-09-10 02:30")

    def test_a_note_goes_through_and_what_else_is_new_is_said(self, anna, ben, incident):
        page = Opened(ben, page_of(incident))
        Opened(anna, page_of(incident)).send(step("resolve_incident", incident), end="now")
        noted = page.fill("text", text="Called the provider")
        assert noted.status_code == 302
        assert "New since you opened the page: Anna Meyer resolved INC-1 Gateway lost." in text_of(ben.get(noted.url))
        assert incident.updates.get().text == "Called the provider"

    def test_a_note_of_another_stops_nobody(self, anna, ben, incident):
        page = Opened(ben, page_of(incident))
        Opened(anna, page_of(incident)).fill("text", text="Called the provider")
        assert page.send(step("resolve_incident", incident), end="now").status_code == 302


class TestEnded:
    """What cannot be changed any more is not offered to be saved all the same, and what was typed for it is shown."""

    def test_of_a_voided_incident_everything_typed_is_shown_and_nothing_is_offered(self, anna, ben, incident):
        correction, note, resolving = (Opened(ben, url) for url in (correct(incident), *[page_of(incident)] * 2))
        Opened(anna, page_of(incident)).send(step("void_incident", incident), reason="A drill")
        cannot = "INC-1 was voided and cannot be changed. Log the outage again if it did happen."
        refused = correction.fill("title", title="Gateway 2 lost", detected_at_1="01:10:00", why="Seen in the logs")
        assert refused.status_code == 409
        shown = text_of(refused)
        assert f"Reason: A drill {cannot} Entered by you and not saved; copy what is still needed" in shown
        assert "title Gateway 2 lost detected at 2026-09-10 01:10:00 reason Seen in the logs Show the page" in shown
        for refused in (
            note.fill("text", text="Called the provider"),
            resolving.send(step("resolve_incident", incident), end="now"),
        ):
            assert refused.status_code == 409
            assert cannot in text_of(refused)
            assert "Keep mine" not in text_of(refused)
        assert "text Called the provider Show the page" in text_of(note.fill("text", text="Called the provider"))
        assert ben.get(correct(incident)).url == page_of(incident)

    def test_an_incident_resolved_or_reopened_by_another_is_not_offered_again(self, anna, ben, incident):
        resolving = Opened(ben, page_of(incident))
        Opened(anna, page_of(incident)).send(step("resolve_incident", incident), end="now")
        assert "Keep mine" not in text_of(resolving.send(step("resolve_incident", incident), end="now"))
        reopening, acting = {"reason": "It fails again", "text": "We look into it."}, Opened(ben, page_of(incident))
        Opened(anna, page_of(incident)).send(step("reopen_incident", incident), **reopening)
        refused = text_of(acting.send(step("reopen_incident", incident), **reopening))
        assert "INC-1 is not resolved." in refused
        assert "Keep mine" not in refused

    def test_of_a_discarded_draft_everything_typed_is_shown(self, anna, ben):
        window = a_window("2026-09-12 01:00", "2026-09-12 02:00", reference="MW-1", title="Upgrade")
        page = Opened(ben, correct(window))
        Opened(anna, reverse("admin:maintenance_window", args=[window.pk])).fill("reason", reason="Not needed")
        refused = page.fill("title", title="Upgrade of the database", why="A clearer title")
        assert refused.status_code == 409
        assert "title Upgrade of the database reason A clearer title Show the page" in text_of(refused)
        assert "Keep mine" not in text_of(refused)


class TestWindow:
    def test_a_draft_loses_no_title(self, anna, ben):
        window = a_window("2026-09-12 01:00", "2026-09-12 02:00", reference="MW-1", title="Upgrade")
        page = Opened(ben, correct(window))
        Opened(anna, correct(window)).fill("title", title="Upgrade of the database", why="A clearer title")
        refused = page.fill("title", starts_at_1="01:30:00", why="Later")
        assert refused.status_code == 409
        window.refresh_from_db()
        assert window.title == "Upgrade of the database"
        filled(ben, refused, correct(window), "title")
        window.refresh_from_db()
        assert (window.title, window.starts_at) == ("Upgrade of the database", at("2026-09-12 01:30"))

    def test_a_window_cancelled_meanwhile_is_not_announced_anew(self, anna, ben):
        planned = ("2026-09-12 01:00", "2026-09-12 02:00")
        window = a_window(*planned, ("2026-09-09 01:00", *planned), reference="MW-1", title="Upgrade")
        page = Opened(ben, step("announce_window", window))
        preview = page.fill("starts_at_0", show="1", starts_at_1="01:30:00")
        cancelling = anna.post(step("cancel_window", window), {"show": "1", "reason": "Not needed"})
        filled(anna, cancelling, step("cancel_window", window), "key", send="1")
        assert MaintenanceWindow.objects.get().cancelled_at
        refused = filled(ben, preview, step("announce_window", window), "key", send="1")
        assert refused.status_code == 409
        assert "cancelled MW-1 Upgrade" in text_of(refused)


def test_a_form_without_a_version_is_refused(ben, incident, anna):
    Opened(anna, page_of(incident)).send(step("acknowledge_incident", incident))
    refused = ben.post(step("resolve_incident", incident), {"end": "now", "seen": ""})
    assert refused.status_code == 409
    assert Incident.objects.get().resolved_at is None
