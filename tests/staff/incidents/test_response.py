"""Owner, severity, links and templates of an incident through its page."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from time_machine import travel

from incidents.models import Incident, IncidentTemplate, UpdateTemplate
from incidents.operations import NotAnOwner, SeverityWithoutReason, hand_over_incident, set_severity
from incidents.queries import severities
from incidents.rules import Severity
from sla_portal.audit.actors import Actor
from sla_portal.audit.models import Entry
from sla_portal.customers.models import Client, CoreFunction
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.desk import a_member, page_of, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-10 03:00:00")


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


@pytest.fixture
def incident():
    return an_outage(
        a_region("eu", name="Europe"), "2026-09-10 02:50", None, incident=an_incident("INC-1"), functions=("login",)
    ).incident


def step(name: str, row) -> str:
    return reverse(f"admin:{name}", args=[row.pk])


def last_entry() -> Entry:
    return Entry.objects.latest("id")


class TestSeverity:
    def test_it_is_derived_until_a_person_sets_it_with_a_reason(self, noc, incident):
        assert "■ major" not in text_of(noc.get(page_of(incident)))
        assert "● major" in text_of(noc.get(page_of(incident)))
        noc.post(
            step("set_severity", incident), {"severity": "critical", "reason": "The whole night shift is locked out"}
        )
        page = text_of(noc.get(page_of(incident)))
        assert "■ critical" in page
        assert "severity set by a person: The whole night shift is locked out (by its scope: major)" in page
        assert (last_entry().action, last_entry().changes["severity"]) == ("set the severity of", [None, "critical"])
        assert last_entry().reason == "The whole night shift is locked out"
        noc.post(step("set_severity", incident), {"severity": "", "reason": "Back to the scope"})
        incident.refresh_from_db()
        assert (incident.severity, incident.severity_reason) == (None, "")

    def test_without_a_reason_it_is_refused_at_the_field(self, noc, nora, incident):
        answer = noc.post(step("set_severity", incident), {"severity": "minor", "reason": " "})
        assert answer.status_code == 422
        assert answer.context["severity_form"].errors["reason"] == ["Enter the reason for this severity."]
        with pytest.raises(SeverityWithoutReason):
            set_severity(actor=Actor.staff(nora), incident=incident, severity=Severity.MINOR, reason="", now=NOW)

    @pytest.mark.usefixtures("incident")
    def test_the_list_shows_it(self, noc):
        an_outage(a_region(), "2026-09-10 01:00", "2026-09-10 01:10", incident=an_incident("INC-2"))
        page = text_of(noc.get(reverse("admin:incidents_incident_changelist")))
        assert page.index("■ critical", page.index("INC-2")) < len(page)
        assert page.index("● major", page.index("INC-1")) < len(page)

    def test_severities_take_a_fixed_number_of_queries(self, incident, django_assert_num_queries):
        for number in range(5):
            an_outage(a_region(), "2026-09-10 01:00", "2026-09-10 01:10", incident=an_incident(f"INC-2{number}"))
        with django_assert_num_queries(6):  # the incidents themselves
            found = severities(Incident.objects.all().only("pk", "severity"))
        with django_assert_num_queries(5):
            few = severities([incident])
        assert found[incident.pk] == few[incident.pk]


class TestOwner:
    def test_taking_it_acknowledges_it_and_twice_changes_nothing(self, noc, nora, incident):
        noc.post(step("take_incident", incident))
        incident.refresh_from_db()
        assert (incident.owner, incident.acknowledged_at) == (nora, NOW)
        count = Entry.objects.count()
        noc.post(step("take_incident", incident))
        assert Entry.objects.count() == count
        assert [entry.action for entry in Entry.objects.order_by("id")] == ["took", "acknowledged"]

    def test_it_is_handed_over_with_a_note(self, noc, incident):
        otto = a_member("NOC", "otto")
        noc.post(step("take_incident", incident))
        noc.post(step("hand_over_incident", incident), {"to": otto.pk, "note": "The gateway restarts at 04:00"})
        incident.refresh_from_db()
        assert incident.owner == otto
        assert (last_entry().action, last_entry().reason) == ("handed over", "The gateway restarts at 04:00")
        note = incident.updates.get()
        assert (note.text, note.public) == ("The gateway restarts at 04:00", False)
        assert "Owner: NOC" in text_of(noc.get(page_of(incident)))

    def test_only_those_who_may_work_on_it_are_offered(self, noc, nora, incident):
        reader = a_member("Auditor")
        gone = a_member("NOC", "gone")
        User.objects.filter(pk=gone.pk).update(is_active=False)
        answer = noc.post(step("hand_over_incident", incident), {"to": reader.pk, "note": "Typed"})
        assert answer.status_code == 422
        assert b"Typed" in answer.content
        offered = {pk for pk, _name in answer.context["hand_over"].fields["to"].choices}
        assert offered == {"", str(nora.pk)}
        for person in (reader, User.objects.get(pk=gone.pk)):
            with pytest.raises(NotAnOwner):
                hand_over_incident(actor=Actor.staff(nora), incident=incident, to=person, note="", now=NOW)


class TestLinks:
    def test_ticket_and_chat_are_links(self, noc, incident):
        sent = {
            "ticket_number": "T-7",
            "ticket_url": "https://tickets.example.com/7",
            "chat_url": "chat.example.com/eu",
        }
        noc.post(step("link_incident", incident), sent)
        incident.refresh_from_db()
        assert incident.chat_url == "https://chat.example.com/eu"
        page = noc.get(page_of(incident)).content.decode()
        assert '<a href="https://tickets.example.com/7" rel="noopener noreferrer">Ticket T-7</a>' in page
        assert last_entry().changes["ticket_url"] == ["", "https://tickets.example.com/7"]

    @pytest.mark.parametrize("address", ["javascript:alert(1)", "ftp://example.com/", "data:text/html,x", "//x y"])
    def test_other_addresses_are_refused_at_the_field(self, noc, incident, address):
        answer = noc.post(step("link_incident", incident), {"ticket_url": address})
        assert answer.status_code == 422
        assert answer.context["links"].errors["ticket_url"]
        incident.refresh_from_db()
        assert incident.ticket_url == ""


class TestTemplates:
    def test_an_outage_is_logged_from_a_template_with_one_tap(self, noc):
        region = a_region("eu", name="Europe")
        template = IncidentTemplate.objects.create(title="Login down", source="phone", severity="critical")
        template.functions.set(CoreFunction.objects.filter(code="login"))
        sent = {"key": str(uuid4()), "regions": [region.pk], "what": "everything", "since": "now", "over": "no",
                "source": "monitoring", "ticket_number": "T-9"}  # fmt: skip
        shown = noc.post(reverse("admin:log_outage"), {**sent, "template": template.pk})
        assert not Incident.objects.exists()
        form = shown.context["form"]
        assert form["ticket_number"].value() == "T-9"
        assert len(form["cells"].value()) == Client.objects.count()
        filled = {
            name: form[name].value() for name in ("what", "cells", "source", "title", "severity", "severity_reason")
        }
        noc.post(reverse("admin:log_outage"), {**sent, **filled})
        incident = Incident.objects.get()
        assert (incident.title, incident.source, incident.severity) == ("Login down", "phone", "critical")
        assert incident.severity_reason == "As in the template “Login down”"
        assert [function.code for function in incident.outages.get().functions.all()] == ["login"]

    def test_a_template_of_everything_is_a_major_outage(self, noc):
        template = IncidentTemplate.objects.create(title="All down")
        shown = noc.post(reverse("admin:log_outage"), {"template": template.pk, "what": "some", "cells": ["1:1"]})
        assert (shown.context["form"]["what"].value(), shown.context["form"]["cells"].value()) == ("everything", [])

    def test_an_update_is_filled_in_in_both_languages_and_keeps_what_is_typed(self, noc, incident):
        template = UpdateTemplate.objects.create(name="Investigating", text="We investigate.", text_zh="正在调查。")
        sent = {"key": str(uuid4()), "text": "Europe.", "audience": "internal", "template": template.pk}
        shown = noc.post(step("update_incident", incident), sent)
        form = shown.context["update"]
        assert [form[name].value() for name in ("text", "text_zh", "audience")] == [
            "Europe.\n\nWe investigate.", "正在调查。", "public",
        ]  # fmt: skip
        assert form.fields["text"].widget.attrs["autofocus"]
        assert not incident.updates.exists()

    @pytest.mark.parametrize("pressed", ["", "0", "x", "9" * 40])
    def test_a_template_that_is_not_there_is_not_found(self, noc, incident, pressed):
        assert noc.post(reverse("admin:log_outage"), {"template": pressed}).status_code == 404
        assert noc.post(step("update_incident", incident), {"template": pressed}).status_code == 404

    def test_templates_are_edited_in_the_admin_and_logged(self, noc):
        sent = {"title": "Calls down", "title_zh": "通话中断", "source": "monitoring", "functions": ["all"],
                "clients": [Client.objects.first().pk], "severity": "", "position": "1"}  # fmt: skip
        noc.post(reverse("admin:incidents_incidenttemplate_add"), sent)
        assert IncidentTemplate.objects.get().clients.count() == 1
        assert (last_entry().action, last_entry().subject) == ("added", "Calls down")
        noc.post(reverse("admin:incidents_updatetemplate_add"), {"name": "Fixed", "text": "Fixed.", "position": "0"})
        assert last_entry().subject == "Fixed"


def test_a_public_update_is_previewed_and_published_in_both_languages(noc, incident, client):
    sent = {"key": str(uuid4()), "text": "We investigate.", "text_zh": "正在调查。", "audience": "public"}
    shown = noc.post(step("update_incident", incident), sent)
    assert "正在调查。" in text_of(shown)
    previewed = shown.context["update"]["previewed"].value()
    changed = noc.post(step("update_incident", incident), {**sent, "previewed": previewed, "text_zh": "正在修复。"})
    assert changed.status_code == 200
    assert not incident.updates.exists()
    noc.post(step("update_incident", incident), {**sent, "previewed": previewed})
    assert b'<div lang="en"><p>We investigate.</p></div>' in noc.get(page_of(incident)).content
    assert "<p>We investigate.</p>" in client.get(reverse("incident", args=["INC-1"])).content.decode()
    assert "We investigate." in text_of(client.get(reverse("incident", args=["INC-1"])))
    chinese = text_of(client.get(reverse("incident", args=["INC-1"]), headers={"accept-language": "zh-hans"}))
    assert "正在调查。" in chinese
    assert "We investigate." not in chinese
