"""Which mail goes first, how fast, and that a pause holds at once: with one worker and with many."""

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.conf import settings as portal
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given as examples_of
from hypothesis import strategies as st

from sla_portal.audit.actors import Actor
from sla_portal.audit.operations import NotAllowed
from sla_portal.audit.queries import entries_about
from sla_portal.customers.models import Contact
from sla_portal.notices import tasks
from sla_portal.notices.models import Brake, Delivery, Notice, Status
from sla_portal.notices.operations import (
    NoReason,
    NotALimit,
    NothingToDo,
    deliver_chunk,
    delivering,
    due,
    give_notice,
    limit_notice,
    pause_notice,
    resume_notice,
)
from sla_portal.notices.operations.delivering import CHUNK, DeliveryRun, Due
from sla_portal.notices.queries import pace, progress
from sla_portal.notices.rules import Allowance
from tests.conftest import database_url
from tests.support.builders import a_customer, a_region, at
from tests.support.desk import a_member, signed_in, text_of
from tests.support.mail_server import MailServer, mail_server

from .test_delivery import WORDS

NOW = at("2026-11-22 10:00")
SYSTEM = Actor.system("test")


@pytest.fixture
def server(settings) -> MailServer:
    with mail_server() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


def told(number: int, name: str, kind: str = "amendment", now: datetime = NOW) -> Notice:
    customer = a_customer(a_region())
    Contact.objects.bulk_create([Contact(customer=customer, email=f"{name}{n}@example.com") for n in range(number)])
    return give_notice(
        actor=SYSTEM, kind=kind, about=name, wordings=WORDS, audience=customer.contacts.all(), public=False, now=now
    )


def sent(notice: Notice) -> int:
    return notice.deliveries.filter(status=Status.SENT).count()


# What goes first


@pytest.mark.django_db
def test_a_code_does_not_wait_behind_a_big_amendment(server):
    told(3 * CHUNK, "amendment")
    deliver_chunk(clock=lambda: NOW)
    told(1, "code", "code", now=NOW + timedelta(seconds=1))
    told(2, "window", "maintenance", now=NOW + timedelta(seconds=2))
    deliver_chunk(clock=lambda: NOW + timedelta(seconds=3))
    later = [taken.recipient for taken in server.taken][CHUNK:]
    assert later[:3] == ["code0@example.com", "window0@example.com", "window1@example.com"]
    assert len(later) == CHUNK


@pytest.mark.django_db
def test_a_worker_looks_for_something_more_urgent_before_long(server):
    told(10, "amendment")
    moments = iter(range(1000))
    # Each look at the clock finds it five seconds later, as with a slow mail server.
    deliver_chunk(clock=lambda: NOW + timedelta(seconds=5 * next(moments)))
    assert 0 < len(server.taken) < 10
    assert Delivery.objects.filter(status=Status.PENDING).count() == 10 - len(server.taken)


@pytest.mark.django_db
def test_the_sweep_asks_for_no_more_workers_than_find_something(monkeypatch):
    told(2 * CHUNK + 1, "a")
    assert due(now=NOW) == Due(workers=3, throttled=0)
    assert due(now=NOW - timedelta(seconds=1)) == Due(0, 0)
    monkeypatch.setattr(delivering, "MOST_WORKERS", 2)
    assert due(now=NOW) == Due(workers=2, throttled=0)


@pytest.mark.django_db
def test_a_worker_goes_on_while_there_is_more_and_other_tasks_have_their_turn(server, monkeypatch):
    now = timezone.now()
    told(2 * CHUNK + 1, "a", now=now)
    calls, took = [], []
    monkeypatch.setattr(tasks.deliver_notice_chunk, "apply_async", lambda **how: calls.append(how))
    tasks.deliver_notice_chunk.push_request(expires=(now + timedelta(seconds=30)).isoformat())
    for _turn in range(3):
        tasks.deliver_notice_chunk.run()
        took.append((len(calls), len(server.taken)))
    assert took == [(1, CHUNK), (2, 2 * CHUNK), (2, 2 * CHUNK + 1)]
    assert {how["countdown"] for how in calls} == {None}


@pytest.mark.django_db
def test_a_worker_that_cannot_reach_the_mail_server_does_not_try_the_next_chunk(server, settings):
    settings.EMAIL_PORT = 1
    told(2 * CHUNK, "a")
    assert deliver_chunk(clock=lambda: NOW) is None
    assert Delivery.objects.filter(attempts=1).count() == CHUNK


# Pause


