"""Putting mistakes right on the pages of an incident: void, merge, reopen, withdraw."""

import pytest
from django.urls import reverse
from time_machine import travel

from incidents.models import Incident
from sla_portal.audit.actors import Actor
from sla_portal.availability.models import Exclusion
from sla_portal.availability.operations import close_month
from sla_portal.kernel.months import ServiceMonth
from tests.support.builders import a_contract, a_customer, a_region, an_exclusion, an_incident, an_outage, at
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
def europe():
    return a_region("eu", name="Europe")


def step(name: str, row) -> str:
    return reverse(f"admin:{name}", args=[row.pk])


def down(region, start="2026-09-10 01:00", end="2026-09-10 01:10", reference="", **values) -> Incident:
    incident = an_incident(reference, **{"detected_at": at(start), "resolved_at": at(end), **values})
    return an_outage(region, start, end, incident=incident).incident


def test_each_month_is_shown_before_an_incident_is_voided(noc, europe):
    a_contract(a_customer(europe), "2026-09-01", "2027-08-31")
    incident = down(europe)
    an_exclusion(incident, status="proposed")
    assert step("void_incident", incident) in noc.get(page_of(incident)).content.decode()
    page = text_of(noc.get(step("void_incident", incident)))
    assert "Europe, September 2026 ◌ In progress" in page
    assert (
        "Counting rule Current Afterwards All functions on all clients in force "
        "10 minutes ■ SLA breached (in progress) 0 minutes ✓ SLA met (in progress)"
    ) in page
    assert "The SLA result changes for 1 customer." in page
    assert "4.10 (proposed): this proposal is withdrawn." in page
    refused = noc.post(step("void_incident", incident), {"reason": " "})
    assert refused.status_code == 422
    assert "Enter a reason." in text_of(refused)
    assert noc.post(step("void_incident", incident), {"reason": "A drill"}).url == page_of(incident)
    incident.refresh_from_db()
    assert incident.voided_at == NOW


def test_the_page_of_a_voided_incident_says_so_and_offers_nothing(noc, europe):
    incident = down(europe)
    an_exclusion(incident)
    noc.post(step("void_incident", incident), {"reason": "A drill"})
    answer = noc.get(page_of(incident))
    page = text_of(answer)
    assert "It counts for nothing; the reason is in the audit log below." in page
    assert "A drill" in page
    assert "Major outage in Europe for 10 min" in page
    assert "unavailable minutes" not in page
    assert "so this exclusion rests on nothing and excludes nothing." in page
    assert f'action="{page_of(incident)}'.encode() not in answer.content
    assert step("void_incident", incident).encode() not in answer.content
    assert "was voided and cannot be changed" in text_of(
        noc.post(step("update_incident", incident), {"text": "Hm", "audience": "internal", "key": "0" * 32})
    )
    assert noc.post(reverse("admin:incidents_incident_change", args=[incident.pk]), {}).status_code == 403


def test_voiding_an_incident_of_an_impossible_year_takes_no_wrong_turn(noc, europe):
    incident = down(europe, "1999-12-31 01:00", "1999-12-31 02:00")
    assert "The SLA result does not change for any customer." in text_of(noc.get(step("void_incident", incident)))
    assert noc.post(step("void_incident", incident), {"reason": "1999"}).status_code == 302


def test_a_closed_month_is_marked(noc, europe):
    incident = down(europe, "2026-08-10 01:00", "2026-08-10 01:10", attributable=True)
    close_month(actor=Actor.system("test"), month=ServiceMonth(2026, 8), now=NOW)
    assert "This month is closed: its closed figures stay." in text_of(noc.get(step("void_incident", incident)))


