"""The review after an incident: written, published, withdrawn."""

from datetime import date

import pytest
from django.urls import reverse
from time_machine import travel

from incidents.models import Review
from sla_portal.audit.models import Entry
from tests.support.builders import a_region, an_incident, an_outage, at
from tests.support.desk import Opened, a_member, filled, signed_in, text_of

pytestmark = pytest.mark.django_db
NOW = at("2026-09-12 03:00:00")


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
    found = an_incident("INC-1", resolved_at=at("2026-09-10 01:10"))
    an_outage(a_region("eu", name="Europe"), "2026-09-10 01:00", "2026-09-10 01:10", incident=found)
    return found


def sent(*actions: dict, **texts) -> dict:
    rows = {"actions-TOTAL_FORMS": len(actions), "actions-INITIAL_FORMS": 0}
    for number, action in enumerate(actions):
        rows |= {f"actions-{number}-{name}": value for name, value in action.items()}
    return {"cause": "A **bad** release", **texts, **rows}


def step(name: str, incident) -> str:
    return reverse(f"admin:{name}", args=[incident.pk])


def write(noc, incident, *actions, **texts):
    return noc.post(step("incident_review", incident), sent(*actions, **texts))


def publish(noc, incident):
    return noc.post(step("publish_review", incident), follow=True)


def public_page(client, language: str = "en") -> str:
    return client.get(reverse("incident", args=["INC-1"]), headers={"accept-language": language}).content.decode()


def last_entry() -> Entry:
    return Entry.objects.latest("id")


def test_it_is_written_with_actions_and_logged(noc, nora, incident):
    write(noc, incident, {"text": "Add a canary", "owner": nora.pk, "due_on": "2026-10-01"}, {"text": ""},
          timeline="- 01:00 release")  # fmt: skip
    review = Review.objects.get()
    action = review.actions.get()
    assert (action.text, action.owner, action.due_on) == ("Add a canary", nora, date(2026, 10, 1))
    assert last_entry().action == "wrote the review of"
    assert last_entry().changes["review"][1]["actions"] == ["Add a canary · NOC · 2026-10-01"]
    page = noc.get(step("incident_review", incident)).content.decode()
    assert "<strong>bad</strong>" in page
    assert "<li>01:00 release</li>" in page


def test_writing_the_same_again_is_no_change(noc, incident):
    write(noc, incident)
    count = Entry.objects.count()
    write(noc, incident)
    assert Entry.objects.count() == count


def test_what_is_missing_is_refused_and_what_is_typed_is_kept(noc, incident):
    answer = write(noc, incident, {"text": "", "due_on": "2026-10-01"}, cause=" ", timeline="Typed")
    assert answer.status_code == 422
    assert b"Typed" in answer.content
    assert "Enter the action." in text_of(answer)
    assert not Review.objects.exists()


def test_it_is_internal_until_published_and_shows_no_names(noc, nora, incident, client):
    write(noc, incident, {"text": "Add a canary", "owner": nora.pk}, cause_zh="发布有误")
    assert "bad" not in public_page(client)
    assert "Review published." in text_of(publish(noc, incident))
    assert last_entry().action == "published the review of"
    with travel(at("2026-09-12 03:01:00"), tick=False):
        page = public_page(client)
        assert "<strong>bad</strong>" in page
        assert "Add a canary" in page
        assert "NOC" not in page
        assert "发布有误" in public_page(client, "zh-hans")


def test_a_published_one_is_not_changed_but_an_action_is_completed(noc, incident):
    write(noc, incident, {"text": "Add a canary"})
    publish(noc, incident)
    answer = write(noc, incident, cause="Another cause")
    assert "Withdraw it from the website to change it." in text_of(answer)
    assert Review.objects.get().cause == "A **bad** release"
    action = Review.objects.get().actions.get()
    noc.post(reverse("admin:complete_action", args=[action.pk]))
    action.refresh_from_db()
    assert action.done_on == date(2026, 9, 12)
    assert last_entry().action == "completed an action of"


def test_it_is_withdrawn_for_a_reason(noc, incident, client):
    write(noc, incident)
    publish(noc, incident)
    assert noc.post(step("withdraw_review", incident), {"reason": ""}).status_code == 422
    noc.post(step("withdraw_review", incident), {"reason": "A name in it"})
    assert (last_entry().action, last_entry().reason) == ("withdrew the review of", "A name in it")
    with travel(at("2026-09-12 03:01:00"), tick=False):
        assert "bad" not in public_page(client)


