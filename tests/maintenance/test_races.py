"""Two at the same moment: one announcement of more than 24 hours, and nothing but what was shown.

Each protection has a twin without it, which must fail, or the test proves nothing.
"""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from maintenance import operations
from maintenance.models import AnnouncementRequest, MaintenanceNotice, MaintenanceWindow, RequestStatus
from maintenance.operations import (
    ConfirmationPending,
    RequestDecided,
    announce_window,
    confirm_announcement,
    discard_draft,
    plan_window,
    request_announcement,
)
from sla_portal.audit.actors import Actor
from sla_portal.audit.queries import first_broken_link
from sla_portal.kernel.errors import Refused
from sla_portal.notices.models import Notice
from tests.support.builders import at
from tests.support.desk import a_member
from tests.support.races import at_once

pytestmark = pytest.mark.django_db(transaction=True)
SYSTEM = Actor.system("test")
NOW, START = at("2026-09-01 08:00"), at("2026-09-06 18:00")
SHORT, LONG = START + timedelta(hours=1), START + timedelta(hours=30)
AT_ONCE = 4


def refusals(outcomes: list[object]) -> list[type]:
    return [type(outcome) for outcome in outcomes if isinstance(outcome, Refused)]


def planned() -> MaintenanceWindow:
    return plan_window(
        actor=SYSTEM, reference="MW-7", title="Storage", kind="cutover", starts_at=START, ends_at=SHORT, now=NOW
    )


def requested(window: MaintenanceWindow) -> AnnouncementRequest:
    return request_announcement(
        actor=Actor.staff(a_member("NOC", "ada")), window=window, starts_at=START, ends_at=LONG, why="A day", now=NOW
    )


def confirming(request: AnnouncementRequest, name: str) -> Callable[[], object]:
    actor = Actor.staff(a_member("NOC", name))
    return lambda: confirm_announcement(
        actor=actor, request=AnnouncementRequest.objects.get(pk=request.pk), now=NOW + timedelta(hours=1)
    )


def test_confirmed_at_once_it_is_announced_once():
    request = requested(planned())
    outcomes = at_once(*(confirming(request, f"second-{number}") for number in range(AT_ONCE)))
    assert refusals(outcomes) == [RequestDecided] * (AT_ONCE - 1)
    assert (Notice.objects.count(), MaintenanceNotice.objects.count()) == (1, 1)
    assert first_broken_link() is None


def test_a_twin_that_looks_at_the_request_and_locks_nothing_announces_twice():
    request = requested(planned())
    looked = threading.Barrier(2)

    def confirm(minutes: int) -> None:
        found = AnnouncementRequest.objects.select_related("window").get(pk=request.pk)
        looked.wait(timeout=30)
        if found.status == RequestStatus.PENDING:
            operations._notify(SYSTEM, found.window, START, LONG, "", NOW + timedelta(minutes=minutes))

    at_once(lambda: confirm(1), lambda: confirm(2))
    assert Notice.objects.count() == 2


def test_requested_at_once_one_request_waits():
    window = planned()
    actors = [Actor.staff(a_member("NOC", f"first-{number}")) for number in range(AT_ONCE)]
    outcomes = at_once(
        *(lambda actor=actor: request_announcement(
            actor=actor, window=window, starts_at=START, ends_at=LONG, why="A day", now=NOW) for actor in actors)
    )  # fmt: skip
    assert refusals(outcomes) == [ConfirmationPending] * (AT_ONCE - 1)
    assert AnnouncementRequest.objects.count() == 1


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda window: announce_window(
            actor=SYSTEM, window=window, starts_at=START, ends_at=SHORT, now=NOW + timedelta(minutes=30)
        ),
        lambda window: discard_draft(actor=SYSTEM, window=window, reason="Planned twice", now=NOW),
    ],
    ids=["another announcement", "discarded"],
)
def test_a_confirmation_and_another_change_at_once_leave_one_of_them_or_both_in_order(meanwhile):
    window = planned()
    request = requested(window)
    outcomes = at_once(confirming(request, "bob"), lambda: meanwhile(window))
    request.refresh_from_db()
    window.refresh_from_db()
    confirmed = request.status == RequestStatus.CONFIRMED
    # Whoever came second was refused, or changed what the first had announced; the request is decided once.
    assert confirmed is (RequestDecided not in refusals(outcomes))
    assert MaintenanceNotice.objects.filter(ends_at=LONG).count() == confirmed
    assert not (confirmed and window.discarded_at)
    assert first_broken_link() is None
