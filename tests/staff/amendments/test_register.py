"""Errata and readings through the pages: written by one, approved by another, taken over into a draft."""

import pytest
import time_machine
from django.urls import reverse

from sla_portal.agreements.models import RegisterEntry
from sla_portal.staff.roles import ROLES
from tests.support.amendments import a_draft, submitted
from tests.support.builders import at
from tests.support.desk import a_member, signed_in, text_of

pytestmark = pytest.mark.django_db

NOW = at("2026-06-01 04:00")
REGISTER = "/admin/agreements/amendments/register/"
TEXTS = {
    "clause": "4.1",
    "matter": "reading",
    "term": "maintenance_notice_hours",
    "question": "How long is notice?",
    "question_zh": "通知多长？",
    "answer": "Any prior moment.",
    "why": "No length is named.",
    "proposed_wording": "Maintenance announced 72 hours before.",
    "proposed_wording_zh": "提前 72 小时通知的维护。",
}


@pytest.fixture(autouse=True)
def the_present():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def lea():
    return signed_in(a_member("Legal", "lea"))


@pytest.fixture
def luo():
    return signed_in(a_member("Legal", "luo"))


def door(name: str, entry: RegisterEntry) -> str:
    return reverse(f"admin:{name}", args=[entry.pk])


def written(client, **changes: str) -> RegisterEntry:
    response = client.post(REGISTER + "add/", TEXTS | changes)
    assert response.status_code == 302, text_of(response)
    return RegisterEntry.objects.latest("pk")


def test_what_the_first_version_leaves_open_stands_in_the_register_with_its_reading(lea):
    shown = text_of(lea.get(REGISTER))
    assert "Availability is 1 − U ÷ T." in shown
    assert shown.index("1.4") < shown.index("2.1") < shown.index("4.11") < shown.index("5.2")
    assert "11 pending approval" in text_of(lea.get("/admin/agreements/amendments/"))


def test_an_entry_is_written_by_one_and_approved_by_another(lea, luo):
    entry = written(lea)
    assert "You wrote this entry. Another person must approve it." in text_of(lea.get(door("register_entry", entry)))
    refused = lea.post(door("approve_register_entry", entry), follow=True)
    assert "You wrote this entry. Another person must approve it." in text_of(refused)
    assert "Approved." in text_of(luo.post(door("approve_register_entry", entry), follow=True))
    entry.refresh_from_db()
    assert (entry.approved_by.username, entry.approved_at) == ("luo", NOW)


def test_a_changed_entry_waits_for_approval_again(lea, luo):
    entry = written(lea)
    luo.post(door("approve_register_entry", entry))
    page = lea.get(door("change_register_entry", entry))
    assert "After a change, the entry must be approved again." in text_of(page)
    assert "通知多长？" in page.content.decode()
    assert lea.post(door("change_register_entry", entry), TEXTS | {"why": "Literal."}).status_code == 302
    entry.refresh_from_db()
    assert (entry.why, entry.approved_at) == ("Literal.", None)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"clause": ""}, "This field is required"),
        ({"clause": "9.9"}, "No version has a clause 9.9."),
        ({"matter": "rumour"}, "not one of the available choices"),
        ({"term": "id"}, "not one of the available choices"),
        ({"question": " "}, "This field is required"),
        ({"answer": "x" * 2001}, "2000"),
        ({"why": "a\0b"}, "Null characters"),
        ({"why": "a\x07b"}, "an invisible character"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_and_kept_to_be_put_right(lea, changes, sentence):
    before = RegisterEntry.objects.count()
    refused = lea.post(REGISTER + "add/", TEXTS | changes)
    assert refused.status_code == 422
    assert sentence in text_of(refused)
    assert "提前 72 小时通知的维护。" in refused.content.decode()
    assert RegisterEntry.objects.count() == before


def test_a_proposed_wording_is_taken_into_a_draft(lea):
    entry, draft = written(lea), a_draft()
    taken = lea.post(door("copy_wording", entry), {"draft": str(draft.pk)}, follow=True)
    assert "The wording was copied into clause 4.1 of the draft." in text_of(taken)
    clause = draft.clauses.get(number="4.1")
    assert (clause.wording, clause.wording_zh) == (TEXTS["proposed_wording"], TEXTS["proposed_wording_zh"])
    assert "Maintenance announced 72 hours before." in text_of(lea.get(reverse("admin:amendment", args=[draft.pk])))


def test_a_draft_that_stands_still_takes_nothing_over(lea):
    entry, draft = written(lea), submitted()
    assert "There is no draft to copy it into." in text_of(lea.get(door("register_entry", entry)))
    for nonsense in (str(draft.pk), "", "x", "9" * 30):
        assert lea.post(door("copy_wording", entry), {"draft": nonsense}).status_code == 422


def test_an_entry_without_a_wording_has_nothing_to_take_over(lea):
    entry, draft = written(lea, proposed_wording="", proposed_wording_zh=""), a_draft()
    refused = lea.post(door("copy_wording", entry), {"draft": str(draft.pk)})
    assert refused.status_code == 422
    assert "This register entry proposes no wording." in text_of(refused)


def test_who_sees_the_register_and_who_writes_in_it():
    entry = RegisterEntry.objects.first()
    seen = {}
    for role in ROLES:
        client = signed_in(a_member(role))
        seen[role] = client.get(REGISTER).status_code
        assert client.get(door("register_entry", entry)).status_code == seen[role]
        doors = [client.post(door(name, entry)).status_code for name in ("approve_register_entry", "copy_wording")]
        doors.append(client.get(REGISTER + "add/").status_code)
        assert (403 in doors) == (role != "Legal"), role
    assert seen["Legal"] == seen["Auditor"] == 200
