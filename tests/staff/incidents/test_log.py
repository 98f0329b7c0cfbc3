"""Logging an outage through its page."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client as Browser
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_machine import travel

from incidents.models import Incident, Outage
from sla_portal.customers.models import Client, CoreFunction
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.desk import a_member, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 02:14:07")


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def noc():
    return signed_in(a_member("NOC"))


def address() -> str:
    return reverse("admin:log_outage")


def taps(*regions, **more) -> dict:
    """What the form sends when only regions are tapped."""
    plain = {"what": "everything", "since": "now", "over": "no", "source": "monitoring"}
    return {"key": str(uuid4()), "regions": [region.pk for region in regions], **plain, **more}


def cell(function: str, client: str) -> str:
    return f"{CoreFunction.objects.get(code=function).pk}:{Client.objects.get(code=client).pk}"


def test_choosing_a_region_logs_a_major_outage_from_now(noc):
    europe = a_region("eu", name="Europe")
    answer = noc.post(address(), taps(europe))
    incident = Incident.objects.get()
    outage = incident.outages.get()
    assert answer.url == page_of(incident)
    assert (incident.title, outage.started_at, outage.ended_at) == ("Major outage in Europe", NOW, None)
    assert not outage.functions.exists()
    assert not outage.clients.exists()


def test_the_only_region_is_chosen_already(noc):
    a_region("eu")
    assert b"checked" in noc.get(address()).content.split(b"Started")[0]


def test_with_several_regions_none_is_chosen_for_the_person(noc):
    a_region("eu")
    a_region("asia")
    assert b"checked" not in noc.get(address()).content.split(b"Started")[0].split(b"Regions")[1]


@pytest.mark.parametrize(
    ("since", "started"),
    [("1", "2026-09-10 02:13:07"), ("3", "2026-09-10 02:11:07"), ("5", "2026-09-10 02:09:07"),
     ("10", "2026-09-10 02:04:07"), ("15", "2026-09-10 01:59:07")],
)  # fmt: skip
def test_it_can_have_begun_some_minutes_ago(noc, since, started):
    noc.post(address(), taps(a_region(), since=since))
    assert Outage.objects.get().started_at == at(started)


def test_other_minutes_are_typed(noc):
    noc.post(address(), taps(a_region(), since="minutes", since_minutes="7"))
    assert Outage.objects.get().started_at == at("2026-09-10 02:07:07")


@pytest.mark.parametrize(
    ("minutes", "sentence"),
    [("", "Enter how many minutes ago it started."), ("0", "greater than or equal to 1"), ("x", "whole number")],
)
def test_minutes_that_are_none_are_refused_at_the_field(noc, minutes, sentence):
    answer = noc.post(address(), taps(a_region(), since="minutes", since_minutes=minutes))
    assert sentence in text_of(answer)
    assert answer.context["form"].errors["since_minutes"]
    assert not Outage.objects.exists()


def test_severity_and_links_are_logged_with_the_outage(noc):
    sent = {"severity": "minor", "severity_reason": "One tester", "chat_url": "https://chat.example.com/1"}
    refused = noc.post(address(), taps(a_region(), **sent, ticket_url="javascript:alert(1)"))
    assert refused.context["form"].errors["ticket_url"]
    noc.post(address(), taps(a_region(), **sent))
    incident = Incident.objects.get()
    assert (incident.severity, incident.severity_reason, incident.chat_url) == tuple(sent.values())


def test_a_typed_time_is_read_on_the_readers_clock(noc):
    noc.post(address(), taps(a_region(), since="typed", since_at_0="2026-09-10", since_at_1="09:30:15"))
    assert Outage.objects.get().started_at == at("2026-09-10 01:30:15")


def test_a_restored_outage_is_logged_and_resolved(noc):
    over = {"over": "yes", "ended_at_0": "2026-09-10", "ended_at_1": "10:10:00"}
    noc.post(address(), taps(a_region(), since="15", **over))
    incident = Incident.objects.get()
    assert incident.resolved_at == incident.outages.get().ended_at == at("2026-09-10 02:10")


@pytest.mark.parametrize(
    ("typed", "detected"),
    [
        ({}, "2026-09-10 02:14:07"),
        ({"since": "15"}, "2026-09-10 01:59:07"),
        ({"since": "typed", "since_at_0": "2026-09-10", "since_at_1": "09:30:15"}, "2026-09-10 01:30:15"),
        ({"since": "15", "detected_at_0": "2026-09-10", "detected_at_1": "10:10:00"}, "2026-09-10 02:10"),
    ],
)
def test_it_was_detected_now_or_at_its_start_in_the_past_or_as_typed(noc, typed, detected):
    noc.post(address(), taps(a_region(), **typed))
    incident = Incident.objects.get()
    assert (incident.detected_at, incident.logged_at) == (at(detected), NOW)


def test_detected_when_it_was_over_it_is_resolved_when_it_was_detected(noc):
    over = {"over": "yes", "ended_at_0": "2026-09-10", "ended_at_1": "10:10:00"}
    noc.post(address(), taps(a_region(), since="15", detected_at_0="2026-09-10", detected_at_1="10:12:00", **over))
    incident = Incident.objects.get()
    assert incident.resolved_at == incident.detected_at == at("2026-09-10 02:12")
    assert incident.outages.get().ended_at == at("2026-09-10 02:10")


def test_a_detection_in_the_future_is_refused_at_its_field(noc):
    answer = noc.post(address(), taps(a_region(), detected_at_0="2026-09-10", detected_at_1="10:14:08"))
    assert answer.context["form"].errors == {
        "detected_at": ["The time of detection is in the future. Enter a past time."]
    }
    assert "The time of detection is in the future." in text_of(answer)
    assert b'value="10:14:08"' in answer.content
    assert not Incident.objects.exists()


def test_all_that_is_wrong_is_said_at_once_and_each_once(noc):
    typed = {
        "since": "typed", "since_at_0": "2026-09-10", "since_at_1": "09:00:00", "over": "yes",
        "ended_at_0": "2026-09-10", "ended_at_1": "08:00:00", "ticket_url": "javascript:alert(1)", "severity": "major",
    }  # fmt: skip
    refused = noc.post(address(), taps(a_region("eu"), **typed))
    assert {name: len(errors) for name, errors in refused.context["form"].errors.items()} == {
        "ended_at": 1, "ticket_url": 1, "severity_reason": 1,
    }  # fmt: skip


def test_ticked_cells_become_as_few_outages_as_they_need(noc):
    cells = [
        cell("login", "app"),
        cell("calls", "app"),
        cell("door", "device"),
        cell("door", "web"),
        cell("door", "app"),
    ]
    noc.post(address(), taps(a_region("eu", name="Europe"), what="some", cells=cells))
    found = {
        (tuple(o.functions.values_list("code", flat=True)), tuple(o.clients.values_list("code", flat=True)))
        for o in Outage.objects.all()
    }
    assert found == {(("login", "calls", "door"), ("app",)), (("door",), ())}


def test_the_title_is_generated_unless_typed(noc):
    europe = a_region("eu", name="Europe")
    cells = [cell("login", "app"), cell("preview", "app")]
    noc.post(address(), taps(europe, what="some", cells=cells))
    assert Incident.objects.get().title == "Login and video preview down on app in Europe"
    noc.post(address(), taps(europe, title="Gateway lost", duplicate_of="new"))
    assert Incident.objects.first().title == "Gateway lost"


def test_several_regions_are_one_incident(noc):
    noc.post(address(), taps(a_region("eu"), a_region("asia")))
    assert Incident.objects.get().outages.count() == 2


class TestPossibleDuplicate:
    def test_is_offered_and_nothing_is_saved_before_an_answer(self, noc):
        europe = a_region("eu")
        first = an_outage(europe, "2026-09-10 02:05", None).incident
        answer = noc.post(address(), taps(europe))
        assert f"Add to {first.reference}" in text_of(answer)
        assert Incident.objects.count() == 1

    def test_can_be_added_to_the_incident(self, noc):
        europe = a_region("eu")
        first = an_outage(europe, "2026-09-10 02:05", None).incident
        answer = noc.post(address(), taps(europe, duplicate_of=first.pk))
        assert answer.url == page_of(first)
        assert (Incident.objects.count(), first.outages.count()) == (1, 2)

    def test_can_be_logged_as_new(self, noc):
        europe = a_region("eu")
        an_outage(europe, "2026-09-10 02:05", None)
        noc.post(address(), taps(europe, duplicate_of="new"))
        assert Incident.objects.count() == 2

    def test_answering_later_does_not_move_the_start(self, noc):
        europe = a_region("eu")
        an_outage(europe, "2026-09-10 02:05", None)
        sent = taps(europe, since="5")
        asked = noc.post(address(), sent)
        asked_at = asked.context["form"]["asked_at"].value()
        with travel(at("2026-09-10 02:20:00"), tick=False):
            noc.post(address(), {**sent, "asked_at": asked_at, "duplicate_of": "new"})
        assert Outage.objects.latest("id").started_at == at("2026-09-10 02:09:07")

    def test_is_not_offered_in_another_region_or_hours_later(self, noc):
        an_outage(a_region("asia"), "2026-09-10 02:05", None)
        over = an_incident(resolved_at=at("2026-09-09 23:00"))
        an_outage(a_region("eu"), "2026-09-09 22:00", "2026-09-09 23:00", incident=over)
        noc.post(address(), taps(a_region("eu")))
        assert Incident.objects.count() == 3

    def test_an_ongoing_outage_is_not_added_to_a_resolved_incident(self, noc):
        over = an_incident(resolved_at=at("2026-09-10 02:10"))
        an_outage(a_region("eu"), "2026-09-10 02:00", "2026-09-10 02:10", incident=over)
        noc.post(address(), taps(a_region("eu")))
        assert Incident.objects.count() == 2

    def test_is_asked_only_after_the_times_were_checked(self, noc):
        an_outage(a_region("eu"), "2026-09-10 02:05", None)
        typed = {"since": "typed", "since_at_0": "2026-09-10", "since_at_1": "10:09"}
        over = {"over": "yes", "ended_at_0": "2026-09-10", "ended_at_1": "10:05"}
        answer = text_of(noc.post(address(), taps(a_region("eu"), **typed, **over)))
        assert "The outage ends before it starts." in answer
        assert "Possible duplicate" not in answer
        detected = {"detected_at_0": "2026-09-10", "detected_at_1": "10:14:08"}
        answer = text_of(noc.post(address(), taps(a_region("eu"), **detected)))
        assert "The time of detection is in the future." in answer
        assert "Possible duplicate" not in answer

    def test_is_not_offered_of_what_was_over_hours_before(self, noc):
        an_outage(a_region("eu"), "2026-09-10 02:05", None)
        typed = {"since": "typed", "since_at_0": "2026-09-09", "since_at_1": "10:00"}
        over = {"over": "yes", "ended_at_0": "2026-09-09", "ended_at_1": "10:20"}
        noc.post(address(), taps(a_region("eu"), **typed, **over))
        assert Incident.objects.count() == 2

    def test_a_voided_incident_is_not_offered(self, noc):
        slip = an_incident(voided_at=at("2026-09-10 02:06"))
        an_outage(a_region("eu"), "2026-09-10 02:05", None, incident=slip)
        noc.post(address(), taps(a_region("eu")))
        assert Incident.objects.count() == 2

    def test_an_outage_that_ended_later_is_not_added_to_a_resolved_incident(self, noc):
        before = an_incident(resolved_at=at("2026-09-10 02:10"))
        an_outage(a_region("eu"), "2026-09-10 02:00", "2026-09-10 02:10", incident=before)
        over = {"over": "yes", "ended_at_0": "2026-09-10", "ended_at_1": "10:10:01"}
        noc.post(address(), taps(a_region("eu"), since="15", **over))
        assert Incident.objects.count() == 2

    def test_only_an_offered_incident_can_be_chosen(self, noc):
        other = an_outage(a_region("asia"), "2026-09-10 02:05", None).incident
        noc.post(address(), taps(a_region("eu"), duplicate_of=other.pk))
        assert other.outages.count() == 1


def test_sent_twice_it_is_logged_once(noc):
    sent = taps(a_region())
    assert noc.post(address(), sent).url == noc.post(address(), sent).url
    assert Incident.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_sent_twice_at_the_same_moment_it_is_logged_once(noc):
    sent = taps(a_region())
    cookies = noc.cookies

    def send(_turn: int) -> str:
        client = Browser()
        client.cookies = cookies
        try:
            return client.post(address(), sent).url
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as both:
        first, second = both.map(send, range(2))
    assert first == second == page_of(Incident.objects.get())


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"regions": []}, "Choose at least one region."),
        ({"regions": ["9" * 400]}, "Select a valid choice."),
        ({"what": "some"}, "Select at least one function on one client"),
        ({"since": "typed"}, "Enter a date and a time."),
        ({"since": "typed", "since_at_0": "2026-09-11", "since_at_1": "00:00"}, "The start is in the future."),
        ({"since": "typed", "since_at_0": "2026-09-10", "since_at_1": "09:30:15.5"}, "whole seconds"),
        ({"over": "yes", "ended_at_0": "2026-09-10", "ended_at_1": "09:00:00"}, "The outage ends before it starts."),
    ],
)
def test_invalid_input_is_refused_with_a_message_and_kept(noc, change, sentence):
    answer = noc.post(address(), {**taps(a_region()), "ticket_number": "T-17", **change})
    assert sentence in text_of(answer)
    assert b'value="T-17"' in answer.content
    assert not Incident.objects.exists()


@pytest.mark.parametrize(
    ("typed", "sentence"), [("2026-03-29 02:30:00", "does not exist"), ("2025-10-26 02:30:00", "happens twice")]
)
def test_a_local_time_that_is_not_one_instant_is_refused_and_its_two_instants_are_offered(noc, typed, sentence):
    noc.post(reverse("admin:clock"), {"zone": "Europe/Berlin"})
    day, time = typed.split()
    page = text_of(noc.post(address(), taps(a_region(), since="typed", since_at_0=day, since_at_1=time)))
    assert sentence in page
    assert "(UTC+01:00)" in page
    assert "(UTC+02:00)" in page


def test_preset_times_are_shown_in_both_time_zones(noc):
    noc.post(reverse("admin:clock"), {"zone": "Europe/Berlin"})
    assert "04:14:07 Berlin · 10:14:07 Shanghai" in text_of(noc.get(address()))


@pytest.mark.parametrize("role", ["Support", "Auditor"])
def test_only_noc_may_log_outages(role):
    client = signed_in(a_member(role))
    assert client.get(address()).status_code == client.post(address(), taps(a_region())).status_code == 403
    assert not Incident.objects.exists()


def test_another_outage_is_added_to_an_incident(noc):
    incident = an_outage(a_region("eu"), "2026-09-10 02:05", None).incident
    page = reverse("admin:add_outage", args=[incident.pk])
    sent = taps(a_region("asia"))
    assert noc.get(page).status_code == 200
    assert noc.post(page, sent).url == noc.post(page, sent).url == page_of(incident)
    assert incident.outages.count() == 2


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({}, "The incident is resolved. Enter the end of the outage, or log an ongoing outage as a new incident."),
        (
            {"over": "yes", "ended_at_0": "2026-09-10", "ended_at_1": "10:10:01"},
            "The outage ends after the incident was resolved. Enter an earlier end, or correct “resolved at”.",
        ),
    ],
)
def test_no_outage_of_a_resolved_incident_goes_on(noc, over, sentence):
    incident = an_incident(resolved_at=at("2026-09-10 02:10"))
    page = reverse("admin:add_outage", args=[incident.pk])
    answer = noc.post(page, taps(a_region(), since="15", **over))
    assert answer.context["form"].errors == {"ended_at": [sentence]}
    assert not Outage.objects.exists()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(
            [
                "key",
                "regions",
                "what",
                "cells",
                "since",
                "since_at_0",
                "since_at_1",
                "over",
                "ended_at_0",
                "ended_at_1",
                "source",
                "ticket_number",
                "title",
                "detected_at_0",
                "detected_at_1",
                "duplicate_of",
                "asked_at",
            ]
        ),
        st.one_of(
            st.text(max_size=30),
            st.sampled_from(
                ["some", "typed", "yes", "now", "0001-01-01", "9999-12-31", "23:59:59", "1:1", "-1", "9" * 400]
            ),
        ),
    )
)
def test_arbitrary_input_does_not_break_the_page(noc, sent):
    region = a_region()
    assert noc.post(address(), {**taps(region), **sent}).status_code in {200, 302}