@pytest.mark.django_db
def test_a_paused_notice_waits_and_the_others_go(server):
    held, free = told(3, "held"), told(3, "free")
    pause_notice(actor=SYSTEM, notice=held, reason="A wrong date", now=NOW)
    deliver_chunk(clock=lambda: NOW)
    assert (sent(held), sent(free)) == (0, 3)
    assert due(now=NOW) == Due(0, 0)
    resume_notice(actor=SYSTEM, notice=held, reason="The date was right", now=NOW)
    deliver_chunk(clock=lambda: NOW)
    assert sent(held) == 3
    assert [(entry.action, entry.reason) for entry in entries_about(held).order_by("id")][1:] == [
        ("paused", "A wrong date"),
        ("resumed", "The date was right"),
    ]


def pausing_after(server: MailServer, mails: int, notice: Notice):
    """A clock whose reader pauses the notice once so many mails are out."""
    done = []

    def clock() -> datetime:
        if len(server.taken) >= mails and not done:
            done.append(True)
            pause_notice(actor=SYSTEM, notice=notice, reason="Stop", now=NOW)
        return NOW

    return clock


@pytest.mark.django_db
def test_a_worker_stops_before_the_next_mail_when_its_notice_is_paused(server):
    notice, other = told(10, "held"), told(2, "other")
    deliver_chunk(clock=pausing_after(server, 4, notice))
    assert (sent(notice), sent(other)) == (4, 2)
    assert notice.deliveries.filter(status=Status.PENDING, lease=None).count() == 6
    # Once to send, once because a message that was begun can only be taken back by hanging up.
    assert server.connections == 2


@pytest.mark.django_db
def test_asked_only_when_the_chunk_is_taken_a_pause_comes_too_late(server, monkeypatch):
    """The twin: the last step does not ask."""
    monkeypatch.setattr(delivering, "NOTE", delivering.NOTE.replace("paused_at IS NOT NULL", "1 = 0"))
    notice = told(10, "held")
    deliver_chunk(clock=pausing_after(server, 4, notice))
    assert sent(notice) == 10


