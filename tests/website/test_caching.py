"""What is public is computed by one and read by all; the twin without the lock shows what that prevents."""

import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.conf import settings

from sla_portal.website import caching as house
from sla_portal.website.caching import FRESH, cached, only_one
from sla_portal.website.reader import finished
from tests.support.builders import at

pytestmark = pytest.mark.both

NOW = at("2026-11-22 10:00")
LATER = NOW + FRESH + timedelta(seconds=1)
READERS = 24


class Counted:
    """A computation that takes its time and counts how often it is done."""

    def __init__(self) -> None:
        self.times = 0
        self._lock = threading.Lock()

    def __call__(self) -> str:
        with self._lock:
            self.times += 1
            number = self.times
        time.sleep(0.3)
        return f"value {number}"


def read_by_many(name: str, compute: Counted, now) -> list[tuple[str, float]]:
    """What each of many readers at once gets, and how long it waited."""
    answers, start = [], threading.Barrier(READERS)

    def read() -> None:
        start.wait()
        begun = time.monotonic()
        answers.append((cached(name, compute, now).value, time.monotonic() - begun))

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return answers


def test_where_nothing_is_kept_one_computes_and_all_wait_for_it():
    compute = Counted()
    assert {value for value, _ in read_by_many("new", compute, NOW)} == {"value 1"}
    assert compute.times == 1


def test_where_the_kept_value_is_stale_one_computes_and_the_others_get_the_stale_one_at_once():
    compute = Counted()
    cached("stale", compute, NOW)
    answers = read_by_many("stale", compute, LATER)
    assert compute.times == 2
    assert sorted(value for value, _ in answers) == ["value 1"] * (READERS - 1) + ["value 2"]
    assert max(waited for value, waited in answers if value == "value 1") < 0.3


def test_the_twin_without_the_lock_computes_again_and_again(monkeypatch):
    @contextmanager
    def everyone(_name, *, wait):
        yield True

    monkeypatch.setattr(house, "only_one", everyone)
    compute = Counted()
    read_by_many("new", compute, NOW)
    assert compute.times > 1


def test_one_computes_among_processes_too(tmp_path):
    program = f"""
import sys, time
from pathlib import Path
from types import SimpleNamespace
from sla_portal.website import caching as house
house.settings = SimpleNamespace(VAR_DIR=Path({str(settings.VAR_DIR)!r}))
with house.only_one("shared", wait=False) as mine:
    print("mine" if mine else "another's", flush=True)
    sys.stdin.read()
"""
    run = [sys.executable, "-c", program]
    with subprocess.Popen(
        run, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=settings.BASE_DIR
    ) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "mine\n"
        with only_one("shared", wait=False) as mine:
            assert not mine
        # The lock is gone the moment its holder is.
        first.kill()
        first.wait()
        with only_one("shared", wait=False) as mine:
            assert mine


def test_a_fresh_value_is_not_computed_again():
    compute = Counted()
    cached("fresh", compute, NOW)
    cached("fresh", compute, NOW + FRESH - timedelta(seconds=1))
    assert compute.times == 1


def test_equal_values_are_the_same_since_they_first_were():
    first = cached("same", lambda: ("a", 1), NOW)
    again = cached("same", lambda: ("a", 1), LATER)
    other = cached("same", lambda: ("a", 2), LATER + FRESH * 2)
    assert (again.mark, again.changed_at, again.computed_at) == (first.mark, NOW, LATER)
    assert (other.mark != first.mark, other.changed_at) == (True, LATER + FRESH * 2)


def test_what_does_not_exist_is_not_kept_and_what_exists_no_more_is_forgotten():
    assert cached("gone", lambda: None, NOW).value is None
    assert cached("gone", lambda: "here", NOW).value == "here"
    assert cached("gone", lambda: None, LATER).value is None
    assert cached("gone", lambda: "back", LATER).value == "back"


def test_a_failure_is_not_kept_and_the_next_reader_tries_again():
    def fail() -> str:
        raise OSError("The database is away.")

    with pytest.raises(OSError, match="away"):
        cached("failing", fail, NOW)
    assert cached("failing", lambda: "back", NOW).value == "back"


def made_by_many(follows_from: str, make: Counted) -> list[tuple[bytes, float]]:
    """What each of many readers at once gets of a page, and how long it waited."""
    answers, start = [], threading.Barrier(READERS)

    def read() -> None:
        start.wait()
        begun = time.monotonic()
        body = finished(("page", id(make)), (follows_from,), lambda: make().encode())
        answers.append((body, time.monotonic() - begun))

    readers = [threading.Thread(target=read) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    return answers


def test_a_page_is_made_once_and_made_anew_by_one_while_the_others_read_it_as_it_was():
    make = Counted()
    assert {body for body, _ in made_by_many("these facts", make)} == {b"value 1"}
    answers = made_by_many("other facts", make)
    assert sorted(body for body, _ in answers) == [b"value 1"] * (READERS - 1) + [b"value 2"]
    assert max(waited for body, waited in answers if body == b"value 1") < 0.3
    assert {body for body, _ in made_by_many("other facts", make)} == {b"value 2"}
    assert make.times == 2
