"""The folder queue of `make run`: what cannot be read is put aside, and nothing is seen half written.

The twin is kombu's own transport, kombu 5.7.0, kombu/transport/filesystem.py: `_put` creates the file before it fills it,
and `_get` and `get_table` let what they cannot parse rise.
"""

import json
import logging
import os
import shutil
import stat
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty

import pytest
from celery.contrib.testing.worker import start_worker
from django.conf import settings
from django.core.cache import cache
from kombu import Connection, Queue
from kombu.transport import filesystem

from sla_portal import folder_queue
from sla_portal.celery import app
from sla_portal.health import LAST_BEAT, note_beat
from tests.support.messages import a_message, unreadable, with_other, without

pytestmark = pytest.mark.sqlite

OURS, STOCK = folder_queue.Transport, filesystem.Transport


@dataclass(frozen=True)
class Folders:
    root: Path

    @property
    def waiting(self):
        return sorted((self.root / "queue").iterdir())

    @property
    def unreadable(self):
        return sorted((self.root / "unreadable").iterdir())

    @property
    def table(self):
        return self.root / "control" / "tasks.exchange"

    def connect(self, transport=OURS):
        return Connection(
            "filesystem://localhost",
            transport=transport,
            transport_options={
                "data_folder_in": self.root / "queue",
                "data_folder_out": self.root / "queue",
                "control_folder": self.root / "control",
                "unreadable_folder": self.root / "unreadable",
            },
        )

    def send(self, *bodies, transport=OURS):
        queue = Queue("tasks", exchange="tasks", routing_key="tasks")
        with self.connect(transport) as connection:
            for body in bodies:
                connection.Producer().publish(body, exchange=queue.exchange, routing_key="tasks", declare=[queue])

    def receive(self, transport=OURS):
        """The bodies of all that waits, as a consumer gets them."""
        received = []

        def take(body, message):
            message.ack()
            received.append(body)

        with (
            self.connect(transport) as connection,
            connection.Consumer(Queue("tasks"), callbacks=[take]),
            suppress(TimeoutError),
        ):
            while True:
                connection.drain_events(timeout=0.01)
        return received

    def put(self, content, name="1_first.tasks.msg"):
        """Lay a file into the queue, before all that is sent."""
        (self.root / "queue" / name).write_bytes(content)


@pytest.fixture
def folders(tmp_path):
    for name in ("queue", "control", "unreadable"):
        (tmp_path / name).mkdir()
    for transport in (OURS, STOCK):
        transport.global_state.clear()  # what a process remembers of its bindings
    return Folders(tmp_path)


KINDS = list(unreadable(a_message()))


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_read_is_put_aside_and_named_and_the_next_message_is_taken(kind, folders, caplog):
    content = unreadable(a_message())[kind]
    folders.put(content)
    folders.send("the next")
    assert folders.receive() == ["the next"]
    (aside,) = folders.unreadable
    assert (aside.name, aside.read_bytes()) == ("1_first.tasks.msg", content)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert str(aside) in caplog.text


@pytest.mark.parametrize("kind", KINDS)
def test_the_stock_transport_ends_its_consumer_there(kind, folders):
    folders.put(unreadable(a_message())[kind])
    with pytest.raises((ValueError, TypeError, KeyError, AttributeError, RecursionError)):
        folders.receive(STOCK)


def test_what_lacks_its_delivery_information_is_put_aside(folders):
    """It could not be put back, where nobody acknowledges it."""
    folders.put(without(a_message(), "properties", "delivery_info"))
    assert folders.receive() == []
    assert len(folders.unreadable) == 1


def test_what_the_receiver_cannot_make_sense_of_is_put_aside_and_does_not_come_back(folders):
    def take(body, message):
        if body == "nonsense":
            raise KeyError("id")
        message.ack()

    folders.send("nonsense", "sense")
    with folders.connect() as connection, connection.Consumer(Queue("tasks"), callbacks=[take], prefetch_count=1):
        for _message in range(2):
            connection.drain_events(timeout=1)
    assert folders.waiting == []
    (aside,) = folders.unreadable
    assert aside.name.endswith(".tasks.msg")
    assert json.loads(aside.read_bytes())["properties"]["delivery_info"]["routing_key"] == "tasks"


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda file: file.symlink_to("nowhere")])
def test_what_is_no_file_is_put_aside(make, folders):
    make(folders.root / "queue" / "1_first.tasks.msg")
    folders.send("the next")
    assert folders.receive() == ["the next"]
    assert [aside.name for aside in folders.unreadable] == ["1_first.tasks.msg"]


