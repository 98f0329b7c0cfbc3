"""Who signs in is in the audit log at once; who fails to is counted, and summed up for each account and hour."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from time_machine import travel

from sla_portal.audit.models import Entry
from sla_portal.staff import operations
from sla_portal.staff.models import FailedSignIns
from sla_portal.staff.operations import count_failed_sign_in, sum_up_failed_sign_ins
from tests.support.builders import at
from tests.support.desk import PASSWORD, a_member, signed_in, text_of
from tests.support.races import at_once

pytestmark = pytest.mark.django_db

NOW = at("2026-09-20 12:34")
LOGIN = "/admin/login/"


def attempt(name: str, password: str = "a wrong guess", **request):
    return Client().post(LOGIN, {"username": name, "password": password}, **request)


def counts() -> list[tuple]:
    return list(FailedSignIns.objects.order_by("pk").values_list("user__username", "failures", "locked_out"))


def test_a_sign_in_is_in_the_audit_log():
    noc = a_member("NOC")
    with travel(NOW, tick=False):
        assert attempt("noc", PASSWORD).status_code == 302
    entry = Entry.objects.get()
    assert (entry.actor, entry.action, entry.subject, entry.at) == (noc, "signed in", "noc", NOW)
    assert counts() == []


def test_a_failed_sign_in_is_counted_and_adds_nothing_to_the_log():
    a_member("NOC")
    with travel(NOW, tick=False):
        for name in ("noc", "noc", "nobody", "somebody else", "n" * 1000, "nul\0", ""):
            assert attempt(name).status_code == 200
    assert not Entry.objects.exists()
    assert counts() == [("noc", 2, 0), (None, 5, 0)]
    assert "nobody" not in str(FailedSignIns.objects.values())


def test_a_lock_out_is_counted(settings):
    settings.AXES_ENABLED = True
    a_member("NOC")
    with travel(NOW, tick=False):
        answers = [attempt("noc").status_code for _ in range(12)]
        assert attempt("noc", PASSWORD).status_code == 429
        for _ in range(12):
            attempt("nobody")
    assert answers == [200] * 9 + [429] * 3
    assert counts() == [("noc", 13, 4), (None, 12, 3)]
    # The account's lock-out is in the log at once, and once in the hour.
    entry = Entry.objects.get(action="locked out")
    assert (entry.subject, entry.at, entry.changes) == ("noc", NOW, {"hour": [None, "2026-09-20T12:00:00Z"]})
    assert Entry.objects.count() == 1
    for hours in (0, 1, 1):
        count_failed_sign_in(name="noc", locked_out=True, now=NOW + timedelta(hours=hours))
    assert Entry.objects.count() == 2


def test_failures_are_summed_up_for_each_account_and_hour():
    noc, legal = a_member("NOC"), a_member("Legal")
    for hour, name, locked_out in [
        (0, "noc", False),
        (0, "noc", True),
        (0, "legal", False),
        (1, "noc", False),
        (0, "x", False),
    ]:
        count_failed_sign_in(name=name, locked_out=locked_out, now=NOW + timedelta(hours=hour))
    assert sum_up_failed_sign_ins(now=at("2026-09-20 13:04:59")) == 0
    assert sum_up_failed_sign_ins(now=at("2026-09-20 13:05")) == 2
    assert sum_up_failed_sign_ins(now=at("2026-09-20 13:05")) == 0
    assert sum_up_failed_sign_ins(now=at("2026-09-20 14:05")) == 1
    summed = list(
        Entry.objects.filter(action="failed to sign in").order_by("pk").values_list("subject_id", "action", "changes")
    )
    hour = "2026-09-20T12:00:00Z"
    assert summed[:2] == [
        (str(noc.pk), "failed to sign in", {"hour": [None, hour], "failures": [None, 2], "locked_out": [None, 1]}),
        (str(legal.pk), "failed to sign in", {"hour": [None, hour], "failures": [None, 1], "locked_out": [None, 0]}),
    ]
    assert summed[2][2]["failures"] == [None, 1]


def test_from_outside_the_log_grows_by_one_entry_an_account_and_hour_whatever_is_tried():
    a_member("NOC")
    for number in range(200):
        count_failed_sign_in(name=("noc", f"guess {number}")[number % 2], locked_out=number > 20, now=NOW)
    assert Entry.objects.count() == 1
    sum_up_failed_sign_ins(now=NOW + timedelta(hours=2))
    assert Entry.objects.count() == 2
    assert FailedSignIns.objects.count() == 2


def test_counts_are_kept_for_ninety_days():
    count_failed_sign_in(name="x", locked_out=False, now=NOW)
    sum_up_failed_sign_ins(now=NOW + timedelta(days=89))
    assert FailedSignIns.objects.exists()
    sum_up_failed_sign_ins(now=NOW + timedelta(days=91))
    assert not FailedSignIns.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_attempts_at_the_same_moment_are_all_counted():
    a_member("NOC")
    at_once(*[lambda: count_failed_sign_in(name="noc", locked_out=False, now=NOW)] * 6)
    at_once(*[lambda: count_failed_sign_in(name="x", locked_out=True, now=NOW)] * 6)
    assert counts() == [("noc", 6, 0), (None, 6, 6)]
    at_once(*[lambda: count_failed_sign_in(name="noc", locked_out=True, now=NOW)] * 6)
    assert Entry.objects.filter(action="locked out").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_sum_up_once():
    a_member("NOC")
    count_failed_sign_in(name="noc", locked_out=False, now=NOW)
    assert sorted(at_once(*[lambda: sum_up_failed_sign_ins(now=NOW + timedelta(hours=2))] * 4)) == [0, 0, 0, 1]
    assert Entry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
def test_without_the_lock_two_workers_sum_up_twice(monkeypatch):
    a_member("NOC")
    count_failed_sign_in(name="noc", locked_out=False, now=NOW)
    monkeypatch.setattr(operations, "lock_chain", lambda: None)
    at_once(*[lambda: sum_up_failed_sign_ins(now=NOW + timedelta(hours=2))] * 4)
    assert Entry.objects.count() > 1


def test_an_administrator_sees_the_counts_and_others_do_not():
    a_member("NOC")
    count_failed_sign_in(name="noc", locked_out=False, now=NOW)
    count_failed_sign_in(name="guess", locked_out=False, now=NOW)
    url = reverse("admin:staff_failedsignins_changelist")
    page = text_of(signed_in(a_member("Administrator")).get(url))
    assert "unknown names" in page
    assert "guess" not in page
    assert signed_in(User.objects.get(username="noc")).get(url).status_code == 403


def test_ones_own_password_is_in_the_log_when_it_is_changed():
    desk = signed_in(a_member("NOC"))
    url = reverse("admin:password_change")
    new = "another desk of one's own"
    refused = desk.post(url, {"old_password": "wrong", "new_password1": new, "new_password2": new})
    assert (refused.status_code, Entry.objects.count()) == (200, 0)
    assert desk.post(url, {"old_password": PASSWORD, "new_password1": new, "new_password2": new}).status_code == 302
    entry = Entry.objects.get()
    assert (entry.actor_name, entry.action, entry.subject) == ("NOC", "set the password of", "noc")
    assert entry.changes == {"password": [None, "new value set"]}
    assert User.objects.get(username="noc").check_password(new)


def test_the_commands_that_set_passwords_are_in_the_log(monkeypatch):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "right horse battery")
    call_command("createsuperuser", "--noinput", username="root", email="root@example.com", stdout=StringIO())
    monkeypatch.setattr("getpass.getpass", lambda **_: "another horse battery")
    call_command("changepassword", "root", stdout=StringIO())
    entries = Entry.objects.order_by("pk").values_list("actor_name", "action", "subject", "changes")
    assert list(entries) == [
        ("createsuperuser", "hired", "root", {"role": [None, "superuser"]}),
        ("changepassword", "set the password of", "root", {"password": [None, "new value set"]}),
    ]
    assert User.objects.get(username="root").check_password("another horse battery")


def test_recent_activity_leaves_sign_ins_out():
    with travel(timezone.now(), tick=False):
        a_member("Auditor")
        attempt("auditor", PASSWORD)
    page = text_of(signed_in(User.objects.get(username="auditor")).get(reverse("admin:index")))
    assert "signed in" not in page
    assert "The audit log is empty" in page