@pytest.mark.django_db
def test_a_pause_needs_a_reason_and_is_not_made_twice():
    notice = told(1, "a")
    with pytest.raises(NoReason):
        pause_notice(actor=SYSTEM, notice=notice, reason=" ", now=NOW)
    with pytest.raises(NothingToDo):
        resume_notice(actor=SYSTEM, notice=notice, reason="", now=NOW)
    pause_notice(actor=SYSTEM, notice=notice, reason="Because", now=NOW)
    with pytest.raises(NothingToDo, match="by test"):
        pause_notice(actor=SYSTEM, notice=notice, reason="Because", now=NOW)


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["Auditor", "Administrator"])
def test_who_may_not_tell_people_something_holds_nothing_back(role):
    notice, actor = told(1, "a"), Actor.staff(a_member(role))
    for act in (
        lambda: pause_notice(actor=actor, notice=notice, reason="x", now=NOW),
        lambda: resume_notice(actor=actor, notice=notice, reason="x", now=NOW),
        lambda: limit_notice(actor=actor, notice=notice, per_minute=1, reason="x", now=NOW),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert not Brake.objects.exists()


# Limit


@examples_of(
    per_minute=st.integers(1, 5000),
    looks=st.lists(st.tuples(st.floats(0, 20), st.integers(1, 200)), max_size=60),
)
def test_no_minute_ever_brings_more_than_the_limit(per_minute, looks):
    allowance, now, gone = Allowance(per_minute, NOW), NOW, []
    for wait, wanted in looks:
        now += timedelta(seconds=wait)
        mails = min(wanted, allowance.at(now))
        allowance = Allowance(per_minute, allowance.after(mails, now)) if mails else allowance
        gone += [now] * mails
    for first in set(gone):
        assert sum(first <= one < first + timedelta(minutes=1) for one in gone) <= per_minute


@pytest.mark.parametrize("per_minute", [1, 7, 60, 1000])
def test_who_looks_every_second_sends_nearly_the_limit(per_minute):
    allowance, gone = Allowance(per_minute, NOW), 0
    for second in range(600):
        now = NOW + timedelta(seconds=second)
        if mails := allowance.at(now):
            allowance = Allowance(per_minute, allowance.after(mails, now))
            gone += mails
    assert 0.93 * 10 * per_minute - 1 <= gone <= 10 * per_minute


def over(minutes: float, step: float = 1) -> list[int]:
    """How many mails were sent after each step of a clock, each look of a worker taking what it is given."""
    came = []
    for n in range(int(minutes * 60 / step)):
        deliver_chunk(clock=lambda n=n: NOW + timedelta(minutes=5, seconds=n * step))
        came.append(Delivery.objects.filter(status=Status.SENT).count())
    return came


@pytest.mark.django_db
def test_the_portal_keeps_to_its_limit_and_the_most_urgent_go_first(server, settings):
    settings.MAILS_PER_MINUTE = 60
    told(100, "amendment")
    assert due(now=NOW) == Due(workers=0, throttled=1)
    came = over(0.5)
    assert 26 <= came[-1] <= 31
    told(1, "code", "code")
    deliver_chunk(clock=lambda: NOW + timedelta(minutes=5, seconds=32))
    assert "code0@example.com" in [taken.recipient for taken in server.taken][came[-1] :]


@pytest.mark.django_db
def test_a_notice_keeps_to_its_own_limit_and_the_others_do_not_wait_for_it(server):
    slow, free = told(100, "slow"), told(20, "free")
    limit_notice(actor=SYSTEM, notice=slow, per_minute=60, reason="", now=NOW)
    assert due(now=NOW) == Due(workers=1, throttled=1)
    wait = deliver_chunk(clock=lambda: NOW + timedelta(minutes=5))
    assert (sent(free), sent(slow)) == (20, 1)
    assert timedelta(seconds=1) <= wait <= timedelta(seconds=2)
    limit_notice(actor=SYSTEM, notice=slow, per_minute=None, reason="They can take more", now=NOW)
    deliver_chunk(clock=lambda: NOW + timedelta(minutes=5))
    assert sent(slow) == 100


@pytest.mark.django_db
def test_a_limit_is_a_number_of_mails():
    notice = told(1, "a")
    for wrong in (0, -1, 1_000_001):
        with pytest.raises(NotALimit):
            limit_notice(actor=SYSTEM, notice=notice, per_minute=wrong, reason="", now=NOW)


@pytest.mark.django_db
def test_without_any_limit_nobody_is_asked_to_come_again(server):
    told(1, "a")
    assert deliver_chunk(clock=lambda: NOW) is None
    assert not Brake.objects.exists()


@pytest.mark.django_db
def test_a_worker_comes_back_for_what_a_limit_holds_until_the_next_round(server, monkeypatch, settings):
    settings.MAILS_PER_MINUTE = 60
    told(10, "a", now=timezone.now())
    calls = []
    monkeypatch.setattr(tasks.deliver_throttled_notices, "apply_async", lambda **how: calls.append(how))
    tasks.deliver_due_notices()
    assert [set(how) for how in calls] == [{"expires"}]
    tasks.deliver_throttled_notices.push_request(expires=calls[0]["expires"].isoformat())
    tasks.deliver_throttled_notices.run()
    assert 1 <= calls[1]["countdown"] <= 2
    assert calls[1]["expires"] == calls[0]["expires"]
    tasks.deliver_throttled_notices.push_request(expires=timezone.now().isoformat())
    tasks.deliver_throttled_notices.run()
    assert len(calls) == 2


def claims_at_once(hands: int) -> Counter:
    """How many mails so many workers take, all in the same moment, of a notice with a limit."""
    begin, taken = threading.Barrier(hands), []

    def work() -> None:
        try:
            begin.wait()
            taken.append(len(DeliveryRun(lambda: NOW + timedelta(minutes=5)).claimed))
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(hands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(taken)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("whose", ["the portal's", "the notice's"])
def test_workers_together_take_no_more_than_the_limit_lets_through(whose, settings):
    notice = told(300, "a")
    if whose == "the portal's":
        settings.MAILS_PER_MINUTE = 300
    else:
        limit_notice(actor=SYSTEM, notice=notice, per_minute=300, reason="", now=NOW)
    # What two seconds may bring, and once, whoever takes it.
    assert claims_at_once(4) == {9: 1, 0: 3}


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_that_read_the_limit_without_holding_it_take_more(monkeypatch, settings):
    """The twin: the limit's row is read, not locked. SQLite lets one writer in at a time anyway."""

    def unlocked(_now: datetime) -> tuple:
        brake = Brake.objects.get(notice=None)
        brake.per_minute = 300
        time.sleep(0.5)
        return brake, {}

    settings.MAILS_PER_MINUTE = 300
    told(300, "a")
    Brake.objects.create(notice=None, free_at=NOW)
    monkeypatch.setattr(delivering, "_limits", unlocked)
    assert sum(mails * hands for mails, hands in claims_at_once(4).items()) > 9


@pytest.mark.django_db(transaction=True)
def test_processes_together_keep_to_the_limit(monkeypatch):
    """Three processes that come again and again: no more than ten a second, and what two seconds may bring."""
    with mail_server() as server:
        monkeypatch.setenv("EMAIL_URL", server.url)
        notice = told(900, "a", now=timezone.now())
        limit_notice(actor=SYSTEM, notice=notice, per_minute=600, reason="", now=timezone.now())
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "sla_portal.settings",
            "DATABASE_URL": database_url(),
            "SECRET_KEY": portal.SECRET_KEY,
        }
        command = [sys.executable, "-m", "tests.drill.support.delivery_runs", "repeated", str(time.time() + 4), "6"]
        runs = [subprocess.Popen(command, env=environment, cwd=portal.BASE_DIR) for _ in range(3)]
        assert [run.wait(timeout=60) for run in runs] == [0, 0, 0]
        moments = sorted(notice.deliveries.filter(status=Status.SENT).values_list("sent_at", flat=True))
        seconds = (moments[-1] - moments[0]).total_seconds()
        # A busy machine may hand a claimed mail over some seconds later; without the limit all would go.
        assert 20 < len(moments) == len(server.taken) <= 10 * (seconds + 2 + 5)
        assert max(Counter(taken.recipient for taken in server.taken).values()) == 1


# The page


@pytest.fixture
def under_way() -> Notice:
    """Ten mails: five sent in the last two minutes, one back, one failed, three left."""
    now = timezone.now()
    notice = told(10, "a", now=now - timedelta(minutes=2))
    keys = list(notice.deliveries.order_by("pk").values_list("pk", flat=True))
    Delivery.objects.filter(pk__in=keys[:5]).update(status=Status.SENT, sent_at=now - timedelta(seconds=30))
    Delivery.objects.filter(pk=keys[5]).update(status=Status.BOUNCED, sent_at=now)
    Delivery.objects.filter(pk=keys[6]).update(status=Status.FAILED)
    return notice


def page(notice: Notice) -> str:
    return reverse("admin:notices_notice_change", args=[notice.pk])


@pytest.mark.django_db
def test_the_page_says_how_far_mail_has_come_how_fast_and_when_it_ends(under_way):
    desk = signed_in(a_member("Legal"))
    seen = text_of(desk.get(page(under_way)))
    for words in (
        "5 of 10 e-mails sent",
        "1 bounced",
        "1 failed",
        "3 remaining.",
        "The last e-mail is expected by",
        "Resolve 2 undelivered e-mails",
    ):
        assert words in seen
    part = desk.get(page(under_way), {"part": "mail"})
    assert part.content.decode().count("<section") == 1
    assert 'data-part="?part=mail"' in part.content.decode()


@pytest.mark.django_db
def test_the_rate_is_that_of_the_last_minutes_and_a_pause_has_no_end(under_way):
    came, now = progress([under_way])[under_way.pk], timezone.now()
    going = pace(under_way, came, now)
    assert going.per_minute in {2, 3}
    assert timedelta(seconds=50) < going.expected_end - now < timedelta(seconds=90)
    pause_notice(actor=SYSTEM, notice=under_way, reason="Stop", now=now)
    assert pace(under_way, came, now).expected_end is None


@pytest.mark.django_db
@pytest.mark.parametrize("part", ["", "mail"])
def test_the_page_costs_as_many_queries_with_many_mails_as_with_few(under_way, part):
    desk = signed_in(a_member("Legal"))
    few = told(2, "few", now=timezone.now())
    few.deliveries.filter(email__startswith="few0").update(status=Status.FAILED)
    costs = []
    for notice in (few, under_way):
        desk.get(page(notice), {"part": part})
        with CaptureQueriesContext(connection) as asked:
            desk.get(page(notice), {"part": part})
        costs.append(len(asked))
    assert costs[0] == costs[1]


@pytest.mark.django_db
def test_a_person_pauses_limits_and_resumes_from_the_page(under_way):
    desk = signed_in(a_member("NOC"))
    doors = {name: reverse(f"admin:{name}_notice", args=[under_way.pk]) for name in ("pause", "resume", "limit")}
    refused = desk.post(doors["pause"], {"reason": " "})
    assert (refused.status_code, "Enter a reason" in text_of(refused)) == (422, True)
    seen = text_of(desk.post(doors["pause"], {"reason": "The date is wrong"}, follow=True))
    assert "by NOC" in seen
    assert "The date is wrong" in seen
    assert "expected by" not in seen
    assert desk.post(doors["pause"], {"reason": "again"}).status_code == 422
    assert "Resumed" in text_of(desk.post(doors["resume"], {}, follow=True))
    for wrong in ("0", "-1", "x", "1e9", "9" * 30, "\0", "²"):
        assert desk.post(doors["limit"], {"per_minute": wrong}).status_code == 422
    assert "Limit of this notice: 60 e-mails per minute." in text_of(
        desk.post(doors["limit"], {"per_minute": "60"}, follow=True)
    )
    desk.post(doors["limit"], {"per_minute": ""})
    assert Brake.objects.get().per_minute is None
    looks_only = signed_in(a_member("Auditor"))
    assert "Pause" not in text_of(looks_only.get(page(under_way)))
    assert {looks_only.post(door, {"reason": "x"}).status_code for door in doors.values()} == {403}