def test_what_is_too_large_for_the_memory_is_put_aside_unread(folders):
    with (folders.root / "queue" / "1_first.tasks.msg").open("wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    folders.send("the next")
    assert folders.receive() == ["the next"]
    assert [aside.name for aside in folders.unreadable] == ["1_first.tasks.msg"]


def test_a_folder_for_it_that_was_removed_is_made_again(folders):
    (folders.root / "unreadable").rmdir()
    folders.put(b"")
    assert folders.receive() == []
    assert len(folders.unreadable) == 1


@contextmanager
def unprivileged():
    """Folders of a user who may not read everything, which root may."""
    nobody = 65534 if os.geteuid() == 0 else os.geteuid()
    with tempfile.TemporaryDirectory() as name:
        for folder in (Path(name), *(Path(name, part) for part in ("queue", "control", "unreadable"))):
            folder.mkdir(exist_ok=True)
            shutil.chown(folder, nobody)
        os.seteuid(nobody)
        try:
            yield Folders(Path(name))
        finally:
            os.seteuid(os.getuid())


def test_what_may_not_be_read_is_put_aside():
    with unprivileged() as folders:
        folders.put(b"secret")
        (folders.root / "queue" / "1_first.tasks.msg").chmod(0)
        folders.send("the next")
        assert folders.receive() == ["the next"]
        assert [aside.name for aside in folders.unreadable] == ["1_first.tasks.msg"]


def test_what_cannot_even_be_moved_is_said_once_and_passed_over(caplog):
    with unprivileged() as folders:
        stuck = folders.root / "queue" / "1_first.tasks.msg"
        stuck.mkdir()
        stuck.chmod(0)  # a folder that is moved is written to: it has another parent
        folders.send("the next", "and the next")
        assert folders.receive() == ["the next", "and the next"]
        stuck.chmod(stat.S_IRWXU)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert str(stuck) in caplog.text


def test_a_bounded_number_of_files_is_kept_aside_and_none_for_ever(folders):
    old = folders.root / "unreadable" / "from long ago"
    old.write_bytes(b"")
    os.utime(old, (0, time.time() - folder_queue.LONGEST_KEPT_SECONDS - 60))
    for number in range(folder_queue.MOST_KEPT + 20):
        folders.put(b"", name=f"{number:03}_x.tasks.msg")
    assert folders.receive() == []
    kept = [aside.name for aside in folders.unreadable]
    assert kept == [f"{number:03}_x.tasks.msg" for number in range(20, folder_queue.MOST_KEPT + 20)]


class LookedAtMeanwhile:
    """A value during whose writing somebody reads the queue."""

    def __init__(self, look):
        self.look, self.seen = look, None

    def __json__(self):
        self.seen = self.look()
        return "whole"


def message_with(value):
    properties = {"delivery_tag": "1", "delivery_info": {"exchange": "", "routing_key": "tasks"}}
    return {"body": value, "properties": properties, "headers": {}}


def looked_at_while_it_is_written(folders, transport):
    with folders.connect(transport) as connection:
        channel = connection.default_channel

        def look():
            try:
                return channel._get("tasks")
            except Empty:
                return "nothing yet"

        value = LookedAtMeanwhile(look)
        channel._put("tasks", message_with(value))
        return value.seen, channel._get("tasks")["body"]


def test_nobody_sees_a_message_that_is_only_being_written(folders):
    assert looked_at_while_it_is_written(folders, OURS) == ("nothing yet", "whole")


def test_the_stock_transport_shows_it_empty(folders):
    with pytest.raises(ValueError, match="Expecting value: line 1 column 1"):
        looked_at_while_it_is_written(folders, STOCK)


def test_many_writers_and_readers_see_each_message_whole_and_once(folders):
    """Messages of 300 kB: writing one takes more than one look of a reader."""
    each, taken, running = 60, [], threading.Event()
    running.set()

    def write(writer):
        with folders.connect() as connection:
            for number in range(each):
                connection.default_channel._put("tasks", message_with(f"{writer}-{number}-" + "x" * 300_000))

    def read():
        with folders.connect() as connection:
            while running.is_set() or folders.waiting:
                with suppress(Empty):
                    taken.append(connection.default_channel._get("tasks")["body"].rstrip("x"))

    readers = [threading.Thread(target=read) for _ in range(2)]
    writers = [threading.Thread(target=write, args=[writer]) for writer in range(2)]
    for thread in [*readers, *writers]:
        thread.start()
    for thread in writers:
        thread.join()
    running.clear()
    for thread in readers:
        thread.join()
    assert sorted(taken) == sorted(f"{writer}-{number}-" for writer in range(2) for number in range(each))
    assert folders.unreadable == []


def test_what_a_killed_writer_left_is_put_aside_in_time(folders):
    folders.put(b"{", name="1_x.tasks.msg.new")
    assert folders.receive() == []
    assert len(folders.waiting) == 1  # its writer may be at it
    os.utime(folders.waiting[0], (0, time.time() - folder_queue.DRAFT_IS_STALE_SECONDS - 60))
    assert folders.receive() == []
    assert (len(folders.waiting), len(folders.unreadable)) == (0, 1)


def test_a_full_disk_leaves_nothing_of_a_message(folders):
    shutil.rmtree(folders.root / "queue")
    with folders.connect() as connection, pytest.raises(connection.channel_errors, match="Cannot write"):
        connection.default_channel._put("tasks", message_with("never"))


TABLES = [b"", b'[["tasks", "", ', b"\xff\xfe", b"{}5", b"7", b'[["tasks"]]', b"[[1, 2, 3]]", b'["abc", 5]']


@pytest.mark.parametrize("content", TABLES)
def test_an_unreadable_table_of_an_exchange_is_put_aside_and_made_anew(content, folders, caplog):
    folders.table.write_bytes(content)
    folders.send("on its way")
    assert folders.receive() == ["on its way"]
    assert json.loads(folders.table.read_bytes()) == [["tasks", "", "tasks"]]
    (aside,) = folders.unreadable
    assert (aside.name, aside.read_bytes()) == ("tasks.exchange", content)
    assert str(aside) in caplog.text


@pytest.mark.parametrize("content", TABLES[:4])
def test_the_stock_transport_cannot_send_then(content, folders):
    folders.table.write_bytes(content)
    with pytest.raises(ValueError):
        folders.send("on its way", transport=STOCK)


def test_a_table_lost_while_the_process_runs_keeps_nothing_from_its_way(folders):
    queue = Queue("tasks", exchange="tasks", routing_key="tasks")
    with folders.connect() as connection:
        producer = connection.Producer()
        for content in [None, *TABLES]:
            producer.publish("on its way", exchange=queue.exchange, routing_key="tasks", declare=[queue])
            if content is None:
                folders.table.unlink()
            else:
                folders.table.write_bytes(content)
    assert folders.receive() == ["on its way"] * (1 + len(TABLES))


def test_processes_that_bind_at_once_lose_none_of_each_other(folders):
    with folders.connect() as connection:
        channel = connection.default_channel
        threads = [
            threading.Thread(target=channel._queue_bind, args=["tasks", f"key {number}", None, f"queue {number}"])
            for number in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {row.queue for row in channel.get_table("tasks")} >= {f"queue {number}" for number in range(40)}
        channel._delete("queue 7", "tasks", "key 7", None)
        assert "queue 7" not in {row.queue for row in channel.get_table("tasks")}


# With a worker of the portal


def places(part, path=()):
    for key, value in part.items():
        yield (*path, key)
        if isinstance(value, dict):
            yield from places(value, (*path, key))


def mutilated(message):
    """The message with each of its parts left out, and with something else in its place."""
    for path in places(message):
        yield without(message, *path)
        for other in (None, 5, "", "x", [], [1], {}, {"a": 1}, True):
            yield with_other(message, other, *path)


def lay(contents):
    """Lay files into the queue of the portal; return that folder."""
    queue = settings.BROKER_DIR / "queue"
    for number, content in enumerate(contents):
        (queue / f"{number:05}.{app.conf.task_default_queue}.msg").write_bytes(content)
    return queue


def a_task():
    """A message that asks for a task, taken out of the queue again."""
    app.control.purge()
    note_beat.delay()
    (file,) = (settings.BROKER_DIR / "queue").glob("*.msg")
    message = json.loads(file.read_bytes())
    file.unlink()
    return message


def test_no_message_however_mutilated_ends_a_consumer_of_celery():
    contents = [*mutilated(a_task()), with_other(a_task(), [1], "headers", "timelimit")]
    queue = lay(contents)
    assert len(contents) > 300
    with start_worker(app, pool="solo", perform_ping_check=False):
        deadline = time.monotonic() + 60
        while list(queue.glob("*.msg")):
            assert time.monotonic() < deadline, "The consumer does not go on."
            time.sleep(0.05)


def test_a_worker_goes_on_after_all_that_it_cannot_read_or_does_not_know(worker):
    sample = a_task()
    queue = lay([*unreadable(sample).values(), with_other(sample, "no.such.task", "headers", "task")])
    cache.delete(LAST_BEAT)
    note_beat.delay()
    worker.wait_until(lambda: cache.get(LAST_BEAT))
    assert list(queue.iterdir()) == []
    assert b"Received unregistered task of type 'no.such.task'" in worker.log.read_bytes()
    assert worker.log.read_bytes().count(b"Put aside what cannot be read as a message") == len(KINDS)
