"""Deliveries by real processes: a worker that is killed, and two that want the same rows."""

import os
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.conf import settings as portal
from django.utils import timezone

from sla_portal.audit.actors import Actor
from sla_portal.customers.models import Contact
from sla_portal.notices.models import Delivery
from sla_portal.notices.operations import give_notice
from sla_portal.notices.tasks import deliver_due_notices
from tests.conftest import database_url
from tests.support.builders import a_customer, a_region
from tests.support.mail_server import MailServer, mail_server

from .test_delivery import WORDS


@pytest.fixture
def server(monkeypatch):
    with mail_server() as server:
        # Before the worker starts, which reads it.
        monkeypatch.setenv("EMAIL_URL", server.url)
        yield server


def told(number: int) -> list[int]:
    customer = a_customer(a_region())
    Contact.objects.bulk_create([Contact(customer=customer, email=f"a{n}@example.com") for n in range(number)])
    notice = give_notice(
        actor=Actor.system("test"), kind="maintenance", about="MW-1", wordings=WORDS,
        audience=customer.contacts.all(), public=True, now=timezone.now(),
    )  # fmt: skip
    return list(notice.deliveries.values_list("pk", flat=True))


def copies(server: MailServer) -> Counter:
    return Counter(taken.recipient for taken in list(server.taken))


def all_are(status: str) -> bool:
    return not Delivery.objects.exclude(status=status).exists()


def test_a_worker_tells_everyone_once(server, worker):
    told(150)
    deliver_due_notices.delay()
    deliver_due_notices.delay()
    worker.wait_until(lambda: all_are("sent"))
    assert set(copies(server).values()) == {1}
    assert len(copies(server)) == 150


def test_what_a_killed_worker_left_is_told_by_the_next_and_nothing_twice(server, worker):
    told(150)
    deliver_due_notices.delay()
    worker.wait_until(lambda: len(server.taken) >= 20)
    worker.kill()
    worker.start()
    # Its lease would end in a minute.
    Delivery.objects.filter(status="sending").update(leased_until=timezone.now() - timedelta(seconds=1))
    deliver_due_notices.delay()
    worker.wait_until(lambda: not Delivery.objects.filter(status__in=["pending", "sending"]).exists())
    assert Delivery.objects.filter(status="unknown").count() <= 1
    assert set(copies(server).values()) == {1}
    assert len(copies(server)) >= 149


@pytest.fixture
def two_a_second(monkeypatch):
    # Before the worker starts, which reads it.
    monkeypatch.setenv("MAILS_PER_MINUTE", "120")


def test_a_worker_comes_back_for_what_the_limit_held_and_keeps_to_it(server, two_a_second, worker):
    told(12)
    deliver_due_notices.delay()
    worker.wait_until(lambda: all_are("sent"))
    moments = sorted(Delivery.objects.values_list("sent_at", flat=True))
    # Four at once, the others half a second and a little each.
    assert timedelta(seconds=3) < moments[-1] - moments[0] < timedelta(seconds=30)
    assert set(copies(server).values()) == {1}


def race(server: MailServer, how: str) -> Counter:
    """Two processes at the same rows."""
    rows = [str(pk) for pk in told(60)]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "sla_portal.settings",
        "DATABASE_URL": database_url(),
        "SECRET_KEY": portal.SECRET_KEY,
    }
    command = [sys.executable, "-m", "tests.drill.support.delivery_runs", how, str(time.time() + 4), *rows]
    runs = [subprocess.Popen(command, env=environment, cwd=portal.BASE_DIR) for _ in range(2)]
    assert [run.wait(timeout=60) for run in runs] == [0, 0]
    assert all_are("sent")
    return copies(server)


def test_two_processes_at_the_same_rows_tell_everyone_once(server, transactional_db):
    assert sorted(race(server, "claiming").values()) == [1] * 60


def test_without_a_claim_two_processes_tell_somebody_twice(server, transactional_db):
    assert max(race(server, "unclaimed").values()) == 2