class TestMerging:
    def test_outages_are_chosen_and_the_months_shown_before_it_is_merged(self, noc, europe):
        first = down(europe, reference="INC-FIRST", resolved_at=None)
        duplicate = down(europe, "2026-09-10 01:05", "2026-09-10 01:20", resolved_at=None)
        dropped = an_outage(europe, "2026-09-10 02:00", "2026-09-10 02:30", incident=duplicate)
        taken = duplicate.outages.exclude(pk=dropped.pk).get()
        address = step("merge_incident", duplicate)
        asked = text_of(noc.get(address))
        assert "INC-FIRST Gateway lost" in asked
        assert "Major outage in Europe from 2026-09-10 10:00 Shanghai to 2026-09-10 10:30 Shanghai" in asked
        sent = {"into": "INC-FIRST", "outages": [taken.pk], "reason": "Logged twice"}
        shown = noc.post(address, sent)
        assert (
            "All functions on all clients in force 50 minutes ■ SLA breached (in progress) "
            "20 minutes ■ SLA breached (in progress)"
        ) in text_of(shown)
        duplicate.refresh_from_db()
        assert duplicate.voided_at is None
        previewed = shown.context["form"]["previewed"].value()
        changed = noc.post(address, {**sent, "outages": [taken.pk, dropped.pk], "previewed": previewed})
        assert "50 minutes ■ SLA breached (in progress) 50 minutes" in text_of(changed)
        assert noc.post(address, {**sent, "previewed": previewed}).url == page_of(first)
        duplicate.refresh_from_db()
        assert duplicate.merged_into == first
        assert first.outages.count() == 2
        assert f"{duplicate} was merged into this incident." in text_of(noc.get(page_of(first)))
        assert page_of(first) in noc.get(page_of(duplicate)).content.decode()
        again = noc.post(address, {**sent, "previewed": previewed})
        assert "was merged into INC-FIRST and cannot be changed." in text_of(again)

    def test_any_other_incident_can_be_named_by_its_reference(self, noc, europe):
        far = down(europe, "2026-09-01 01:00", "2026-09-01 01:10", reference="INC-FAR")
        duplicate = down(europe)
        address = step("merge_incident", duplicate)
        sent = {"into": "other", "reference": "inc-far", "reason": "Logged twice"}
        previewed = noc.post(address, sent).context["form"]["previewed"].value()
        noc.post(address, {**sent, "previewed": previewed})
        duplicate.refresh_from_db()
        assert duplicate.merged_into == far

    @pytest.mark.parametrize("reference", ["", "INC-NOWHERE", "itself", "voided"])
    def test_what_cannot_be_merged_into_is_refused_at_its_field(self, noc, europe, reference):
        duplicate = down(europe)
        voided = an_incident(voided_at=NOW)
        typed = {"itself": duplicate.reference, "voided": voided.reference}.get(reference, reference)
        answer = noc.post(step("merge_incident", duplicate), {"into": "other", "reference": typed, "reason": "Twice"})
        assert answer.status_code == 422
        assert "There is no such incident to merge into." in answer.context["form"].errors["reference"][0]

    def test_exclusions_can_be_proposed_again(self, noc, europe):
        first, duplicate = down(europe, reference="INC-FIRST"), down(europe)
        kept = an_exclusion(duplicate, reason="By order")
        address = step("merge_incident", duplicate)
        assert "4.10 (confirmed): By order" in text_of(noc.get(address))
        sent = {
            "into": "INC-FIRST", "outages": [duplicate.outages.get().pk], "exclusions": [kept.pk], "reason": "Twice",
        }  # fmt: skip
        previewed = noc.post(address, sent).context["form"]["previewed"].value()
        noc.post(address, {**sent, "previewed": previewed})
        assert first.exclusions.get().status == "proposed"

    def test_a_refusal_stands_on_the_page(self, noc, europe):
        down(europe, reference="INC-FIRST")
        ongoing = an_outage(europe, "2026-09-10 02:30", None).incident
        sent = {"into": "other", "reference": "INC-FIRST", "outages": [ongoing.outages.get().pk], "reason": "Twice"}
        shown = noc.post(step("merge_incident", ongoing), sent)
        previewed = shown.context["form"]["previewed"].value()
        answer = noc.post(step("merge_incident", ongoing), {**sent, "previewed": previewed})
        assert answer.status_code == 422
        assert "INC-FIRST was resolved before an outage to take over ended." in text_of(answer)