@pytest.fixture
def otto():
    return signed_in(a_member("NOC", "otto"))


def test_a_review_changed_since_it_was_read_is_not_published(noc, otto, incident):
    write(noc, incident)
    page = Opened(noc, step("incident_review", incident))
    write(otto, incident, cause="Another cause")
    refused = page.send(step("publish_review", incident))
    assert refused.status_code == 409
    assert "cause A **bad** release Another cause" in text_of(refused)
    assert Review.objects.get().published_at is None
    Opened(noc, step("incident_review", incident)).send(step("publish_review", incident))
    assert Review.objects.get().published_at == NOW


def test_what_either_wrote_into_a_review_is_kept(noc, otto, nora, incident):
    write(noc, incident, {"text": "Add a canary"}, timeline="- 01:00 release")
    page = Opened(otto, step("incident_review", incident))
    Opened(noc, step("incident_review", incident)).fill(
        "cause", **{"cause": "A bad router", "timeline": "- 01:05 release", "actions-1-text": "Test the router"}
    )
    refused = page.fill("cause", cause="A bad cable", cause_zh="电缆故障")
    assert refused.status_code == 409
    shown = text_of(refused)
    assert "NOC wrote the review of INC-1" in shown
    assert "cause A **bad** release A bad router A bad cable keep theirs" in shown
    assert "timeline - 01:00 release - 01:05 release nothing" in shown
    assert "actions Add a canary Add a canary, Test the router nothing" in shown
    assert filled(otto, refused, step("incident_review", incident), "cause").status_code == 302
    review = Review.objects.get()
    assert (review.cause, review.cause_zh, review.timeline) == ("A bad cable", "电缆故障", "- 01:05 release")
    assert [action.text for action in review.actions.all()] == ["Add a canary", "Test the router"]


def test_where_both_wrote_the_actions_either_are_kept(noc, otto, nora, incident):
    write(noc, incident, {"text": "Add a canary"})
    for keep, texts in (("", ["Remove the canary"]), ("actions", ["Add two canaries"])):
        page = Opened(otto, step("incident_review", incident))
        mine = "Remove the canary" if not keep else "Feed the canary"
        Opened(noc, step("incident_review", incident)).fill("cause", **{"actions-0-text": "Add two canaries"})
        refused = page.fill("cause", **{"actions-0-text": mine, "actions-0-owner": nora.pk})
        assert f"{mine} keep theirs" in text_of(refused)
        filled(otto, refused, step("incident_review", incident), "actions-0-text", theirs=keep)
        assert [action.text for action in Review.objects.get().actions.all()] == texts


def test_two_who_write_the_first_review_lose_nothing(noc, otto, incident):
    page = Opened(otto, step("incident_review", incident))
    Opened(noc, step("incident_review", incident)).fill("cause", cause="A bad router", timeline="- 01:05 release")
    refused = page.fill("cause", cause="A bad cable")
    assert refused.status_code == 409
    filled(otto, refused, step("incident_review", incident), "cause")
    review = Review.objects.get()
    assert (review.cause, review.timeline) == ("A bad cable", "- 01:05 release")


def test_a_review_of_an_ongoing_incident_is_not_published(noc):
    ongoing = an_outage(a_region(), "2026-09-10 01:00", None).incident
    noc.post(step("incident_review", ongoing), sent())
    assert "Resolve the incident" in text_of(publish(noc, ongoing))


@pytest.mark.parametrize(("role", "writes", "publishes"), [
    ("NOC", True, True), ("Legal", False, True), ("Support", False, False), ("Auditor", False, False),
])  # fmt: skip
def test_who_may_write_and_publish(incident, role, writes, publishes):
    browser = signed_in(a_member(role))
    assert browser.get(step("incident_review", incident)).status_code == 200
    assert (browser.post(step("incident_review", incident), sent()).status_code != 403) == writes
    assert (browser.post(step("publish_review", incident)).status_code != 403) == publishes
    assert (browser.post(step("withdraw_review", incident)).status_code != 403) == publishes
