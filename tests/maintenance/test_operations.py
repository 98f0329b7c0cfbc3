"""Announcing maintenance: the affected customers are notified, and notices are kept."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from maintenance.models import MaintenanceNotice, MaintenanceWindow
from maintenance.operations import (
    NothingAnnounced,
    NothingNewAnnounced,
    ReasonMissing,
    WindowCancelled,
    WindowEndsBeforeItStarts,
    WindowInThePast,
    WindowNotBegun,
    WindowNotCarriedOut,
    WorkFinished,
    WorkNotStarted,
    WorkStarted,
    announce_window,
    cancel_window,
    finish_work,
    mark_not_carried_out,
    plan_window,
    start_work,
)
from maintenance.queries import overlapping
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import NotAllowed
from sla_portal.audit.queries import entries_about
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery, Notice
from tests.support.builders import a_contract, a_customer, a_region, a_window, at

pytestmark = pytest.mark.django_db

NOC = Actor.system("test")
NOW = at("2026-09-01 08:00")
START, END = at("2026-09-06 18:00"), at("2026-09-06 19:00")


def planned(**values) -> MaintenanceWindow:
    given = {"reference": "MW-7", "title": "Database upgrade", "kind": "upgrade", "starts_at": START, "ends_at": END}
    return plan_window(actor=NOC, now=NOW, **{**given, **values})


def announced(window, starts_at=START, ends_at=END, now=NOW, **values) -> MaintenanceNotice:
    return announce_window(actor=NOC, window=window, starts_at=starts_at, ends_at=ends_at, now=now, **values)


def a_contact(region, starts_on="2026-01-01", ends_on="2026-12-31", **values) -> Contact:
    customer = a_customer(region, **values)
    a_contract(customer, starts_on, ends_on)
    return Contact.objects.create(customer=customer, email=f"{customer.code.lower()}@example.com")


def test_contacts_under_contract_in_the_regions_are_notified_once():
    eu, us = a_region("eu"), a_region("us")
    current = a_contact(eu)
    later = a_contact(eu, "2026-09-06", "2027-09-05")
    a_contact(eu, "2025-01-01", "2026-08-31")
    a_contact(eu, "2026-09-08", "2027-09-07")
    a_contact(us)
    announced(planned(regions=[eu]))
    assert set(Delivery.objects.values_list("email", flat=True)) == {current.email, later.email}


def test_a_window_without_regions_notifies_all_regions():
    for code in ("eu", "us"):
        a_contact(a_region(code))
    announced(planned())
    assert Delivery.objects.count() == 2


def test_a_notice_is_in_both_languages_with_the_time_in_each_zone():
    announced(planned(regions=[a_region("eu", time_zone="Europe/Berlin")]))
    words = {wording.language: wording for wording in Notice.objects.get().wordings.all()}
    assert set(words) == {"en", "zh-hans"}
    for time in ("2026-09-07 02:00 Shanghai", "2026-09-06 20:00 Berlin", "2026-09-06 18:00 UTC"):
        assert time in words["en"].text
    for time in ("2026-09-07 02:00 上海", "2026-09-06 20:00 柏林", "2026-09-06 18:00 UTC"):
        assert time in words["zh-hans"].html
    assert words["en"].subject == "Scheduled maintenance MW-7, 2026-09-07 02:00 Shanghai: Database upgrade"


@pytest.mark.parametrize(
    ("start", "end", "said", "action"),
    [
        (START + timedelta(days=1), END + timedelta(days=1), "rescheduled to", "moved"),
        (START, END + timedelta(minutes=30), "extended until", "lengthened"),
        (START, END - timedelta(minutes=30), "shortened, ends at", "shortened"),
    ],
)
def test_a_second_notice_says_what_changed_and_the_first_is_kept(start, end, said, action):
    window = planned()
    first = announced(window)
    second = announced(window, start, end, now=NOW + timedelta(hours=1), reason="The supplier is late")
    window.refresh_from_db()
    assert (window.starts_at, window.ends_at) == (start, end)
    assert list(window.notices.all()) == [first, second]
    english = second.notice.wordings.get(language="en")
    assert said in english.subject
    assert "The supplier is late" in english.text
    assert "2026-09-07 02:00 Shanghai" in english.text
    assert entries_about(window)[0].action == action


def test_the_calendar_file_keeps_its_uid_and_increases_its_sequence(receiver):
    window = planned(regions=[a_region("eu")])
    notices = [
        announced(window),
        announced(window, START, END + timedelta(hours=1), now=NOW + timedelta(hours=1)),
        cancel_window(actor=NOC, window=window, reason="Not needed", now=NOW + timedelta(hours=2)),
    ]
    read_back = [receiver(bytes(notice.notice.attachments.get().content))[0] for notice in notices]
    assert len({maintenance["uid"] for maintenance in read_back}) == 1
    assert [(m["sequence"], m["status"]) for m in read_back] == [(0, "CONFIRMED"), (1, "CONFIRMED"), (2, "CANCELLED")]


def test_the_same_announcement_is_sent_once():
    window = planned()
    announced(window)
    with pytest.raises(NothingNewAnnounced):
        announced(window, now=NOW + timedelta(seconds=1))
    assert Notice.objects.count() == MaintenanceNotice.objects.count() == 1


def test_a_cancelled_window_cannot_be_announced_again():
    window = planned()
    with pytest.raises(NothingAnnounced):
        cancel_window(actor=NOC, window=window, reason="never mind", now=NOW)
    announced(window)
    cancel_window(actor=NOC, window=window, reason="Not needed", now=NOW + timedelta(hours=1))
    for refused in (
        lambda: announced(window, END, END + timedelta(hours=1)),
        lambda: cancel_window(actor=NOC, window=window, reason="again", now=NOW),
        lambda: start_work(actor=NOC, window=window, now=START),
    ):
        with pytest.raises(WindowCancelled):
            refused()
    assert window.notices.last().starts_at is None


def test_a_window_ends_after_it_starts():
    with pytest.raises(WindowEndsBeforeItStarts):
        planned(ends_at=START)
    window = planned()
    with pytest.raises(WindowEndsBeforeItStarts):
        announced(window, END, START)


def test_work_is_started_once_and_then_completed_once():
    window = planned()
    with pytest.raises(WorkNotStarted):
        finish_work(actor=NOC, window=window, now=START)
    start_work(actor=NOC, window=window, now=START)
    with pytest.raises(WorkStarted):
        start_work(actor=NOC, window=window, now=START)
    finish_work(actor=NOC, window=window, now=END + timedelta(minutes=7))
    with pytest.raises(WorkFinished):
        finish_work(actor=NOC, window=window, now=END + timedelta(minutes=8))
    assert (window.started_at, window.completed_at) == (START, END + timedelta(minutes=7))


def not_carried_out(window, now=START, reason="The vendor did not come.") -> None:
    mark_not_carried_out(actor=NOC, window=window, reason=reason, now=now)


def test_an_announced_window_that_passed_without_work_is_marked_as_not_carried_out():
    a_contact(a_region())
    window = planned()
    with pytest.raises(NothingAnnounced):
        not_carried_out(window)
    announced(window)
    sent = Notice.objects.count(), Delivery.objects.count()
    with pytest.raises(WindowNotBegun):
        not_carried_out(window, now=START - timedelta(seconds=1))
    with pytest.raises(ReasonMissing):
        not_carried_out(window, reason=" ")
    not_carried_out(window, now=START)
    assert window.not_carried_out_at == START
    entry = entries_about(window)[0]
    assert (entry.action, entry.reason) == ("marked as not carried out", "The vendor did not come.")
    # It announces nothing.
    assert (Notice.objects.count(), Delivery.objects.count(), window.notices.count()) == (*sent, 1)
    for operation in (start_work, not_carried_out):
        with pytest.raises(WindowNotCarriedOut):
            operation(window=window, now=START, **({"actor": NOC} if operation is start_work else {}))
    with pytest.raises(WindowNotCarriedOut):
        announced(window, START, END + timedelta(hours=1), now=START)
    with pytest.raises(WindowNotCarriedOut):
        cancel_window(actor=NOC, window=window, reason="x", now=START)


def test_the_announced_start_decides_when_a_window_can_be_marked():
    window = planned()
    announced(window)
    announced(window, START + timedelta(days=1), END + timedelta(days=1), now=START)
    with pytest.raises(WindowNotBegun):
        not_carried_out(window, now=END)
    not_carried_out(window, now=START + timedelta(days=1))


def test_work_that_took_place_or_a_cancelled_window_is_not_marked():
    begun, cancelled = planned(), planned(reference="MW-8")
    announced(begun)
    announced(cancelled)
    start_work(actor=NOC, window=begun, now=START)
    with pytest.raises(WorkStarted):
        not_carried_out(begun)
    finish_work(actor=NOC, window=begun, now=END)
    with pytest.raises(WorkFinished):
        not_carried_out(begun)
    cancel_window(actor=NOC, window=cancelled, reason="x", now=NOW + timedelta(days=1))
    with pytest.raises(WindowCancelled):
        not_carried_out(cancelled)


def test_a_window_wholly_in_the_past_is_not_announced():
    window = planned()
    with pytest.raises(WindowInThePast):
        announced(window, now=END)
    announced(window, now=END - timedelta(seconds=1))
    with pytest.raises(WindowInThePast):
        announced(window, START - timedelta(days=1), END - timedelta(days=1), now=END)


def test_only_announcing_rescheduling_extending_and_cancelling_are_notices():
    window = planned()
    announced(window)
    start_work(actor=NOC, window=window, now=START)
    announced(window, START, END + timedelta(minutes=30), now=START)
    finish_work(actor=NOC, window=window, now=END)
    assert (window.notices.count(), Notice.objects.count()) == (2, 2)
    with pytest.raises(WorkFinished):
        announced(window, START, END + timedelta(hours=2), now=END)


def test_announcing_needs_the_permission():
    window = planned()
    nobody = Actor.staff(User.objects.create_user("nobody"))
    with pytest.raises(NotAllowed):
        announce_window(actor=nobody, window=window, starts_at=START, ends_at=END, now=NOW)
    with pytest.raises(NotAllowed):
        mark_not_carried_out(actor=nobody, window=window, reason="x", now=START)
    with pytest.raises(NotAllowed):
        plan_window(actor=nobody, reference="x", title="x", kind="other", starts_at=START, ends_at=END, now=NOW)
    assert not Notice.objects.exists()


def test_windows_at_the_same_time_in_the_same_region_overlap():
    eu, us = a_region("eu"), a_region("us")
    mine = planned(regions=[eu])
    everywhere = a_window("2026-09-06 18:30", "2026-09-06 20:00")
    elsewhere = a_window("2026-09-06 18:30", "2026-09-06 20:00")
    elsewhere.regions.set([us])
    a_window("2026-09-06 19:00", "2026-09-06 20:00")
    a_window("2026-09-06 18:30", "2026-09-06 20:00", cancelled_at=NOW)
    assert list(overlapping(mine, START, END)) == [everywhere]
