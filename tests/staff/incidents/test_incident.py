"""The page of an incident: its impact, and every action through its URL."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from time_machine import travel

from sla_portal.availability.models import Exclusion
from tests.support.builders import a_contract, a_customer, a_region, a_window, an_exclusion, an_incident, an_outage, at
from tests.support.desk import a_member, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 03:00:00")


@pytest.fixture(autouse=True)
def now():
    with travel(NOW, tick=False):
        yield


@pytest.fixture
def noc():
    return signed_in(a_member("NOC"))


@pytest.fixture
def legal():
    return signed_in(a_member("Legal"))


@pytest.fixture
def europe():
    return a_region("eu", name="Europe")


def step(name: str, row) -> str:
    return reverse(f"admin:{name}", args=[row.pk])


def proposal(**given) -> dict:
    return {"key": str(uuid4()), "stretch": "whole", "reason": "Announced days before", **given}


class TestImpact:
    def test_the_headline_says_what_was_down_where_and_for_how_long(self, noc, europe):
        login = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:12:30", functions=("login",))
        page = text_of(noc.get(page_of(login.incident)))
        assert "Login down on all clients in Europe for 12 min 30 s" in page
        assert (
            "0 unavailable minutes under the counting rule in force (All functions on all clients). "
            "Other counting rules: Any function on all clients 12, Any function on any client 13."
        ) in page

    def test_scopes_with_different_times_are_listed_separately(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:40", functions=("login",)).incident
        an_outage(europe, "2026-09-10 01:10", "2026-09-10 01:19", incident=incident)
        heading = "Login down on all clients in Europe for 40 min; Major outage in Europe for 9 min"
        assert heading in text_of(noc.get(page_of(incident)))

    def test_scopes_and_regions_with_the_same_times_are_merged(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10", functions=("login",)).incident
        an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10", incident=incident, clients=("web",))
        asia = a_region("asia", name="Asia")
        an_outage(asia, "2026-09-10 01:05", "2026-09-10 01:12", incident=incident, functions=("login",))
        an_outage(asia, "2026-09-10 01:05", "2026-09-10 01:12", incident=incident, clients=("web",))
        heading = "Login down on all clients and All functions down on web in Asia and Europe for 12 min"
        assert heading in text_of(noc.get(page_of(incident)))

    def test_an_ongoing_outage_is_measured_to_now(self, noc, europe):
        outage = an_outage(europe, "2026-09-10 02:50", None)
        page = text_of(noc.get(page_of(outage.incident)))
        assert "Major outage in Europe for 10 min" in page
        assert "6 minutes over the downtime allowance of 4" in page
        assert "Ongoing, as of" in page

    def test_excluded_minutes_are_shown(self, noc, europe):
        outage = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:31")
        an_exclusion(outage.incident, "4.11", ends_at=at("2026-09-10 01:30"))
        page = text_of(noc.get(page_of(outage.incident)))
        assert "1 unavailable minute under the counting rule in force" in page
        assert "30 minutes are excluded." in page

    def test_every_month_that_it_touches_is_shown(self, noc, europe):
        # Midnight of 1 September in the SLA time zone
        outage = an_outage(europe, "2026-08-31 15:50", "2026-08-31 16:10")
        page = text_of(noc.get(page_of(outage.incident)))
        assert "August 2026" in page
        assert "September 2026" in page

    def test_every_region_has_its_own_figures(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        an_outage(a_region("asia", name="Asia"), "2026-09-10 01:00", "2026-09-10 01:20", incident=incident)
        page = text_of(noc.get(page_of(incident)))
        assert "Asia: 20 unavailable minutes" in page
        assert "Europe: 10 unavailable minutes" in page

    def test_an_incident_without_an_outage_has_a_page(self, noc):
        assert "no downtime counts" in text_of(noc.get(page_of(an_incident())))

    def test_an_outage_logged_this_second_has_a_page(self, noc, europe):
        outage = an_outage(europe, "2026-09-10 03:00:00", None)
        assert "Major outage in Europe for 0 s" in text_of(noc.get(page_of(outage.incident)))

    def test_figures_are_refreshed_without_the_forms(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 02:50", None).incident
        part = noc.get(page_of(incident), {"part": "figures"}).content
        assert b"Major outage in Europe for 10 min" in part
        assert b"<form" not in part

    def test_a_window_whose_notice_covers_it_is_offered_and_one_without_notice_is_not(self, noc, europe):
        a_window(
            "2026-09-10 01:00", "2026-09-10 02:00", ("2026-09-05 00:00", "2026-09-10 01:00", "2026-09-10 02:00"),
            reference="MW-1",
        )  # fmt: skip
        a_window("2026-09-10 01:00", "2026-09-10 02:00", reference="MW-2")
        outage = an_outage(europe, "2026-09-10 01:10", "2026-09-10 01:40")
        page = text_of(noc.get(page_of(outage.incident)))
        assert (
            "MW-1 Database upgrade : its notices cover 30 min of this incident, which can be excluded under 4.1."
            in page
        )
        assert "MW-2 Database upgrade : planned but never announced, so nothing can be excluded under 4.1." in page
        assert page.count("Propose exclusion under 4.1") == 1

    def test_the_timeline_has_a_text_alternative(self, noc, europe):
        outage = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:12:30", functions=("login",), clients=("app",))
        page = text_of(noc.get(page_of(outage.incident)))
        assert "Login, App 2026-09-10 09:00 Shanghai to 2026-09-10 09:12:30 Shanghai (12 min 30 s)" in page
        assert "Login, Web none" in page


class TestSteps:
    def test_acknowledge(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 02:50", None).incident
        noc.post(step("acknowledge_incident", incident))
        incident.refresh_from_db()
        assert incident.acknowledged_at == NOW

    def test_resolve_now(self, noc, europe):
        outage = an_outage(europe, "2026-09-10 02:50", None)
        noc.post(step("resolve_incident", outage.incident), {"end": "now"})
        outage.refresh_from_db()
        assert outage.ended_at == outage.incident.resolved_at == NOW

    def test_what_resolving_it_now_does_to_the_month_is_shown_before(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 02:50", None).incident
        page = text_of(noc.get(page_of(incident)))
        assert "If resolved now, Europe, September 2026: 10 unavailable minutes ■ SLA breached (in progress)" in page
        assert "If resolved now" in text_of(noc.get(page_of(incident), {"part": "figures"}))

    def test_at_a_typed_time_it_is_resolved_after_the_effect_on_the_month_was_shown(self, noc, europe):
        a_contract(a_customer(europe), "2026-09-01", "2027-08-31")
        outage = an_outage(europe, "2026-09-10 02:50", None)
        typed = {"end": "typed", "end_at_0": "2026-09-10", "end_at_1": "10:54:30"}
        shown = noc.post(step("resolve_incident", outage.incident), typed)
        assert (
            "If resolved then All functions on all clients in force 10 minutes ■ SLA breached (in progress) "
            "4 minutes ✓ SLA met (in progress)"
        ) in text_of(shown)
        assert "The SLA result changes for 1 customer." in text_of(shown)
        outage.refresh_from_db()
        assert outage.ended_at is None
        previewed = shown.context["resolve"]["previewed"].value()
        moved = {**typed, "previewed": previewed, "end_at_1": "10:58:30"}
        noc.post(step("resolve_incident", outage.incident), moved)
        outage.refresh_from_db()
        assert outage.ended_at is None
        noc.post(step("resolve_incident", outage.incident), {**typed, "previewed": previewed})
        outage.refresh_from_db()
        assert outage.ended_at == at("2026-09-10 02:54:30")

    def test_an_end_before_the_start_is_refused_and_the_input_is_kept(self, noc, europe):
        outage = an_outage(europe, "2026-09-10 02:50", None)
        typed = {"end": "typed", "end_at_0": "2026-09-10", "end_at_1": "10:00:00"}
        answer = noc.post(step("resolve_incident", outage.incident), typed)
        assert answer.status_code == 422
        assert "The outage ends before it starts." in text_of(answer)
        assert b'value="10:00:00"' in answer.content
        outage.refresh_from_db()
        assert outage.ended_at is None

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("10:39:59", "The incident was resolved before it was detected."),
            ("10:54:59", "The incident was resolved before it was acknowledged."),
            ("10:56:59", "One of the outages ends after this time."),
        ],
    )
    def test_resolved_before_what_comes_first_is_refused_at_its_field(self, noc, europe, typed, sentence):
        incident = an_incident(detected_at=at("2026-09-10 02:40"), acknowledged_at=at("2026-09-10 02:55"))
        an_outage(europe, "2026-09-10 02:30", None, incident=incident)
        an_outage(europe, "2026-09-10 02:30", "2026-09-10 02:57", incident=incident)
        answer = noc.post(
            step("resolve_incident", incident), {"end": "typed", "end_at_0": "2026-09-10", "end_at_1": typed}
        )
        assert answer.status_code == 422
        assert list(answer.context["resolve"].errors) == ["end_at"]
        assert sentence in text_of(answer)
        incident.refresh_from_db()
        assert incident.resolved_at is None

    def test_the_service_can_have_been_restored_earlier(self, noc, europe):
        outage = an_outage(europe, "2026-09-10 02:50", None)
        sent = {"end": "now", "restored_at_0": "2026-09-10", "restored_at_1": "10:52:00"}
        noc.post(step("resolve_incident", outage.incident), sent)
        outage.refresh_from_db()
        assert (outage.ended_at, outage.incident.resolved_at) == (at("2026-09-10 02:52"), NOW)

    def test_a_restoration_before_the_outage_is_refused_at_its_field(self, noc, europe):
        outage = an_outage(europe, "2026-09-10 02:50", None)
        sent = {"end": "now", "restored_at_0": "2026-09-10", "restored_at_1": "10:49:00"}
        answer = noc.post(step("resolve_incident", outage.incident), sent)
        assert list(answer.context["resolve"].errors) == ["restored_at"]

    def test_acknowledging_a_resolved_incident_is_refused(self, noc):
        incident = an_incident(resolved_at=at("2026-09-10 02:55"))
        answer = noc.post(step("acknowledge_incident", incident), follow=True)
        assert "is already resolved" in text_of(answer)
        incident.refresh_from_db()
        assert incident.acknowledged_at is None

    def test_times_out_of_order_on_record_are_named_with_the_way_to_correct_them(self, noc, europe):
        incident = an_incident(
            detected_at=at("2026-09-10 02:40"), acknowledged_at=at("2026-09-10 02:30"), recorded_as_is=True
        )
        an_outage(europe, "2026-09-10 02:30", None, incident=incident)
        answer = noc.get(page_of(incident))
        assert "The incident was acknowledged before it was detected." in text_of(answer)
        assert reverse("admin:incidents_incident_change", args=[incident.pk]).encode() in answer.content
        incident.acknowledged_at = None
        incident.save()
        assert "out of order" not in text_of(noc.get(page_of(incident)))

    def test_resolving_a_resolved_incident_is_refused(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 02:50", None).incident
        noc.post(step("resolve_incident", incident), {"end": "now"})
        assert "is already resolved" in text_of(noc.post(step("resolve_incident", incident), {"end": "now"}))

    def test_an_internal_note_is_saved_once(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 02:50", None).incident
        sent = {"key": str(uuid4()), "text": "Looking at the gateway", "audience": "internal"}
        noc.post(step("update_incident", incident), sent)
        noc.post(step("update_incident", incident), sent)
        assert [(update.text, update.public) for update in incident.updates.all()] == [
            ("Looking at the gateway", False)
        ]

    def test_a_public_update_is_published_only_as_previewed(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 02:50", None).incident
        sent = {"key": str(uuid4()), "text": "We are on it", "audience": "public"}
        shown = noc.post(step("update_incident", incident), sent)
        assert "Preview of the public update" in text_of(shown)
        assert not incident.updates.exists()
        changed = {**sent, "previewed": shown.context["update"]["previewed"].value(), "text": "We are not on it"}
        noc.post(step("update_incident", incident), changed)
        assert not incident.updates.exists()
        noc.post(step("update_incident", incident), {**changed, "text": "We are on it"})
        assert incident.updates.get().public


class TestClassification:
    def test_classify_as_attributable(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        noc.post(step("attribute_incident", incident), {"reason": "A bad release"})
        incident.refresh_from_db()
        assert incident.attributable is True

    def test_a_window_is_proposed_with_one_tap_and_not_offered_again(self, noc, europe):
        window = a_window(
            "2026-09-10 01:00", "2026-09-10 02:00", ("2026-09-05 00:00", "2026-09-10 01:00", "2026-09-10 02:00")
        )
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        noc.post(step("propose_exclusion", incident), proposal(clause="4.1", maintenance=window.pk))
        assert Exclusion.objects.get().status == "proposed"
        assert "Propose exclusion under 4.1" not in text_of(noc.get(page_of(incident)))

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            ({"clause": "4.1"}, "Clause 4.1 needs an announced maintenance window. Choose one."),
            ({"clause": "4.11"}, "Clause 4.11 needs the third party and its own incident."),
            (
                {"clause": "4.11", "third_party": "Example Cloud"},
                "Clause 4.11 needs the third party and its own incident.",
            ),
            ({"clause": "4.10", "reason": " "}, "This field is required."),
            ({"clause": "5.1"}, "Select a valid choice."),
            (
                {"clause": "4.10", "stretch": "part", "starts_at_0": "2026-09-10", "starts_at_1": "08:00"},
                "The excluded time lies outside the incident",
            ),
        ],
    )
    def test_what_cannot_be_proposed_is_refused_with_a_sentence(self, noc, europe, given, sentence):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        answer = noc.post(step("propose_exclusion", incident), proposal(**given, evidence="A screenshot"))
        assert sentence in text_of(answer)
        assert b"A screenshot" in answer.content
        assert not Exclusion.objects.exists()

    def test_a_clause_of_one_customer_is_asked_about_before_it_covers_a_region(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        assert "every customer of the region" not in text_of(noc.get(page_of(incident)))
        answer = noc.post(step("propose_exclusion", incident), proposal(clause="4.5"))
        assert "Tick this box only if the cause concerned every customer of the region." in text_of(answer)
        assert not Exclusion.objects.exists()
        noc.post(step("propose_exclusion", incident), proposal(clause="4.5", every_customer="on"))
        assert Exclusion.objects.get().clause == "4.5"

    def test_a_window_that_was_never_announced_covers_nothing(self, noc, europe):
        window = a_window("2026-09-10 01:00", "2026-09-10 02:00")
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        answer = noc.post(step("propose_exclusion", incident), proposal(clause="4.1", maintenance=window.pk))
        assert "No notice of" in text_of(answer)

    def test_sent_twice_it_is_proposed_once(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        sent = proposal(clause="4.10")
        noc.post(step("propose_exclusion", incident), sent)
        noc.post(step("propose_exclusion", incident), sent)
        assert Exclusion.objects.count() == 1

    def test_whoever_decides_sees_the_month_with_and_without_the_exclusion(self, legal, europe):
        a_contract(a_customer(europe), "2026-09-01", "2027-08-31")
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        an_exclusion(incident, "4.10", status="proposed", proposed_by=a_member("NOC"))
        page = text_of(legal.get(page_of(incident)))
        assert (
            "All functions on all clients in force 10 minutes ■ SLA breached (in progress) 0 minutes ✓ SLA met (in progress)"
            in page
        )
        assert (
            "Any function on any client 10 minutes ■ SLA breached (in progress) 0 minutes ✓ SLA met (in progress)"
            in page
        )
        assert "The SLA result changes for 1 customer." in page

    def test_an_exclusion_confirmed_by_another_person_counts(self, legal, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        exclusion = an_exclusion(incident, "4.10", status="proposed", proposed_by=a_member("NOC"))
        legal.post(step("confirm_exclusion", exclusion))
        assert "10 minutes are excluded." in text_of(legal.get(page_of(incident)))

    def test_own_proposals_cannot_be_confirmed_by_page_or_by_url(self, europe):
        member = a_member("Legal")
        legal = signed_in(member)
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        exclusion = an_exclusion(incident, "4.10", status="proposed", proposed_by=member)
        assert b"Confirm</button>" not in legal.get(page_of(incident)).content
        answer = legal.post(step("confirm_exclusion", exclusion), {"reason": "I say so"})
        assert "You proposed this exclusion, so another person must decide it." in text_of(answer)
        exclusion.refresh_from_db()
        assert exclusion.status == "proposed"

    def test_a_rejection_needs_a_reason(self, legal, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        exclusion = an_exclusion(incident, "4.10", status="proposed", proposed_by=a_member("NOC"))
        assert "Say why it is rejected." in text_of(legal.post(step("reject_exclusion", exclusion)))
        legal.post(step("reject_exclusion", exclusion), {"reason": "No law says so"})
        exclusion.refresh_from_db()
        assert (exclusion.status, exclusion.decision_reason) == ("rejected", "No law says so")

    def test_a_revoked_exclusion_counts_again_and_stays(self, legal, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        exclusion = an_exclusion(incident, "4.10", proposed_by=a_member("NOC"))
        legal.post(step("revoke_exclusion", exclusion), {"reason": "The law was repealed"})
        page = text_of(legal.get(page_of(incident)))
        assert "10 unavailable minutes" in page
        assert "The law was repealed" in page

    def test_a_decision_made_in_the_meantime_is_refused(self, legal, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        exclusion = an_exclusion(incident, "4.10", status="proposed", proposed_by=a_member("NOC"))
        legal.post(step("confirm_exclusion", exclusion))
        assert "The status of this exclusion is now “confirmed”." in text_of(
            legal.post(step("confirm_exclusion", exclusion))
        )


class TestWhoMay:
    STEPS = (
        "add_outage",
        "acknowledge_incident",
        "resolve_incident",
        "update_incident",
        "attribute_incident",
        "propose_exclusion",
    )

    @pytest.mark.parametrize("role", ["Support", "Auditor"])
    def test_readers_see_the_page_without_actions(self, role, europe):
        reader = signed_in(a_member(role))
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        exclusion = an_exclusion(incident, status="proposed")
        answer = reader.get(page_of(incident))
        assert answer.status_code == 200
        assert f'action="{page_of(incident)}'.encode() not in answer.content
        assert b"Confirm</button>" not in answer.content
        assert {reader.post(step(name, incident)).status_code for name in self.STEPS} == {403}
        for name in ("confirm_exclusion", "reject_exclusion", "revoke_exclusion"):
            assert reader.post(step(name, exclusion)).status_code == 403

    def test_noc_cannot_confirm(self, noc, europe):
        exclusion = an_exclusion(an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident, status="proposed")
        assert noc.post(step("confirm_exclusion", exclusion)).status_code == 403

    def test_actions_require_post(self, noc, europe):
        incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident
        assert noc.get(step("resolve_incident", incident)).status_code == 405

    def test_what_is_not_there_is_not_found(self, noc, legal):
        class Nothing:
            pk = 10**30

        assert noc.get(page_of(Nothing)).status_code == 404
        assert {noc.post(step(name, Nothing)).status_code for name in self.STEPS} == {404}
        assert legal.post(step("confirm_exclusion", Nothing)).status_code == 404


def test_the_number_of_queries_does_not_grow_with_the_incidents_of_the_month(noc, europe):
    incident = an_outage(europe, "2026-09-10 01:00", "2026-09-10 01:10").incident

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert noc.get(page_of(incident)).status_code == 200
        return len(captured)

    for hour in range(3):
        an_outage(europe, f"2026-09-08 {hour:02}:00", f"2026-09-08 {hour:02}:02", functions=("login",))
    few = queries()
    for minute in range(297):
        start = f"2026-09-0{1 + minute // 100} {minute % 20:02}:{minute % 59:02}"
        an_outage(europe, start, start + ":50", functions=("login",))
    assert queries() == few


SENT = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["typed", "part", "now", "4.1", "4.11", "public", "0001-01-01", "9999-12-31", "23:59:59", "9" * 400]
    ),
)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["resolve_incident", "update_incident", "attribute_incident", "propose_exclusion", "add_outage"]),
    st.dictionaries(
        st.sampled_from(
            [
                "key",
                "end",
                "end_at_0",
                "end_at_1",
                "text",
                "audience",
                "previewed",
                "reason",
                "clause",
                "maintenance",
                "third_party",
                "third_party_incident",
                "stretch",
                "starts_at_0",
                "starts_at_1",
                "ends_at_0",
                "ends_at_1",
                "evidence",
                "regions",
                "what",
                "cells",
                "since",
            ]
        ),
        SENT,
    ),
)
def test_arbitrary_input_does_not_break_the_page(noc, europe, name, sent):
    incident = an_outage(europe, "2026-09-10 01:00", None).incident
    assert noc.post(step(name, incident), sent).status_code in {200, 302, 422}
    assert noc.get(page_of(incident), sent).status_code == 200
