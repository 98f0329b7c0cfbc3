"""Announcing maintenance: the affected customers are notified, and notices are kept."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User

from maintenance.models import AnnouncementRequest, MaintenanceNotice, MaintenanceWindow, RequestStatus
from maintenance.operations import (
    ConfirmationNeeded,
    ConfirmationNotNeeded,
    ConfirmationPending,
    NothingAnnounced,
    NothingNewAnnounced,
    NotTheRequester,
    ReasonMissing,
    RequestDecided,
    SecondPersonNeeded,
    WindowAnnounced,
    WindowCancelled,
    WindowDiscarded,
    WindowEndsBeforeItStarts,
    WindowInThePast,
    WindowNotBegun,
    WindowNotCarriedOut,
    WindowTooFarAhead,
    WindowTooLong,
    WorkFinished,
    WorkNotStarted,
    WorkStarted,
    WorkTimesOutOfOrder,
    announce_window,
    cancel_window,
    confirm_announcement,
    discard_draft,
    finish_work,
    mark_not_carried_out,
    plan_window,
    record_work,
    request_announcement,
    return_request,
    start_work,
    withdraw_request,
)
from maintenance.queries import overlapping, windows_between, windows_of_region
from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import NotAllowed
from sla_portal.audit.queries import entries_about
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery, Kind, Notice
from sla_portal.notices.operations import give_notice
from sla_portal.notices.wording import Words
from tests.support.builders import a_contract, a_customer, a_region, a_window, at
from tests.support.desk import a_member

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


# More than 24 hours


LONG_END = START + timedelta(hours=25)


@pytest.fixture
def ada() -> Actor:
    return Actor.staff(a_member("NOC", "ada"))


@pytest.fixture
def bob() -> Actor:
    return Actor.staff(a_member("NOC", "bob"))


def requested(actor: Actor, window, starts_at=START, ends_at=LONG_END, now=NOW, **values) -> AnnouncementRequest:
    given = {"why": "The migration takes a day.", "reason": "New storage", **values}
    return request_announcement(actor=actor, window=window, starts_at=starts_at, ends_at=ends_at, now=now, **given)


def test_more_than_24_hours_are_announced_when_another_person_confirms_them(ada, bob):
    a_contact(a_region())
    window = planned()
    with pytest.raises(ConfirmationNeeded):
        announced(window, START, LONG_END)
    with pytest.raises(ReasonMissing):
        requested(ada, window, why=" ")
    request = requested(ada, window)
    assert not Notice.objects.exists()
    assert not window.notices.exists()
    with pytest.raises(SecondPersonNeeded):
        confirm_announcement(actor=ada, request=request, now=NOW)
    later = NOW + timedelta(hours=2)
    notice = confirm_announcement(actor=bob, request=request, reason="Checked with the vendor", now=later)
    window.refresh_from_db()
    request.refresh_from_db()
    assert (notice.sent_at, notice.starts_at, notice.ends_at) == (later, START, LONG_END)
    assert (window.starts_at, window.ends_at) == (START, LONG_END)
    assert "New storage" in notice.notice.wordings.get(language="en").text
    assert "takes a day" not in notice.notice.wordings.get(language="en").text
    assert (request.status, request.sent, request.decided_by) == (RequestStatus.CONFIRMED, notice, bob.user)
    logged = [(entry.action, entry.actor_name, entry.reason) for entry in reversed(entries_about(window))]
    assert logged[1:] == [
        ("requested the announcement of", ada.name, "The migration takes a day."),
        ("announced", bob.name, "New storage"),
        ("confirmed the announcement of", bob.name, "Checked with the vendor"),
    ]
    with pytest.raises(RequestDecided):
        confirm_announcement(actor=bob, request=request, now=later)
    assert Notice.objects.count() == 1


def test_up_to_24_hours_need_no_second_person(ada):
    window = planned()
    with pytest.raises(ConfirmationNotNeeded):
        requested(ada, window, START, START + timedelta(hours=24))
    announced(window, START, START + timedelta(hours=24))


@pytest.mark.parametrize(
    ("starts_at", "ends_at"), [(START, LONG_END), (START + timedelta(days=1), LONG_END + timedelta(days=1))]
)
def test_extending_and_rescheduling_to_more_than_24_hours_take_two_people(ada, bob, starts_at, ends_at):
    window = planned()
    announced(window)
    with pytest.raises(ConfirmationNeeded):
        announced(window, starts_at, ends_at, now=NOW + timedelta(hours=1))
    request = requested(ada, window, starts_at, ends_at)
    confirm_announcement(actor=bob, request=request, now=NOW + timedelta(hours=1))
    assert window.notices.count() == 2


def test_a_window_is_not_prolonged_day_by_day_by_one_person():
    window = planned()
    announced(window, START, START + timedelta(hours=24))
    with pytest.raises(ConfirmationNeeded):
        announced(window, START + timedelta(hours=23), START + timedelta(hours=47), now=START + timedelta(hours=23))


@pytest.mark.parametrize("own", [True, False], ids=["withdrawn", "sent back"])
def test_a_request_that_is_withdrawn_or_sent_back_announces_nothing(ada, bob, own):
    window = planned()
    request = requested(ada, window)
    with pytest.raises(ConfirmationPending):
        requested(bob, window)
    with pytest.raises(SecondPersonNeeded):
        return_request(actor=ada, request=request, reason="Two windows instead", now=NOW)
    with pytest.raises(NotTheRequester):
        withdraw_request(actor=bob, request=request, reason="Two windows instead", now=NOW)
    actor, close = (ada, withdraw_request) if own else (bob, return_request)
    with pytest.raises(ReasonMissing):
        close(actor=actor, request=request, reason=" ", now=NOW)
    close(actor=actor, request=request, reason="Two windows instead", now=NOW)
    request.refresh_from_db()
    assert request.status == (RequestStatus.WITHDRAWN if own else RequestStatus.RETURNED)
    assert (request.decision_reason, request.decided_by) == ("Two windows instead", actor.user)
    entry = entries_about(window)[0]
    assert entry.action == ("withdrew the request to announce" if own else "sent back the request to announce")
    assert entry.reason == "Two windows instead"
    for again in (confirm_announcement, return_request):
        with pytest.raises(RequestDecided):
            again(actor=bob, request=request, reason="again", now=NOW)
    assert not Notice.objects.exists()
    requested(bob, window)


@pytest.mark.parametrize(
    "change",
    [
        lambda window: announced(window, START, END + timedelta(minutes=30), now=NOW + timedelta(minutes=5)),
        lambda window: cancel_window(actor=NOC, window=window, reason="No need", now=NOW + timedelta(minutes=5)),
        not_carried_out,
        lambda window: [
            start_work(actor=NOC, window=window, now=START), finish_work(actor=NOC, window=window, now=END),
        ],
        lambda window: record_work(actor=NOC, window=window, started_at=START, completed_at=END, now=END),
    ],
    ids=["another notice", "a cancellation", "not carried out", "completion", "work recorded later"],
)  # fmt: skip
def test_whatever_else_happens_to_the_window_supersedes_the_request(ada, bob, change):
    window = planned()
    announced(window)
    request = requested(ada, window, now=NOW + timedelta(minutes=1))
    change(window)
    request.refresh_from_db()
    assert request.status == RequestStatus.SUPERSEDED
    assert "superseded the request to announce" in [entry.action for entry in entries_about(window)]
    before = Notice.objects.count()
    with pytest.raises(RequestDecided):
        confirm_announcement(actor=bob, request=request, now=NOW + timedelta(minutes=10))
    assert Notice.objects.count() == before


def test_a_request_whose_window_passed_is_not_confirmed(ada, bob):
    request = requested(ada, planned())
    with pytest.raises(WindowInThePast):
        confirm_announcement(actor=bob, request=request, now=LONG_END)


def test_confirming_needs_its_own_right(ada):
    request = requested(ada, planned())
    for role in ("Support", "Auditor", "Administrator"):
        with pytest.raises(NotAllowed):
            confirm_announcement(actor=Actor.staff(a_member(role)), request=request, now=NOW)
        with pytest.raises(NotAllowed):
            return_request(
                actor=Actor.staff(User.objects.get(username=role.lower())), request=request, reason="x", now=NOW
            )
    confirm_announcement(actor=Actor.staff(a_member("Legal")), request=request, now=NOW)


# Mistyped dates


def test_a_window_of_years_or_of_another_century_is_refused():
    window = planned()
    for announce in (
        lambda start, end: announced(window, start, end),
        lambda start, end: planned(reference="MW-8", starts_at=start, ends_at=end),
    ):
        with pytest.raises(WindowTooLong):
            announce(START, START.replace(year=2036))
        with pytest.raises(WindowTooLong):
            announce(START.replace(year=1999), END)
        with pytest.raises(WindowInThePast):
            announce(START.replace(year=1999), END.replace(year=1999))
        with pytest.raises(WindowTooFarAhead):
            announce(START.replace(year=2062), END.replace(year=2062))


# Discarded drafts


def discarded(window, reason="Planned twice") -> None:
    discard_draft(actor=NOC, window=window, reason=reason, now=NOW)


def test_a_discarded_draft_stays_on_record_and_is_counted_and_listed_nowhere():
    region = a_region()
    window, other = planned(), planned(reference="MW-8")
    with pytest.raises(ReasonMissing):
        discarded(window, " ")
    discarded(window)
    assert MaintenanceWindow.objects.get(reference="MW-7").discarded_at == NOW
    entry = entries_about(window)[0]
    assert (entry.action, entry.reason) == ("discarded", "Planned twice")
    assert list(overlapping(other, START, END)) == []
    assert list(windows_between(START, END)) == [other]
    assert list(windows_of_region(region, START, END)) == [other]
    for refused in (
        lambda: discarded(window),
        lambda: announced(window),
        lambda: start_work(actor=NOC, window=window, now=START),
        lambda: record_work(actor=NOC, window=window, started_at=START, completed_at=END, now=END),
    ):
        with pytest.raises(WindowDiscarded):
            refused()


def test_only_a_draft_is_discarded(ada):
    window, begun = planned(), planned(reference="MW-8")
    announced(window)
    start_work(actor=NOC, window=begun, now=START)
    with pytest.raises(WindowAnnounced):
        discarded(window)
    with pytest.raises(WorkStarted):
        discarded(begun)
    draft = planned(reference="MW-9")
    request = requested(ada, draft)
    discarded(draft)
    request.refresh_from_db()
    assert request.status == RequestStatus.SUPERSEDED


# Work


def test_work_that_nobody_recorded_is_recorded_with_its_times():
    window = planned()
    with pytest.raises(NothingAnnounced):
        record_work(actor=NOC, window=window, started_at=START, completed_at=END, now=END)
    announced(window)
    late = END + timedelta(hours=6)
    for started_at, completed_at, field in (
        (END, START, "completed_at"),
        (START, late + timedelta(seconds=1), "completed_at"),
        (START.replace(year=1999), END, "started_at"),
    ):
        with pytest.raises(WorkTimesOutOfOrder) as refused:
            record_work(actor=NOC, window=window, started_at=started_at, completed_at=completed_at, now=late)
        assert refused.value.field == field
    done = START + timedelta(minutes=40)
    record_work(actor=NOC, window=window, started_at=START, completed_at=done, now=late)
    assert (window.started_at, window.completed_at) == (START, done)
    assert entries_about(window)[0].changes["completed_at"] == [None, "2026-09-06T18:40:00Z"]
    with pytest.raises(WorkFinished):
        record_work(actor=NOC, window=window, started_at=START, completed_at=END, now=late)


def test_a_notice_by_hand_about_a_window_announces_nothing():
    window = planned()
    words = [Words(language, "Reminder", "MW-7 starts tomorrow.") for language in ("en", "zh-hans")]
    give_notice(
        actor=NOC, kind=Kind.MAINTENANCE, about=window.reference, wordings=words, audience=Contact.objects.none(),
        public=True, now=NOW,
    )  # fmt: skip
    assert not window.notices.exists()
