"""Mail goes out once: through a real mail server that does everything wrong that one can."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import count

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from sla_portal.audit.actors import Actor
from sla_portal.audit.queries import entries_about
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery, FailureReason, Status
from sla_portal.notices.operations import (
    NotOpen,
    confirm_delivery,
    deliver_chunk,
    due,
    give_notice,
    release_lapsed,
    send_again,
)
from sla_portal.notices.operations.delivering import LEASE, MOST_UNANSWERED_IN_A_ROW, DeliveryRun
from sla_portal.notices.rules import MOST_ATTEMPTS
from sla_portal.notices.wording import Words
from tests.support.builders import a_customer, a_region, at
from tests.support.mail_server import Fault, MailServer, mail_server

pytestmark = pytest.mark.django_db

NOW = at("2026-11-22 10:00")
SYSTEM = Actor.system("test")
WORDS = [Words("en", "Maintenance", "We work."), Words("zh-hans", "维护通知", "我们将进行维护。")]
customers = count(1)


@pytest.fixture(scope="module")
def running_server():
    with mail_server() as server:
        yield server


@pytest.fixture
def server(running_server, settings) -> MailServer:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", running_server.port
    running_server.forget(lambda _address, _attempt: None)
    return running_server


def told(*addresses: str, now: datetime = NOW) -> list[Delivery]:
    """A notice given to `addresses`."""
    customer = a_customer(a_region())
    Contact.objects.bulk_create([Contact(customer=customer, email=address, name="Ada") for address in addresses])
    notice = give_notice(
        actor=SYSTEM,
        kind="maintenance",
        about="MW-1",
        wordings=WORDS,
        audience=customer.contacts.all(),
        public=True,
        now=now,
    )
    return list(notice.deliveries.order_by("id"))


def deliver(now: datetime = NOW) -> None:
    """One round of the schedule, and all that it found done at once."""
    release_lapsed(now=now)
    for _worker in range(due(now=now).workers):
        while deliver_chunk(clock=lambda: now) is not None:
            pass


def after(fault: Fault, *, attempts: int = 1) -> object:
    return lambda _address, attempt: fault if attempt <= attempts else None


def test_all_are_told_over_one_connection(server):
    deliveries = told("a@example.com", "b@example.com", "c@example.com")
    deliver()
    assert [taken.recipient for taken in server.taken] == ["a@example.com", "b@example.com", "c@example.com"]
    assert server.connections == 1
    for delivery in deliveries:
        delivery.refresh_from_db()
        assert (delivery.status, delivery.attempts, delivery.sent_at, delivery.lease) == (Status.SENT, 1, NOW, None)


def test_the_hash_of_each_mail_is_noted_as_it_was_received(server):
    (delivery,) = told("a@example.com")
    deliver()
    delivery.refresh_from_db()
    (taken,) = server.taken
    assert delivery.mail_sha256 == sha256(taken.content).hexdigest()
    with pytest.raises(IntegrityError, match="notices_delivery_is_only_added_to"), transaction.atomic():
        Delivery.objects.update(mail_sha256="0" * 64)


@pytest.mark.parametrize(
    ("fault", "trouble", "said"),
    [
        (Fault.CLOSING, FailureReason.POSTPONED, "421 4.3.2 Going down"),
        (Fault.LATER, FailureReason.POSTPONED, "451 4.7.1 Greylisted"),
        (Fault.LATER_AFTER_THE_DOT, FailureReason.POSTPONED, "451 4.3.0 Try again later"),
        (Fault.CUT_BEFORE, FailureReason.CUT_OFF, "Connection unexpectedly closed"),
        (Fault.CUT_WITHIN, FailureReason.CUT_OFF, ""),
    ],
)
def test_what_was_certainly_not_taken_is_tried_again_after_a_pause(server, fault, trouble, said):
    server.plan = after(fault)
    (delivery,) = told("a@example.com")
    deliver()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.trouble, delivery.handed_over_at) == (Status.PENDING, trouble, None)
    assert delivery.last_error.startswith(said)
    assert delivery.next_attempt_at == NOW + timedelta(minutes=1)
    assert not server.taken
    deliver(NOW + timedelta(seconds=59))
    assert server.attempts["a@example.com"] == 1
    deliver(NOW + timedelta(seconds=60))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts, delivery.trouble, len(server.taken)) == (Status.SENT, 2, "", 1)


@pytest.mark.parametrize(
    ("fault", "trouble"),
    [(Fault.NEVER, FailureReason.NO_SUCH_ADDRESS), (Fault.NEVER_AFTER_THE_DOT, FailureReason.BLOCKED)],
)
def test_what_is_refused_for_good_fails_at_once_and_the_next_is_told(server, fault, trouble):
    server.plan = lambda address, _attempt: fault if address == "a@example.com" else None
    first, second = told("a@example.com", "b@example.com")
    deliver()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.trouble, first.attempts) == (Status.FAILED, trouble, 1)
    assert second.status == Status.SENT
    assert server.connections == 1


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER_TAKEN, Fault.CUT_AFTER_LOST])
def test_what_got_no_answer_after_the_dot_is_unknown_and_the_machine_leaves_it_alone(server, fault):
    server.plan = after(fault)
    (delivery,) = told("a@example.com")
    deliver()
    for days in range(5):
        deliver(NOW + timedelta(days=days))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.trouble) == (Status.UNKNOWN, FailureReason.UNANSWERED)
    assert delivery.handed_over_at == NOW
    assert server.attempts["a@example.com"] == 1


def test_a_line_that_never_answers_the_dot_is_not_given_everything(server):
    server.plan = lambda _address, _attempt: Fault.CUT_AFTER_LOST
    told(*(f"{letter}@example.com" for letter in "abcdef"))
    deliver()
    statuses = list(Delivery.objects.order_by("id").values_list("status", flat=True))
    assert statuses == ["unknown"] * MOST_UNANSWERED_IN_A_ROW + ["pending"] * 3


def test_it_is_given_up_after_a_day_and_a_half(server):
    server.plan = lambda _address, _attempt: Fault.LATER
    (delivery,) = told("a@example.com")
    now = NOW
    while delivery.status == Status.PENDING:
        deliver(now := delivery.next_attempt_at)
        delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == (Status.FAILED, MOST_ATTEMPTS)
    assert timedelta(hours=24) < now - NOW < timedelta(hours=48)


def test_a_mail_server_that_is_not_there_costs_all_one_attempt(server, settings):
    settings.EMAIL_PORT = 1
    told("a@example.com", "b@example.com")
    deliver()
    assert list(Delivery.objects.values_list("status", "attempts", "trouble")) == [("pending", 1, "unreachable")] * 2
    settings.EMAIL_PORT = server.port
    deliver(NOW + timedelta(minutes=1))
    assert len(server.taken) == 2


def test_an_address_that_no_envelope_takes_fails_and_stops_nobody_else(server):
    told("ä@example.com", "b@bücher.example")
    deliver()
    assert list(Delivery.objects.order_by("id").values_list("status", "trouble")) == [
        ("failed", "unwritable"),
        ("sent", ""),
    ]
    assert [taken.recipient for taken in server.taken] == ["b@xn--bcher-kva.example"]


def test_two_hands_never_hold_the_same(server):
    ids = [delivery.pk for delivery in told("a@example.com", "b@example.com")]
    with DeliveryRun(lambda: NOW, ids) as first, DeliveryRun(lambda: NOW, ids) as second:
        assert (len(first.claimed), len(second.claimed)) == (2, 0)


def test_what_lies_in_a_dead_hand_goes_out_when_nobody_has_it(server):
    (delivery,) = told("a@example.com")
    DeliveryRun(lambda: NOW, [delivery.pk])
    deliver(NOW + LEASE)
    assert not server.taken
    deliver(NOW + LEASE + timedelta(seconds=1))
    assert len(server.taken) == 1


def test_what_a_dead_hand_was_handing_over_is_unknown(server):
    (delivery,) = told("a@example.com")
    hand = DeliveryRun(lambda: NOW, [delivery.pk])
    assert hand._mark_handed_over(delivery, None)
    deliver(NOW + timedelta(hours=1))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.trouble) == (Status.UNKNOWN, FailureReason.INTERRUPTED)
    assert not server.taken


def test_a_hand_that_lost_its_lease_sends_nothing_more(server):
    (delivery,) = told("a@example.com")
    with DeliveryRun(lambda: NOW, [delivery.pk]) as slow:
        deliver(NOW + timedelta(hours=1))
        assert len(server.taken) == 1
        assert not slow._mark_handed_over(delivery, None)
    delivery.refresh_from_db()
    assert delivery.status == Status.SENT


def test_a_late_answer_still_counts(server):
    (delivery,) = told("a@example.com")
    with DeliveryRun(lambda: NOW, [delivery.pk]) as slow:
        slow._mark_handed_over(delivery, None)
        release_lapsed(now=NOW + timedelta(hours=1))
        delivery.refresh_from_db()
        assert delivery.status == Status.UNKNOWN
        slow.accepted = delivery, NOW
    delivery.refresh_from_db()
    assert (delivery.status, delivery.trouble) == (Status.SENT, "")


def test_mail_sent_again_by_a_person_is_the_same_mail(server):
    server.plan = after(Fault.CUT_AFTER_TAKEN)
    delivery, _other = told("a@example.com", "b@example.com")
    deliver()
    send_again(actor=SYSTEM, delivery=delivery, reason="They say that nothing came", now=NOW + timedelta(hours=1))
    deliver(NOW + timedelta(hours=1))
    first, again = (taken for taken in server.taken if taken.recipient == "a@example.com")
    assert first.content == again.content
    (other,) = (taken for taken in server.taken if taken.recipient == "b@example.com")
    for header in ("Message-ID", "X-Notice-Id"):
        assert first.message[header] != other.message[header]
    delivery.refresh_from_db()
    assert (delivery.status, delivery.resolved_by) == (Status.SENT, "test")
    assert entries_about(delivery).get().reason == "They say that nothing came"


def test_a_person_confirms_what_arrived_and_only_what_is_open(server):
    server.plan = after(Fault.CUT_AFTER_TAKEN)
    (delivery,) = told("a@example.com")
    deliver()
    confirm_delivery(actor=SYSTEM, delivery=delivery, reason="They told us", now=NOW + timedelta(hours=1))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.sent_at, delivery.resolved_at) == (Status.SENT, NOW, NOW + timedelta(hours=1))
    for decide in (confirm_delivery, send_again):
        with pytest.raises(NotOpen):
            decide(actor=SYSTEM, delivery=delivery, reason="", now=NOW)


@examples(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=st.lists(st.lists(st.sampled_from([*Fault, None]), max_size=5), min_size=1, max_size=5))
def test_whatever_goes_wrong_the_machine_brings_a_message_at_most_once(server, plans):
    run = next(customers)
    by_address = {f"r{run}-{number}@example.com": plan for number, plan in enumerate(plans)}
    server.forget(lambda address, attempt: dict(enumerate(by_address[address], 1)).get(attempt))
    deliveries = Delivery.objects.filter(pk__in=[delivery.pk for delivery in told(*by_address)])
    now = NOW
    while open_ones := deliveries.filter(status=Status.PENDING):
        deliver(now := max(now, open_ones.earliest("next_attempt_at").next_attempt_at))
    for delivery in deliveries:
        taken = sum(message.recipient == delivery.email for message in server.taken)
        assert taken in {Status.SENT: {1}, Status.FAILED: {0}, Status.UNKNOWN: {0, 1}}[delivery.status]


@pytest.mark.parametrize("backend", ["console", "filebased", "locmem"])
def test_any_mail_backend_of_djangos_works(settings, tmp_path, backend, capsys):
    settings.EMAIL_BACKEND = f"django.core.mail.backends.{backend}.EmailBackend"
    settings.EMAIL_FILE_PATH = str(tmp_path)
    (delivery,) = told("a@example.com")
    deliver(datetime.now(UTC))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.attempts) == (Status.SENT, 1)


def test_a_backend_that_fails_leaves_it_unknown(settings, tmp_path):
    settings.EMAIL_BACKEND = "tests.support.mail_server.FailingBackend"
    (delivery,) = told("a@example.com")
    deliver()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.last_error) == (Status.UNKNOWN, "Gateway timeout")
