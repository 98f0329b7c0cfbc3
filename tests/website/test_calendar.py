"""The calendar of a region, as a subscriber's own program reads it."""

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from maintenance.operations import announce_window, cancel_window, mark_not_carried_out, plan_window
from sla_portal.audit.actors import Actor
from tests.conftest import forget_what_is_kept
from tests.support.builders import a_region, a_window, at

pytestmark = pytest.mark.django_db
NOC = Actor.system("test")
NOW = at("2026-09-01 08:00")
START, END, LATER = at("2026-09-06 18:00"), at("2026-09-06 19:00"), at("2026-09-06 19:30")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def europe():
    return a_region("eu", name="Europe")


def feed(code: str = "eu", **headers):
    return Client().get(reverse("region_calendar", args=[code]), headers=headers)


def planned(reference: str, region, starts_at=START, ends_at=END):
    return plan_window(
        actor=NOC, reference=reference, title=f"Upgrade {reference}", kind="upgrade", regions=[region] if region else [],
        starts_at=starts_at, ends_at=ends_at, now=NOW,
    )  # fmt: skip


def announced(window, starts_at=START, ends_at=END, now=NOW):
    announce_window(actor=NOC, window=window, starts_at=starts_at, ends_at=ends_at, now=now)
    return window


@pytest.mark.parametrize(("language", "words"), [("en", "(not carried out)"), ("zh-hans", "（未实施）")])
def test_a_window_that_was_not_carried_out_is_cancelled_under_a_higher_sequence(europe, language, words):
    window = announced(planned("MW-1", europe))
    before = feed(accept_language=language).content.decode()
    assert "SEQUENCE:0" in before
    assert "STATUS:CONFIRMED" in before
    mark_not_carried_out(actor=NOC, window=window, reason="The vendor did not come.", now=END)
    forget_what_is_kept()
    after = feed(accept_language=language).content.decode()
    for line in ("SEQUENCE:1", "STATUS:CANCELLED", "X-MAINTNOTE-STATUS:CANCELLED", "DTSTAMP:20260906T190000Z"):
        assert line in after.splitlines()
    assert f"Upgrade MW-1{'' if language != 'en' else ' '}{words}" in after
    assert "METHOD:PUBLISH" in after


def test_a_subscribers_parser_reads_the_newest_announcement_of_each_window(europe, receiver):
    announced(announced(planned("MW-1", europe)), ends_at=LATER, now=at("2026-09-02 08:00"))
    cancel_window(actor=NOC, window=announced(planned("MW-2", None)), reason="Not needed", now=at("2026-09-03 08:00"))
    announced(planned("MW-3", a_region("us")))
    planned("MW-4", europe)
    response = feed()
    assert response["Content-Type"] == "text/calendar; charset=utf-8"
    assert b"METHOD:PUBLISH" in response.content
    assert b"MW-4" not in response.content
    events = {event["maintenance_id"]: event for event in receiver(response.content)}
    assert set(events) == {"MW-1", "MW-2"}
    lengthened, cancelled = events["MW-1"], events["MW-2"]
    assert (lengthened["start"], lengthened["end"]) == (START.timestamp(), LATER.timestamp())
    assert (lengthened["sequence"], lengthened["status"], lengthened["account"]) == (1, "CONFIRMED", "eu")
    assert (cancelled["sequence"], cancelled["status"], cancelled["account"]) == (1, "CANCELLED", "all")
    assert lengthened["uid"] == "MW-1@localhost"


def test_the_calendar_names_a_window_as_its_mails_did(europe, receiver):
    window = announced(planned("MW-1", europe))
    (mailed,) = receiver(bytes(window.notices.get().notice.attachments.get().content))
    (published,) = receiver(feed().content)
    assert published == mailed


def test_it_reaches_a_year_back(europe):
    a_window("2025-09-01 00:00", "2025-09-01 07:00", ("2025-08-20 00:00", "2025-09-01 00:00", "2025-09-01 07:00"))
    a_window("2024-09-01 00:00", "2024-09-01 07:00", ("2024-08-20 00:00", "2024-09-01 00:00", "2024-09-01 07:00"))
    assert feed().content.count(b"BEGIN:VEVENT") == 1


def test_what_has_not_changed_is_not_sent_again(europe):
    announced(planned("MW-1", europe))
    first = feed()
    assert feed(if_none_match=first["ETag"]).status_code == 304
    assert feed(if_modified_since=first["Last-Modified"]).status_code == 304
    with time_machine.travel(at("2026-09-01 09:00"), tick=False):
        announced(planned("MW-2", europe))
        assert feed(if_none_match=first["ETag"]).status_code == 200


def test_an_empty_calendar_is_one_and_an_unknown_region_is_none(europe):
    assert read_events(feed()) == 0
    for code in ("mars", "a b", "%00"):
        assert feed(code).status_code == 404


def read_events(response) -> int:
    assert response.status_code == 200
    assert response.content.startswith(b"BEGIN:VCALENDAR\r\n")
    return response.content.count(b"BEGIN:VEVENT")


def test_it_asks_as_often_for_fifty_windows_as_for_two(europe):
    def asked(windows: int) -> int:
        for number in range(windows):
            announced(planned(f"MW-{windows}-{number}", europe))
        forget_what_is_kept()
        with CaptureQueriesContext(connection) as captured:
            assert feed().status_code == 200
        return len(captured)

    assert asked(2) == asked(48)