def test_a_resolved_incident_is_reopened_on_its_page_and_the_public_reads_it(noc, europe, client):
    incident = down(europe)
    page = noc.get(page_of(incident))
    assert step("reopen_incident", incident) in page.content.decode()
    assert "This incident was reopened. We are investigating." in text_of(page)
    text = "It is down again."
    assert noc.post(step("reopen_incident", incident), {"reason": "", "text": text}).status_code == 422
    noc.post(step("reopen_incident", incident), {"reason": "Resolved too early", "text": text})
    incident.refresh_from_db()
    assert incident.resolved_at is None
    assert text in text_of(client.get(f"/incidents/{incident.reference}/"))
    assert "is not resolved." in text_of(noc.post(step("reopen_incident", incident), {"reason": "Again", "text": text}))


def test_acknowledge_is_the_first_action_of_an_open_incident(noc, europe):
    incident = an_outage(europe, "2026-09-10 02:50", None).incident
    page = noc.get(page_of(incident)).content.decode()
    assert page.count("primary wide-button") == 1
    assert page.index(step("acknowledge_incident", incident)) < page.index(step("resolve_incident", incident))
    noc.post(step("acknowledge_incident", incident))
    assert step("acknowledge_incident", incident) not in noc.get(page_of(incident)).content.decode()


def test_whoever_proposed_an_exclusion_withdraws_it_on_the_page(europe):
    member = a_member("NOC")
    noc, other = signed_in(member), signed_in(a_member("NOC", "other"))
    incident = down(europe, attributable=False)
    exclusion = an_exclusion(incident, status="proposed", proposed_by=member)
    address = step("withdraw_exclusion", exclusion)
    assert address in noc.get(page_of(incident)).content.decode()
    assert address not in other.get(page_of(incident)).content.decode()
    assert "Say why it is withdrawn." in text_of(noc.post(address))
    assert "Another person proposed this exclusion." in text_of(other.post(address, {"reason": "No"}))
    noc.post(address, {"reason": "Not the law"})
    assert Exclusion.objects.get().status == "withdrawn"
    page = text_of(noc.get(page_of(incident)))
    assert "Withdrawn 2026-09-10 11:00 Shanghai Not the law" in page
    assert "Pending classification" in page


def test_lists_and_search_say_what_became_of_it(noc, europe):
    slip, duplicate, first = (down(europe, reference=f"INC-{name}") for name in ("SLIP", "TWICE", "FIRST"))
    Incident.objects.filter(pk=slip.pk).update(voided_at=NOW)
    Incident.objects.filter(pk=duplicate.pk).update(voided_at=NOW, merged_into=first)
    found = text_of(noc.get(reverse("admin:search"), {"q": "INC-"}))
    assert "INC-SLIP Gateway lost · voided" in found
    assert "INC-TWICE Gateway lost · merged into INC-FIRST" in found
    listed = noc.get(reverse("admin:incidents_incident_changelist"), {"state": "voided"})
    assert {row.reference for row in listed.context["cl"].result_list} == {"INC-SLIP", "INC-TWICE"}
    listed = noc.get(reverse("admin:incidents_incident_changelist"), {"state": "resolved"})
    assert {row.reference for row in listed.context["cl"].result_list} == {"INC-FIRST"}
    listed = noc.get(reverse("admin:incidents_incident_changelist"), {"classified": "not"})
    assert {row.reference for row in listed.context["cl"].result_list} == {"INC-FIRST"}


def test_the_list_of_exclusions_says_which_rest_on_nothing(noc, europe):
    an_exclusion(down(europe, reference="INC-SLIP"))
    an_exclusion(down(europe, reference="INC-FIRST"), status="withdrawn")
    Incident.objects.filter(reference="INC-SLIP").update(voided_at=NOW)
    listed = text_of(noc.get(reverse("admin:availability_exclusion_changelist")))
    assert "confirmed □ incident does not count" in listed
    assert "□ withdrawn" in listed
    assert listed.count("incident does not count") == 1


def test_home_and_queue_show_no_voided_incident(noc, europe):
    ongoing = an_outage(europe, "2026-09-10 02:50", None).incident
    resolved = down(europe)
    for page in ("admin:index", "admin:queue"):
        shown = text_of(noc.get(reverse(page)))
        assert ongoing.reference in shown
        assert resolved.reference in shown
    Incident.objects.update(voided_at=NOW)
    for page in ("admin:index", "admin:queue"):
        shown = text_of(noc.get(reverse(page)))
        assert ongoing.reference not in shown
        assert resolved.reference not in shown
